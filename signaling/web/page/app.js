// The page: a WebRTC participant and an operator's view of one room. No library, no build step.
// Everything that comes from the gateway or from other people is written with textContent.
'use strict';

const TRIED_AGAIN = ['resource_exhausted', 'unavailable']; // when coming back: many may do so at once
const RESUME_FOR_MS = 14000; // the gateway keeps a session for 15 s after its socket was lost
const ENDED_CALLS_SHOWN = 8;
const $ = (id) => document.getElementById(id);

const state = {
  token: '',
  room: '',
  name: '',
  socket: null,
  nextId: 1,
  pending: new Map(),
  peer: null,
  joined: false, // the last offer was answered: candidates may be sent
  offers: Promise.resolve(), // settled when the last offer is through, however it went
  leaving: false,
  stay: 0, // counts what is over when one leaves
  returning: null, // the stay whose socket was lost, while onLost is at it
  microphone: null,
  muted: false,
  me: null,
  people: new Map(), // identity -> participant
  speakers: new Map(), // identity -> level
  calls: new Map(), // sip_call_id -> call
  answered: new Map(), // sip_call_id -> performance.now() when it became active
  transfers: new Set(), // identities of phones that are being transferred
  phone: null, // identity of the phone whose keys, hold and transfer are shown
  heldCandidates: [],
  seq: undefined,
  epoch: undefined,
};

/** What stands in a token, unchecked: only to fill the form. */
function tokenClaims(token) {
  try {
    const text = atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
  } catch {
    return null;
  }
}

/* What the token lets its owner do, so that nothing is offered that the gateway would refuse. */
const mayCall = () => Boolean(tokenClaims(state.token)?.sip?.call || tokenClaims(state.token)?.sip?.admin);
const mayManage = () => Boolean(tokenClaims(state.token)?.video?.roomAdmin);

/** Says what went wrong; with `kind` "info", what has happened. */
function notice(text, kind = 'error') {
  $('notice-text').textContent = text ?? '';
  $('notice').dataset.kind = kind;
  $('notice').hidden = !text;
}

function status(name, text) {
  $('status').dataset.state = name;
  $('status').textContent = text;
}

/* ---- JSON-RPC on the WebSocket ---------------------------------------------------------------------- */

class CallError extends Error {
  constructor({ message, data }) {
    super(message);
    this.data = data ?? {};
  }
}

function request(method, params = {}) {
  return new Promise((resolve, reject) => {
    if (state.socket?.readyState !== WebSocket.OPEN) {
      reject(new Error('there is no connection to the gateway'));
      return;
    }
    const id = state.nextId++;
    state.pending.set(id, { resolve, reject });
    state.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  });
}

function failPending() {
  for (const { reject } of state.pending.values()) reject(new Error('the connection to the gateway was lost'));
  state.pending.clear();
}

function dropSocket() {
  const { socket } = state;
  state.socket = null;
  socket?.close();
  failPending();
}

function onMessage(event) {
  let message;
  try {
    message = JSON.parse(event.data);
  } catch {
    return;
  }
  const pending = message.id !== undefined && state.pending.get(message.id);
  if (pending) {
    state.pending.delete(message.id);
    if (message.error) pending.reject(new CallError(message.error));
    else pending.resolve(message.result);
  } else if (message.method === 'event') onEvent(message.params);
  else if (message.method === 'session.candidate') onRemoteCandidate(message.params);
  else if (message.method === 'session.moved') onMoved(message.params);
  else if (message.method === 'session.closed' && message.params?.reason === 'moved') return; // session.moved told it
  else if (message.method === 'session.closed') leave(LEFT_WORDS[message.params?.reason] ?? 'The session was ended by the gateway.', true);
}

async function whyNoSocket() {
  const claims = tokenClaims(state.token);
  if (!state.token) return 'An access token is needed: open the link that the gateway printed, or paste the token below.';
  if (claims?.exp && claims.exp * 1000 < Date.now()) return 'The access token has expired: start the gateway again, or get a new one.';
  try {
    await fetch('/healthz', { cache: 'no-store' });
    const { status } = await fetch('/ws', { method: 'POST' }); // a foreign page is refused before the method is
    if (status === 403) return `The gateway does not take this page for its own. A proxy must pass on the Host header, which is ${location.host} here, or http.allowed_origins must have ${location.origin}.`;
  } catch {
    return 'The gateway cannot be reached.';
  }
  return 'The gateway refused the access token: it is not signed with this gateway’s key. Open the link that it printed at its last start.';
}

/** Opens the WebSocket, which is closed at once when it is not wanted any more; later losses go to onLost. */
function connect(isWanted = () => true) {
  const url = new URL('/ws', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('access_token', state.token);
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    let opened = false;
    socket.onmessage = onMessage;
    socket.onopen = () => {
      if (!isWanted()) return socket.close();
      opened = true;
      state.socket = socket;
      resolve();
    };
    socket.onclose = () => {
      if (!opened) reject(new Error('refused'));
      else if (state.socket === socket) onLost();
    };
  });
}

/* ---- audio ------------------------------------------------------------------------------------------ */

async function openMicrophone() {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error('no microphone');
  state.microphone = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
  state.microphone.getAudioTracks()[0].onended = () => notice('The microphone was unplugged or taken away: leave and join again to use another.');
}

function newPeer() {
  const peer = new RTCPeerConnection();
  state.offers = Promise.resolve();
  peer.onicecandidate = ({ candidate }) => candidate && sendCandidate(candidate.toJSON());
  peer.ontrack = ({ track, streams }) => play(streams[0] ?? new MediaStream([track]));
  peer.onconnectionstatechange = () => onPeerState(peer);
  const track = state.microphone?.getAudioTracks()[0];
  if (track) peer.addTrack(track, state.microphone);
  else peer.addTransceiver('audio', { direction: 'recvonly' });
  return peer;
}

function sendCandidate(candidate) {
  if (!state.joined) state.heldCandidates.push(candidate);
  else request('session.candidate', candidate).catch(() => {});
}

function onRemoteCandidate(candidate) {
  const add = () => state.peer?.addIceCandidate(candidate.candidate ? candidate : null).catch(() => {});
  if (state.peer?.remoteDescription) add();
  else state.earlyCandidates = [...(state.earlyCandidates ?? []), add];
}

/** Says so once the audio, the socket and the room are there, whichever comes last. */
function showConnected() {
  if (state.socket && state.peer.connectionState === 'connected' && !$('in-room').hidden) status('connected', 'Connected');
}

function onPeerState(peer) {
  if (peer !== state.peer) return;
  if (!state.socket) return; // taking the session up again says more
  if (peer.connectionState === 'connected') showConnected();
  else if (peer.connectionState === 'disconnected') status('busy', 'The audio is interrupted…');
  else if (peer.connectionState === 'failed' && !state.leaving) restartIce();
}

/** Offers by `method` and takes the answer: one offer at a time, and its candidates behind it. */
function negotiate(method, params, options) {
  const { peer } = state;
  const turn = state.offers.then(async () => {
    if (peer !== state.peer) throw new Error('another connection took its place');
    state.joined = false;
    state.heldCandidates = [];
    await peer.setLocalDescription(await peer.createOffer(options));
    const result = await request(method, { ...params, sdp: peer.localDescription.sdp });
    await peer.setRemoteDescription({ type: 'answer', sdp: result.sdp });
    state.joined = true;
    state.heldCandidates.splice(0).forEach(sendCandidate);
    return result;
  });
  state.offers = turn.catch(() => {});
  return turn;
}

async function restartIce() {
  const { socket, peer } = state;
  if (!socket) return; // taking the session up again restarts it
  status('busy', 'Reconnecting the audio…');
  try {
    await negotiate('session.offer', {}, { iceRestart: true });
  } catch (error) {
    if (state.socket !== socket || state.peer !== peer) return; // lost meanwhile, or given up
    status('failed', 'No audio');
    notice(`The audio connection failed. ${errorWords(error)}`);
  }
}

async function play(stream) {
  $('audio').srcObject = stream;
  try {
    await $('audio').play();
    $('hear').hidden = true;
  } catch {
    $('hear').hidden = false; // the browser wants a click first
  }
}

/* ---- joining, losing, leaving ----------------------------------------------------------------------- */

async function negotiateJoin(identity) {
  state.peer = newPeer();
  const params = { room: state.room, subscribe: 'mix' };
  if (state.name) params.name = state.name;
  if (identity) params.identity = identity;
  const result = await negotiate('session.join', params);
  for (const add of state.earlyCandidates ?? []) add();
  state.earlyCandidates = [];
  return result;
}

function takeParticipants(result) {
  state.me = result.participant ?? state.me;
  if (!result.participants) return;
  state.people = new Map(result.participants.map((one) => [one.identity, one]));
  if (state.me) state.people.set(state.me.identity, state.me);
}

async function watch() {
  const params = { name: state.room };
  if (state.seq !== undefined) Object.assign(params, { from_seq: state.seq, epoch: state.epoch });
  const result = await request('room.watch', params);
  state.epoch = result.epoch;
  if (state.seq === undefined || result.gap) state.seq = result.seq;
  if (result.snapshot?.participants) takeParticipants({ participants: result.snapshot.participants });
  else if (params.from_seq === undefined) takeParticipants(await request('room.get', { name: state.room }).catch(() => ({}))); // since the answer
  try {
    const { calls } = await request('call.list', { room: state.room });
    for (const call of calls) takeCall(call);
  } catch {
    // a token without the right to see calls: the events still tell
  }
}

async function join(event) {
  event.preventDefault();
  await start(true);
}

async function start(withMicrophone) {
  notice();
  state.leaving = false;
  state.room = $('room').value.trim();
  state.name = $('name').value.trim();
  state.token = $('token').value.trim();
  if (!state.room) return;
  setForm(false);
  try {
    if (withMicrophone) await openMicrophone();
  } catch (error) {
    notice(microphoneWords(error));
    $('listen-only').hidden = false;
    setForm(true);
    return;
  }
  try {
    status('busy', 'Connecting…');
    await connect().catch(async () => {
      if (!state.token) $('token-part').open = true;
      throw new Error(await whyNoSocket());
    });
    takeParticipants(await negotiateJoin());
    const { stay } = state;
    await watch().catch((error) => {
      if (error instanceof CallError || state.leaving || state.stay !== stay) throw error;
      if (!state.socket) onLost(); // unless it is at it: while the answer was taken it knew of no stay
    });
  } catch (error) {
    tearDown();
    status('failed', 'Not connected');
    notice(errorWords(error));
    setForm(true);
    return;
  }
  entered();
}

function showRoom() {
  $('room-name').textContent = state.room;
  document.title = `${state.room} – Switchroom`;
  $('dial').hidden = !mayCall();
  $('calls-card').hidden = !mayCall() && !mayManage();
  showAddress();
  if (mayCall()) loadTargets();
}

function setForm(enabled) {
  for (const control of $('join').elements) control.disabled = !enabled;
}

function entered() {
  $('join').hidden = true;
  $('in-room').hidden = $('bar').hidden = false;
  $('mute').hidden = !state.microphone;
  showRoom();
  showConnected();
  render();
  if (matchMedia('(min-width: 820px)').matches) $('number').focus(); // elsewhere it would open the keyboard
}

/** The socket was lost: the audio goes on; take the session up again, else join anew. */
async function onLost() {
  failPending();
  state.socket = null;
  state.speakers.clear(); // who speaks is not told any more
  renderSpeakers();
  const { stay } = state;
  if (state.leaving || !state.me || state.returning === stay) return;
  status('busy', 'Reconnecting…');
  state.returning = stay;
  await comeBack(() => state.leaving || state.stay !== stay);
  if (state.returning === stay) state.returning = null;
}

async function comeBack(isOver) {
  const until = Date.now() + RESUME_FOR_MS;
  let why = '';
  for (let wait = 200; Date.now() < until && !isOver(); wait = Math.min(2000, wait * 2)) {
    try {
      await connect(() => !isOver());
      await resumeOrRejoin();
      if (!state.socket) throw new Error('lost again'); // during a request that may fail
      showConnected();
      showRoom();
      render();
      return;
    } catch (error) {
      if (isOver()) return;
      if (error instanceof CallError) why = errorWords(error);
      if (error instanceof CallError && !TRIED_AGAIN.includes(error.data.code)) break;
      dropSocket();
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  if (!isOver()) leave(`The connection to the gateway was lost and did not come back. ${why}`.trim(), true);
}

/* With an offer: the network may be another one, and while the gateway has not noticed that the old socket is lost it
 * knows a guest by nothing but its certificate. */
async function resumeOrRejoin() {
  try {
    takeParticipants(await negotiate('session.join', { resume: state.me.sid }, { iceRestart: true }));
    if (state.muted && !isMuted(state.me)) await request('session.mute', { muted: true }).catch(() => {}); // its track is off
    else takeOwnState(state.me);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    await request('session.leave').catch(() => {}); // it may be ours again although the offer was refused
    await joinAnew(); // the gateway has forgotten us, perhaps it was started again
  }
  await watch();
}

/** In demo mode: whom to call to come into this room. */
async function showAddress() {
  const info = await request('server.info').catch(() => ({}));
  if (!info.demo) return;
  const host = info.sip_address?.includes(':') ? `[${info.sip_address}]` : info.sip_address ?? location.hostname;
  $('no-calls').textContent = `No call yet. Call sip:${encodeURIComponent(state.room)}@${host}:${info.sip_port} from a softphone` +
    `${/^(127\.|\[?::1)/.test(host) ? ' on the machine where the gateway runs' : ''}, or run “tools/demo ${state.room}${
      host === '127.0.0.1' && info.sip_port === 5060 ? '' : ` --gateway ${host}:${info.sip_port}`}”.`;
}

/** Another peer connection to the same room, when the gateway has no more use for the old one. */
async function joinAnew(identity) {
  state.peer.close();
  state.seq = undefined;
  state.calls.clear();
  takeParticipants(await negotiateJoin(identity));
  if (state.muted) await request('session.mute', { muted: true });
}

/** An operator took us to another room. The audio goes on, or, with `rejoin`, is set up again in the other room. */
async function onMoved({ room, rejoin, participant, participants, participant_identity: identity }) {
  state.room = $('room').value = room;
  state.seq = undefined;
  state.people.clear();
  state.speakers.clear();
  state.calls.clear();
  state.transfers.clear();
  showRoom();
  notice(`You were taken to the room “${room}”.`, 'info');
  try {
    // a token that names nobody has got its identity from the gateway, and keeps it
    if (rejoin) await joinAnew(tokenClaims(state.token)?.sub ? null : identity);
    else takeParticipants({ participant, participants });
    await watch();
    render();
  } catch (error) {
    if (state.socket) leave(`The room “${room}”, to which you were taken, cannot be joined. ${errorWords(error)}`);
  }
}

function tearDown() {
  state.peer?.close();
  state.microphone?.getTracks().forEach((track) => track.stop());
  Object.assign(state, { peer: null, microphone: null, me: null, muted: false, seq: undefined, stay: state.stay + 1 });
  dropSocket();
  state.people.clear();
  state.speakers.clear();
  state.calls.clear();
  state.transfers.clear();
  state.phone = null;
  $('audio').srcObject = null;
  $('messages').replaceChildren();
}

async function leave(why, byGateway = false) {
  if (state.leaving) return;
  state.leaving = true;
  if (!byGateway) await request('session.leave').catch(() => {});
  tearDown();
  setForm(true);
  $('join').hidden = false;
  $('in-room').hidden = $('bar').hidden = $('hear').hidden = true;
  document.title = 'Switchroom';
  showMuted();
  status('idle', 'Not connected');
  notice(why);
  $('room').focus();
}

/* ---- events ----------------------------------------------------------------------------------------- */

function onEvent(event) {
  if (event.room !== state.room) return;
  if (Number.isFinite(event.seq)) state.seq = Math.max(state.seq ?? 0, event.seq);
  const identity = event.participant?.identity;
  switch (event.type) {
    case 'participant_joined':
    case 'participant_updated':
      state.people.set(identity, event.participant);
      if (state.me?.identity === identity) takeOwnState(event.participant);
      break;
    case 'participant_left':
      state.people.delete(identity);
      state.transfers.delete(identity);
      state.speakers.delete(identity);
      break;
    case 'active_speakers':
      state.speakers = new Map(event.speakers.map((one) => [one.identity, one.level]));
      renderSpeakers();
      return;
    case 'message_received':
      showMessage(event);
      return;
    case 'transfer_status':
      takeTransfer(event);
      break;
    case 'call_status':
      takeCall({ ...event.call, status: event.status ?? event.call?.status });
      break;
    default:
      return;
  }
  render();
}

/** Somebody with the right to do so may have muted us. */
function takeOwnState(participant) {
  state.me = participant;
  const muted = participant.tracks?.[0]?.muted;
  if (muted !== undefined && muted !== state.muted) setMuted(muted);
}

function takeTransfer({ participant_identity: identity, state: progress, sip_status_code: code }) {
  const name = shownName(state.people.get(identity) ?? { identity });
  if (progress === 'ongoing') state.transfers.add(identity);
  else state.transfers.delete(identity);
  if (progress === 'failed') notice(`${name} could not be transferred: ${SIP_WORDS[code] ?? 'refused'}${code ? ` (${code})` : ''}.`);
  if (progress === 'successful') notice(`${name} was transferred.`, 'info');
}

function takeCall(call) {
  const id = call.sip_call_id;
  if (!id) return;
  if (call.status === 'active' && !state.answered.has(id)) {
    const since = call.answered_at ? Date.now() - Date.parse(call.answered_at) : 0;
    state.answered.set(id, performance.now() - Math.max(0, since));
  }
  if (state.calls.get(id)?.status !== call.status) $('announce').textContent = callTitle(call) + ': ' + callWords(call);
  state.calls.delete(id);
  state.calls.set(id, call);
  const ended = [...state.calls.values()].filter((each) => !isLive(each));
  for (const old of ended.slice(0, -ENDED_CALLS_SHOWN)) state.calls.delete(old.sip_call_id);
}

const isLive = (call) => ['dialing', 'ringing', 'active'].includes(call.status);

const MESSAGES_SHOWN = 100;

function showMessage(message) {
  const only = message.destination_identities;
  if (only && !only.includes(state.me?.identity) && message.identity !== state.me?.identity) return;
  const line = element('li', '');
  const who = state.people.get(message.identity)?.name || message.identity || message.from || 'somebody';
  line.append(element('b', '', who), element('span', '', message.text));
  $('messages').append(line);
  while ($('messages').children.length > MESSAGES_SHOWN) $('messages').firstChild.remove();
  line.scrollIntoView?.({ block: 'nearest' });
}

async function sendMessage(event) {
  event.preventDefault();
  const text = $('text').value.trim();
  if (!text) return;
  $('text').value = '';
  try {
    await request('room.send_message', { room: state.room, text, identity: state.me?.identity });
  } catch (error) {
    $('text').value = text;
    notice(errorWords(error));
  }
}

/* ---- drawing ---------------------------------------------------------------------------------------- */

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

function iconButton(name, label, onClick) {
  const button = element('button', 'icon');
  button.type = 'button';
  button.title = label;
  button.setAttribute('aria-label', label);
  button.append(icon(name));
  button.onclick = () => onClick().catch((error) => notice(errorWords(error)));
  return button;
}

const shownName = (participant) => participant.name || participant.identity;
const initials = (name) => [...name.replace(/^Phone\s+/, '')].filter((c) => /[\p{L}\p{N}]/u.test(c)).slice(0, 1).join('').toUpperCase() || '?';
const isMuted = (participant) => Boolean(participant.tracks?.[0]?.muted);

function stateWords(participant) {
  const call = participant.attributes?.['sip.callStatus'];
  if (call === 'dialing') return 'being called…';
  if (call === 'ringing') return 'ringing…';
  if (state.transfers.has(participant.identity)) return 'being transferred…';
  const hold = participant.attributes?.['sip.hold'] ?? 'none';
  if (hold !== 'none') return hold === 'remote' ? 'has put the room on hold' : 'on hold';
  if (isMuted(participant)) return 'muted';
  return state.speakers.has(participant.identity) ? 'speaking' : participant.kind === 'SIP' ? 'on the phone' : 'in the browser';
}

function personRow(participant) {
  const row = element('li');
  const who = element('div', 'who');
  const line = element('span');
  const own = participant.identity === state.me?.identity;
  row.dataset.identity = participant.identity;
  line.append(icon(participant.kind === 'SIP' ? 'phone' : 'browser'), element('span', 'state', stateWords(participant)));
  const name = element('b');
  name.append(element('bdi', '', shownName(participant)), ...(own ? [element('small', '', ' (you)')] : []));
  who.append(name, line);
  row.append(element('div', 'face', initials(shownName(participant))), who);
  const target = { room: state.room, identity: participant.identity };
  if (!own && mayManage()) {
    const muted = isMuted(participant);
    row.append(iconButton(muted ? 'mic-off' : 'mic', `${muted ? 'Unmute' : 'Mute'} ${shownName(participant)}`,
      () => request('participant.mute', { ...target, muted: !muted })));
    if (participant.kind === 'SIP') {
      const hangUp = iconButton('hangup', `Hang up ${shownName(participant)}`, () => request('participant.remove', target));
      const more = iconButton('more', `Hold, keys, transfer: ${shownName(participant)}`, async () => showPhone(participant.identity));
      hangUp.classList.add('spare');
      more.setAttribute('aria-controls', 'phone');
      more.setAttribute('aria-expanded', String(state.phone === participant.identity));
      row.append(hangUp, more);
    }
  }
  return row;
}

/** Keeps the keyboard focus where it was when a list is drawn again: on the same button of the same row, whatever it says now. */
function redraw(list, rows) {
  const place = (button) => {
    const row = button.closest('li');
    return `${row.dataset.identity ?? row.dataset.call} ${[...row.querySelectorAll('button')].indexOf(button)}`;
  };
  const focused = list.contains(document.activeElement) ? place(document.activeElement) : null;
  list.replaceChildren(...rows);
  if (focused) [...list.querySelectorAll('button')].find((button) => place(button) === focused)?.focus();
}

function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (n) => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

function callWords(call) {
  if (call.status === 'dialing') return 'Calling…';
  if (call.status === 'ringing') return 'Ringing…';
  if (call.status === 'active') return `In the room, ${duration(performance.now() - state.answered.get(call.sip_call_id))}`;
  return endWords(call.end ?? {}, call.sip_status_code);
}

function callTitle(call) {
  const outbound = call.direction === 'outbound';
  const other = String((outbound ? call.to : call.from) ?? '').replace(/^.*<?sips?:/, '').replace(/[>;].*$/, '');
  return `${outbound ? 'To' : 'From'} ${other || 'an unknown number'}`;
}

function callRow(call) {
  const row = element('li');
  const who = element('div', 'who');
  const words = callWords(call);
  row.dataset.status = isLive(call) ? call.status : words.startsWith('Failed') ? 'failed' : 'ended';
  row.dataset.call = call.sip_call_id;
  who.append(element('b', '', callTitle(call)), element('span', 'state', words));
  row.append(element('span', 'dot'), who);
  if (isLive(call))
    row.append(iconButton('hangup', `Hang up: ${callTitle(call)}`, () => request('call.hangup', { sip_call_id: call.sip_call_id })));
  return row;
}

function render() {
  const people = [...state.people.values()];
  $('people-count').textContent = people.length === 1 ? '– only you so far' : `– ${people.length} people`;
  redraw($('people'), people.map(personRow));
  redraw($('calls'), [...state.calls.values()].reverse().map(callRow));
  $('no-calls').hidden = state.calls.size > 0;
  renderPhone();
  renderSpeakers();
}

function renderSpeakers() {
  for (const row of $('people').children) {
    const level = state.speakers.get(row.dataset.identity);
    const participant = state.people.get(row.dataset.identity);
    row.classList.toggle('speaking', level !== undefined);
    if (level !== undefined) row.style.setProperty('--level', String(Math.min(1, level)));
    if (participant) row.querySelector('.state').textContent = stateWords(participant);
  }
}

function tick() {
  for (const row of $('calls').children) {
    const call = state.calls.get(row.dataset.call);
    if (call?.status === 'active') row.querySelector('.state').textContent = callWords(call);
  }
}

/* ---- controls --------------------------------------------------------------------------------------- */

function showMuted() {
  $('mute').setAttribute('aria-pressed', String(state.muted));
  $('mute').querySelector('span').textContent = state.muted ? 'Unmute' : 'Mute';
  $('mute').querySelector('use').setAttribute('href', state.muted ? '#icon-mic-off' : '#icon-mic');
}

function setMuted(muted) {
  state.muted = muted;
  state.microphone?.getAudioTracks().forEach((track) => (track.enabled = !muted));
  showMuted();
}

async function toggleMute() {
  const muted = !state.muted;
  setMuted(muted);
  try {
    const { participant } = await request('session.mute', { muted });
    if (participant) state.people.set(participant.identity, participant);
    render();
  } catch (error) {
    if (!muted || error instanceof CallError) setMuted(!muted); // who lost the connection stays muted
    notice(errorWords(error));
  }
}

function addKeys(parent, press, className = '') {
  for (const key of '123456789*0#') {
    const button = element('button', className, key);
    button.type = 'button';
    button.onclick = () => press(key);
    parent.append(button);
  }
}

function setUp() {
  const query = new URLSearchParams(location.search);
  $('token').value = query.get('token') ?? query.get('access_token') ?? '';
  const claims = tokenClaims($('token').value);
  $('room').value = query.get('room') ?? claims?.video?.room ?? '';
  $('name').value = query.get('name') ?? claims?.name ?? '';
  $('token-part').open = !$('token').value;
  addKeys($('keys'), typeKey);
  addKeys($('tones'), pressKey, 'answered');
  $('join').onsubmit = join;
  $('listen-only').onclick = () => start(false);
  $('dial').onsubmit = dial;
  $('number').oninput = showServerField;
  $('number').onfocus = loadTargets;
  $('trunk').onchange = showServerField;
  $('erase').onclick = () => {
    $('number').value = $('number').value.slice(0, -1);
    showServerField();
  };
  $('chat').onsubmit = sendMessage;
  $('phone').onsubmit = transfer;
  $('hold').onclick = toggleHold;
  $('phone-hangup').onclick = () => phoneDoes(() => request('participant.remove', phoneTarget()));
  $('phone-close').onclick = () => showPhone(state.phone);
  $('notice-close').onclick = () => notice();
  $('mute').onclick = toggleMute;
  $('leave').onclick = () => leave();
  $('hear').onclick = () => play($('audio').srcObject);
  addEventListener('pagehide', () => state.socket?.readyState === WebSocket.OPEN &&
    state.socket.send(JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'session.leave', params: {} })));
  setInterval(tick, 1000);
  if (!window.isSecureContext) notice(microphoneWords());
  $('listen-only').hidden = window.isSecureContext;
  ($('room').value ? $('name') : $('room')).focus();
}

setUp();
