// Every method and every event of the API: with what it takes, what it refuses, and who may not. What it answers is
// checked by the client itself (lib/schema.mjs). The list is the gateway's own: a method or an event without a case fails.
import dgram from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Rpc } from './lib/rpc.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';
import { signedToken } from './lib/token.mjs';

const connect = async (t, gateway, identity = 'operator', grants = {}) => {
  const rpc = await Rpc.connect(gateway.ws, gateway.token(identity, grants));
  t.after(() => rpc.close());
  return rpc;
};

const offer = (sections = 1) => {
  const mids = Array.from({ length: sections }, (_, index) => String(index));
  return ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${mids.join(' ')}`,
    ...mids.flatMap((mid) => ['m=audio 9 UDP/TLS/RTP/SAVPF 111 0', 'c=IN IP4 0.0.0.0', 'a=rtcp-mux', `a=mid:${mid}`,
      'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=setup:actpass', 'a=sendrecv', 'a=msid:s t',
      `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=rtpmap:111 opus/48000/2', 'a=rtpmap:0 PCMU/8000']),
    ''].join('\r\n');
};

/* A square wave of 500 Hz in PCMU. */
const loud = Buffer.from(Array.from({ length: 160 }, (_, index) => (index % 16 < 8 ? 0x90 : 0x10)));

/** A phone in room `hall`, which takes MESSAGE and whatever it is sent. */
async function phoneIn(t, gateway) {
  const phone = await RawCall.open(t, gateway, 'hall', 'phone');
  const cseq = phone.request('INVITE', sdp(phone.mediaPort),
    { extra: ['Allow: INVITE, ACK, BYE, MESSAGE, REFER', 'Supported: timer', 'Session-Expires: 1800;refresher=uac'] });
  const answer = await phone.final(cseq);
  phone.ack(cseq);
  phone.talk(answer.body, 0, loud);
  phone.onInvite = (invite) => phone.respond(invite, 200, 'OK', sdp(phone.mediaPort));
  return phone;
}

/* By method: what must be refused, as [params, word, field], after what must be answered. `s` has the operator's socket,
 * the phone and what earlier cases made. They run in this order. */
const hall = { room: 'hall' }, who = { room: 'hall', identity: 'sip_phone' };
const nobody = { room: 'hall', identity: 'nobody' }, nowhere = { room: 'nowhere', identity: 'sip_phone' };
const cases = {
  'server.info': { ok: (s) => s.call({}) },
  'server.stats': { ok: (s) => s.call({}) },
  'server.methods': { ok: (s) => s.call({}) },
  'server.authenticate': {
    ok: (s) => s.call({ access_token: s.gateway.token('operator') }),
    bad: [[{}, 'invalid_argument', 'access_token'], [{ access_token: 'x' }, 'unauthenticated']],
  },
  'room.create': {
    ok: (s) => s.call({ name: 'made', empty_timeout: 300, metadata: 'm', codecs: ['PCMU'] }),
    bad: [[{}, 'invalid_argument', 'name'], [{ name: '*' }, 'invalid_argument', 'name'], [{ room_name: '' }, 'invalid_argument', 'room_name'], [{ name: 'a', codecs: ['mp3'] }, 'invalid_argument', 'codecs'],
      [{ name: 'a', max_participants: -1 }, 'invalid_argument', 'max_participants']],
  },
  'room.list': { ok: (s) => s.call({}) },
  'room.get': { ok: (s) => s.call({ name: 'hall' }), bad: [[{ name: 'nowhere' }, 'not_found'], [{ name: 'a' }, 'not_found']] }, // a: refused above
  'room.update': { ok: (s) => s.call({ name: 'made', metadata: 'n' }), bad: [[{ name: 'nowhere' }, 'not_found']] },
  'room.watch': {
    ok: async (s) => {
      const { epoch } = await s.call({ name: 'hall' });
      await s.call({ name: 'hall', from_seq: 0, epoch });
      s.t.ok((await s.call({ name: 'hall', from_seq: 1, epoch: 'EP_x' })).gap, 'a gap');
      const { gap, snapshot } = await s.call({ name: '*', from_seq: 1, epoch });
      s.t.equal([gap, snapshot.rooms.some(({ name }) => name === 'hall')], [true, true], 'all rooms, which are numbered each for itself');
    },
    bad: [[{ name: '' }, 'invalid_argument', 'name'], [{ name: 'hall', from_seq: -1 }, 'invalid_argument', 'from_seq']],
  },
  'room.send_message': {
    ok: async (s) => {
      const sending = s.call({ ...hall, text: 'hello' });
      s.phone.respond(await s.phone.received('MESSAGE'), 200, 'OK');
      s.t.equal(await sending, { delivered: 1, failed: [] }, 'result');
      await s.event('message_received');
    },
    bad: [[{ ...hall, text: '' }, 'invalid_argument'], [{ room: 'nowhere', text: 'x' }, 'not_found']],
  },
  'room.play': {
    ok: async (s) => (s.played = (await s.call({ ...hall, tone: 'dial' })).play_id),
    bad: [[{ ...hall, tone: 'siren' }, 'invalid_argument', 'tone'], [hall, 'invalid_argument'],
      [{ ...hall, file: 'a.wav' }, 'failed_precondition'], [{ room: 'nowhere', tone: 'dial' }, 'not_found']],
  },
  'room.play_stop': {
    ok: async (s) => (await s.call({ ...hall, play_id: s.played }), s.event('play_ended')),
    bad: [[{ ...hall, play_id: 'PL_x' }, 'not_found']],
  },
  'room.record': {
    ok: async (s) => ((s.recording = (await s.call(hall)).recording.recording_id), s.event('recording_started')),
    bad: [[{ ...hall, file: '../x.wav' }, 'invalid_argument'], [{ ...hall, format: 'mp3' }, 'invalid_argument', 'format'], [{ room: 'nowhere' }, 'not_found']],
  },
  'room.record_list': { ok: async (s) => s.t.equal((await s.call(hall)).recordings.length, 1, 'recordings') },
  'room.record_stop': {
    ok: async (s) => (await s.call({ ...hall, recording_id: s.recording }), s.event('recording_finished')),
    bad: [[{ ...hall, recording_id: 'RC_x' }, 'not_found']],
  },
  'participant.list': { ok: (s) => s.call(hall), bad: [[{ room: 'nowhere' }, 'not_found']] },
  'participant.get': { ok: (s) => s.call(who), bad: [[nobody, 'not_found'], [nowhere, 'not_found']] },
  'participant.mute': { ok: (s) => s.call({ ...who, muted: true }), bad: [[nobody, 'not_found'], [{ ...who, track_sid: 'TR_x' }, 'not_found']] },
  'participant.update': {
    ok: (s) => s.call({ ...who, name: 'Phone', attributes: { a: 'b' } }),
    bad: [[{ ...who, attributes: { 'sip.x': 'y' } }, 'invalid_argument'], [{ ...who, attributes: { a: 1 } }, 'invalid_argument', 'attributes.a'], [nobody, 'not_found']],
  },
  'participant.play': { ok: async (s) => (s.played = (await s.call({ ...who, tone: 'busy' })).play_id), bad: [[{ ...nobody, tone: 'busy' }, 'not_found']] },
  'participant.play_stop': { ok: (s) => s.call({ ...who, play_id: s.played }), bad: [[{ ...who, play_id: 'PL_x' }, 'not_found']] },
  'participant.send_dtmf': { ok: (s) => s.call({ ...who, digits: '1' }), bad: [[{ ...who, digits: 'x' }, 'invalid_argument'], [{ ...nobody, digits: '1' }, 'not_found']] },
  'participant.set_gain': { ok: (s) => s.call({ ...who, gain_db: -6 }), bad: [[{ ...who, gain_db: 99 }, 'invalid_argument', 'gain_db'], [{ ...nobody, gain_db: 0 }, 'not_found']] },
  'participant.hold': { ok: async (s) => (await s.call({ ...who, held: true }), s.call({ ...who, held: false })), bad: [[nobody, 'not_found']] },
  'participant.set_codecs': {
    ok: (s) => s.call({ ...who, codecs: ['PCMU'] }),
    bad: [[{ ...who, codecs: [] }, 'invalid_argument'], [{ ...who, codecs: ['mp3'] }, 'invalid_argument'], [{ ...nobody, codecs: ['PCMU'] }, 'not_found']],
  },
  'participant.create': {
    ok: async (s) => {
      const callee = await RawCall.open(s.t, s.gateway);
      callee.onInvite = (invite) => callee.respond(invite, 486, 'Busy Here');
      const trunk = { hostname: `127.0.0.1:${callee.port}` };
      s.created = await s.call({ room: 'out', sip_call_to: '100', trunk });
      const busy = await s.rpc.fails('participant.create', { room: 'out', sip_call_to: '101', trunk, wait_until_answered: true });
      s.t.equal([busy.data.code, busy.data.sip_status_code], ['resource_exhausted', 486], 'busy');
    },
    bad: [[hall, 'invalid_argument', 'sip_call_to'], [{ ...hall, sip_call_to: '1', sip_trunk_id: 'ST_x' }, 'not_found'],
      [{ ...hall, sip_call_to: '1', trunk: { colour: 'red' } }, 'invalid_argument', 'trunk.colour'],
      [{ ...hall, sip_call_to: '1', trunk: { hostname: 'a', transport: 'sctp' } }, 'invalid_argument', 'trunk.transport'],
      [{ ...hall, sip_call_to: '1', idempotency_key: '' }, 'invalid_argument', 'idempotency_key']],
  },
  'call.list': { ok: async (s) => (s.id = (await s.call({ ...hall, ended: true })).calls[0].sip_call_id), bad: [[{ since: 'yesterday' }, 'invalid_argument'], [{ page_token: 'x' }, 'invalid_argument'], [{ direction: 'up' }, 'invalid_argument', 'direction']] },
  'call.get': { ok: (s) => s.call({ sip_call_id: s.id }), bad: [[{ sip_call_id: 'SCL_x' }, 'not_found']] },
  'call.trace': {
    ok: async (s) => (await s.call({ sip_call_id: s.id }), s.call({ sip_call_id: s.id, format: 'pcap' })),
    bad: [[{ sip_call_id: 'SCL_x' }, 'not_found'], [{}, 'invalid_argument'], [{ sip_call_id: 'SCL_x', format: 'odd' }, 'invalid_argument', 'format']],
  },
  'call.logs': {
    ok: async (s) => s.t.ok((await s.call({ sip_call_id: s.id, follow: true })).following, 'it follows'),
    bad: [[{ sip_call_id: 'SCL_x' }, 'not_found'], [{ sip_call_id: 'SCL_x', from_seq: -1 }, 'invalid_argument', 'from_seq']],
  },
  'participant.transfer': {
    ok: async (s) => {
      const pending = s.rpc.fails('participant.transfer', { ...who, transfer_to: 'tel:+15550100' });
      s.phone.respond(await s.phone.received('REFER'), 405, 'Method Not Allowed');
      s.t.equal((await pending).data.code, 'unimplemented', 'a phone without REFER');
      await s.event('transfer_status');
    },
    bad: [[{ ...nobody, transfer_to: 'tel:+1' }, 'not_found'], [who, 'invalid_argument', 'transfer_to']],
  },
  'participant.move': { ok: (s) => s.call({ ...who, to_room: 'other' }), bad: [[{ ...nobody, to_room: 'other' }, 'not_found'],
    [{ ...who, to_room: '' }, 'invalid_argument', 'to_room'], [{ ...who, to_room: '*' }, 'invalid_argument', 'to_room']] },
  'call.hangup': { ok: (s) => s.call({ sip_call_id: s.id }), bad: [[{ sip_call_id: 'SCL_x' }, 'not_found']] },
  'participant.remove': {
    ok: async (s) => {
      await phoneIn(s.t, s.gateway);
      await s.call(who);
    },
    bad: [[nobody, 'not_found']],
  },
  'trunk.create': { ok: async (s) => (s.trunk = (await s.call({ name: 'api', direction: 'inbound', numbers: ['5'] })).trunk.sip_trunk_id), bad: [[{ name: 'x', colour: 'red' }, 'invalid_argument', 'colour'], [{ name: 'api', numbers: ['6'] }, 'invalid_argument', 'name'],
    [{ name: 'x', tls: { colour: 1 } }, 'invalid_argument', 'tls.colour'], [{ name: 'x', numbers: [6] }, 'invalid_argument', 'numbers'], [{ numbers: ['6'] }, 'invalid_argument', 'name']] },
  'trunk.update': { ok: (s) => s.call({ sip_trunk_id: s.trunk, numbers: ['7'] }), bad: [[{ sip_trunk_id: 'ST_x', numbers: ['7'] }, 'not_found']] },
  'trunk.list': { ok: (s) => s.call({}) },
  'dispatch_rule.create': { ok: async (s) => (s.rule = (await s.call({ name: 'api', type: 'direct', room: 'hall', trunks: ['api'] })).dispatch_rule.sip_dispatch_rule_id), bad: [[{ name: 'x', type: 'odd' }, 'invalid_argument', 'type'], [{ name: 'x', type: 'direct' }, 'invalid_argument', 'room']] },
  'dispatch_rule.update': { ok: (s) => s.call({ sip_dispatch_rule_id: s.rule, pin: '1234' }), bad: [[{ sip_dispatch_rule_id: 'SDR_x', pin: '1' }, 'not_found']] },
  'dispatch_rule.list': { ok: (s) => s.call({}) },
  'dispatch_rule.delete': { ok: (s) => s.call({ sip_dispatch_rule_id: s.rule }), bad: [[{ sip_dispatch_rule_id: 'SDR_x' }, 'not_found']] },
  'trunk.delete': { ok: (s) => s.call({ sip_trunk_id: s.trunk }), bad: [[{ sip_trunk_id: 'ST_x' }, 'not_found']] },
  'registration.list': { ok: (s) => s.call({}) },
  'registration.remove': {
    ok: async (s) => {
      const phone = await RawCall.open(s.t, s.gateway, 'desk', 'desk');
      s.t.equal((await phone.final(phone.request('REGISTER', '', { extra: ['Expires: 60'] }))).status, 200, 'registered');
      s.t.equal((await s.call({ username: 'desk' })).removed, 1, 'removed');
    },
    bad: [[{ username: 'nobody' }, 'not_found']],
  },
  'session.join': {
    ok: (s) => s.call({ room: 'web', sdp: offer(), subscribe: 'tracks' }),
    bad: [[{ room: 'web' }, 'invalid_argument', 'sdp'], [{ room: 'web', sdp: 'v=0', subscribe: 'all' }, 'invalid_argument', 'subscribe'],
      [{ resume: 'PA_x' }, 'not_found'], [{ room: 'web', sdp: 'v=0\r\nnonsense' }, 'invalid_argument']],
    badFirst: true,
  },
  'session.offer': { ok: (s) => s.call({ sdp: offer(2).replace('o=- 1 2', 'o=- 1 3') }), bad: [[{ sdp: 'v=0' }, 'invalid_argument']] },
  'session.candidate': { ok: (s) => s.call({ candidate: 'candidate:1 1 UDP 2130706431 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 }), bad: [[{}, 'invalid_argument', 'candidate']] },
  'session.mute': { ok: (s) => s.call({ muted: true }), bad: [[{ muted: 1 }, 'invalid_argument', 'muted']] },
  'session.leave': { ok: (s) => s.call({}), bad: [[{}, 'failed_precondition']] },
  'room.delete': { ok: (s) => s.call({ name: 'made' }), bad: [[{ name: 'nowhere' }, 'not_found']] },
};

/* What happens meanwhile must have told every one of the events. */
test('every method answers, refuses and says why; every event is told', { timeout: 60 }, async (t) => {
  const recordings = { path: mkdtempSync(join(tmpdir(), 'switchroom-e2e-')) };
  t.after(() => rmSync(recordings.path, { recursive: true, force: true }));
  const gateway = await Gateway.start(t, { recordings });
  const rpc = await connect(t, gateway), watcher = await connect(t, gateway, 'watcher');
  await watcher.call('room.watch', { name: '*' });
  const { methods, events } = await rpc.call('server.methods');
  t.equal(Object.keys(methods).filter((name) => !cases[name]), [], 'methods without a case: add them to `cases`');
  t.equal(Object.keys(cases).filter((name) => !methods[name]), [], 'cases of no method');

  const told = (type) => until(`the event ${type}`, () => watcher.events.some((event) => event.type === type));
  const scene = { t, gateway, rpc, event: told, phone: await phoneIn(t, gateway) };
  await told('active_speakers');
  scene.phone.request('INFO', 'Signal=5\r\nDuration=160\r\n', { type: 'application/dtmf-relay' });
  await told('dtmf_received');
  for (const [name, { ok, bad = [], badFirst }] of Object.entries(cases)) {
    const refuse = async () => {
      for (const [params, code, field] of bad) {
        const error = await rpc.fails(name, params);
        t.equal([error.data.code, field && error.data.field], [code, field], `${name} ${JSON.stringify(params)}: ${error.text}`);
      }
    };
    const unknown = await rpc.fails(name, { colour: 'red' });
    t.equal([unknown.data.code, unknown.data.field], ['invalid_argument', 'colour'], `${name}: an unknown parameter`);
    if (badFirst) await refuse();
    scene.call = (params) => rpc.call(name, params);
    await ok(scene);
    if (!badFirst) await refuse();
  }
  await until('everything is over', () => watcher.events.some((event) => event.type === 'room_finished'));
  t.equal(Object.keys(events).filter((type) => !watcher.events.some((event) => event.type === type)), [], 'events that were not told');
});

/* Says to everybody that its address is 192.0.2.1:4096 (RFC 8489). */
async function stunServer(t) {
  const socket = dgram.createSocket('udp4');
  t.after(() => socket.close());
  socket.on('message', (request, from) => {
    const answer = Buffer.concat([Buffer.from([1, 1, 0, 12]), request.subarray(4, 20),
      Buffer.from([0, 0x20, 0, 8, 0, 1, 0x10 ^ 0x21, 0x00 ^ 0x12, 192 ^ 0x21, 0 ^ 0x12, 2 ^ 0xa4, 1 ^ 0x42])]);
    socket.send(answer, from.port, from.address);
  });
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket.address().port;
}

test('a session is told what the gateway does with it', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { rtc: { stun: `127.0.0.1:${await stunServer(t)}` } }); // what it says is told later
  const operator = await connect(t, gateway), ada = await connect(t, gateway, 'ada'), bob = await connect(t, gateway, 'bob');
  const { notifications } = await operator.call('server.methods');
  await ada.call('session.join', { room: 'web', sdp: offer(2), subscribe: 'tracks' });
  await bob.call('session.join', { room: 'web', sdp: offer(), subscribe: 'tracks' });
  await connect(t, gateway, 'cat').then((cat) => cat.call('session.join', { room: 'web', sdp: offer() }));
  const phone = await phoneIn(t, gateway);
  const [{ sip_call_id }] = (await operator.call('call.list')).calls;
  await operator.call('call.logs', { sip_call_id, follow: true });
  phone.request('BYE');
  await operator.call('participant.move', { room: 'web', identity: 'ada', to_room: 'elsewhere' });
  await operator.call('participant.remove', { room: 'web', identity: 'bob' });
  await operator.call('room.watch', { name: '*' });
  await operator.call('server.authenticate', { access_token: gateway.token('operator', { video: { roomList: false } }) });
  const told = () => [operator, ada, bob].flatMap((rpc) => rpc.notifications.map(({ method }) => method));
  await until('every notification', () => Object.keys(notifications).every((name) => told().includes(name)), 5)
    .catch((error) => t.ok(false, `${error.message}; missing: ${Object.keys(notifications).filter((name) => !told().includes(name))}`));
});

/* Parameters that fit the schema of a method and are about room `room`. */
function paramsFor(name, { properties, required, allOf = [] }, room, id) {
  const values = { room_name: room, name: room, participant_identity: 'sip_phone', to_room: room, sip_call_id: id,
    codecs: ['PCMU'], access_token: 'x', sdp: offer(), resume: 'PA_x' };
  const value = (key) => values[key] ?? ({ integer: 1, number: 0, boolean: true }[properties[key].type] ?? 'x');
  const wanted = [...required, ...allOf.map(({ anyOf }) => anyOf[0].required[0])];
  if (name === 'session.join') wanted.push('room', 'sdp');
  if (name === 'call.list') wanted.push('room');
  if (name === 'call.trace') wanted.push('sip_call_id');
  return Object.fromEntries(wanted.map((key) => [key, key === 'room' ? room : value(key)]));
}

/* What a token for another room gets from methods that are not about a room by a parameter of theirs. */
const elsewhere = {
  'server.info': null, 'server.stats': null, 'server.methods': null, 'server.authenticate': 'unauthenticated',
  'room.record_list': ({ recordings }) => recordings.length === 0,
  'room.list': ({ rooms }) => rooms.every((room) => room.name === 'mine'), 'call.get': 'not_found', 'call.trace': 'not_found',
  'call.logs': 'not_found', 'call.hangup': 'not_found', 'session.offer': 'failed_precondition', 'session.candidate': 'failed_precondition',
  'session.mute': 'failed_precondition', 'session.leave': 'failed_precondition',
};

test('a token for one room neither sees nor touches another; one without grants does nothing', {}, async (t) => {
  const recordings = { path: mkdtempSync(join(tmpdir(), 'switchroom-e2e-')) };
  t.after(() => rmSync(recordings.path, { recursive: true, force: true }));
  const gateway = await Gateway.start(t, { recordings });
  const operator = await connect(t, gateway);
  await phoneIn(t, gateway);
  await operator.call('room.create', { name: 'mine' });
  const { recording_id } = (await operator.call('room.record', { room: 'hall' })).recording;
  const { play_id } = await operator.call('participant.play', { room: 'hall', identity: 'sip_phone', tone: 'dial', loop: true });
  const { participant: bob } = await connect(t, gateway, 'bob').then((rpc) => rpc.call('session.join', { room: 'hall', sdp: offer() }));
  const [{ sip_call_id, sip_call_id_full }] = await until('the call', async () => (await operator.call('call.list')).calls.filter((call) => call.room_name));
  const before = await until('the phone is heard', async () => {
    const hall = await operator.call('room.get', { name: 'hall' });
    return hall.participants.some(({ identity, tracks }) => identity === 'sip_phone' && tracks.some((track) => track.mime_type)) && hall;
  });
  const guest = await connect(t, gateway, 'guest', { video: { room: 'mine' } });
  const nobody = await connect(t, gateway, 'nobody', { video: { roomJoin: false, roomAdmin: false, roomCreate: false, roomList: false }, sip: { admin: false, call: false } });
  const { methods } = await operator.call('server.methods');
  const outcome = (rpc, name, params) => rpc.call(name, params).then((result) => ({ result }), ({ data }) => ({ code: data.code }));
  for (const [name, { params, grant }] of Object.entries(methods)) {
    const given = paramsFor(name, params, 'hall', sip_call_id);
    const wanted = name in elsewhere ? elsewhere[name] : 'permission_denied';
    const { result, code } = await outcome(guest, name, given);
    t.ok(typeof wanted === 'function' ? wanted(result) : (code ?? null) === wanted,
      `${name} ${JSON.stringify(given)}, a token for another room: ${code ?? JSON.stringify(result)}`);
    if (grant !== 'any token') t.equal((await outcome(nobody, name, given)).code, 'permission_denied', `${name} without a grant`);
  }
  for (const [name, params] of [
    ['participant.move', { room: 'mine', identity: 'a', to_room: 'hall' }], ['room.watch', { name: '*' }],
    ['call.list', { room: 'hall', ended: true }], ['room.send_message', { room: 'hall', text: 'x', identity: 'guest' }],
  ]) {
    const { result, code } = await outcome(guest, name, params);
    t.ok(code === 'permission_denied' || (name === 'call.list' && result?.calls.length === 0), `${name} ${JSON.stringify(params)}`);
  }
  const identity = 'sip_phone', mine = { room: 'mine', identity };
  for (const [name, params] of [ // what is the other room's, by the name of its own
    ['room.record_stop', { room: 'mine', recording_id }], ['participant.play_stop', { ...mine, play_id }], ['room.play_stop', { room: 'mine', play_id }],
    ['call.trace', { sip_call_id_full }], ['call.trace', { sip_call_id_full, format: 'pcap' }], ['call.trace', { sip_call_id, format: 'pcap' }],
    ['call.logs', { sip_call_id, follow: true }], ['session.join', { resume: bob.sid }],
    ...['get', 'remove', 'mute', 'update', 'transfer', 'hold', 'play', 'send_dtmf', 'set_gain', 'set_codecs', 'move'].map((word) => [`participant.${word}`,
      { ...mine, ...{ transfer: { transfer_to: 'tel:+1' }, play: { tone: 'dial' }, send_dtmf: { digits: '1' }, set_gain: { gain_db: 1 },
        set_codecs: { codecs: ['PCMU'] }, move: { to_room: 'mine' } }[word] }]),
  ]) t.equal((await outcome(guest, name, params)).code, 'not_found', `${name} ${JSON.stringify(params)}`);
  t.equal((await guest.call('call.list', { ended: true })).calls, [], 'calls of all rooms');
  t.equal((await nobody.fails('room.watch', { name: 'hall' })).data.code, 'permission_denied', 'room.watch without a grant');

  const body = JSON.stringify({ room: 'hall', name: 'hall', identity: 'sip_phone', metadata: 'x', data: 'eA==', muted: true,
    participantIdentity: 'sip_phone', roomName: 'hall', sipTrunkId: 'ST_x', sipCallTo: '1', transferTo: 'tel:+1' });
  const post = (token) => (method) => fetch(`${gateway.url}/twirp/livekit.${method}`, { method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }, body });
  const room = ['CreateRoom', 'DeleteRoom', 'UpdateRoomMetadata', 'ListParticipants', 'GetParticipant', 'RemoveParticipant',
    'MutePublishedTrack', 'UpdateParticipant', 'SendData'].map((name) => `RoomService/${name}`);
  const sip = ['CreateSIPInboundTrunk', 'CreateSIPOutboundTrunk', 'UpdateSIPInboundTrunk', 'GetSIPInboundTrunk', 'ListSIPInboundTrunk',
    'ListSIPOutboundTrunk', 'ListSIPTrunk', 'DeleteSIPTrunk', 'CreateSIPDispatchRule', 'ListSIPDispatchRule', 'DeleteSIPDispatchRule',
    'CreateSIPParticipant', 'TransferSIPParticipant'].map((name) => `SIP/${name}`);
  const asGuest = post(gateway.token('guest', { video: { room: 'mine' } }));
  for (const method of [...room, ...sip]) {
    const answer = await asGuest(method);
    t.equal([answer.status, (await answer.json()).code], [403, 'permission_denied'], method);
  }
  t.equal((await (await asGuest('RoomService/ListRooms')).json()).rooms.map(({ name }) => name), ['mine'], 'ListRooms');
  t.equal(await operator.call('room.get', { name: 'hall' }), before, 'the other room is as it was');
});

test('batches: answered as one, each for itself; none for notifications; 50 at most', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway);
  const ask = async (entries) => {
    const before = rpc.raw.length;
    rpc.send(JSON.stringify(entries));
    return until('the answer to a batch', () => rpc.raw[before]);
  };
  const request = (id, method, params) => ({ jsonrpc: '2.0', id, method, params });
  const callee = await RawCall.open(t, gateway);
  callee.onInvite = (invite) => callee.respond(invite, 603, 'Decline');
  const mixed = await ask([
    request('a', 'room.create', { name: 'one' }), { jsonrpc: '2.0', method: 'room.create', params: { name: 'two' } }, 7,
    request('b', 'room.get', { name: 'two' }), request('c', 'room.get', { name: 'nowhere' }), request('d', 'no.such'),
    request('e', 'room.get', { name: 'one', colour: 'red' }), { jsonrpc: '1.0', id: 'f', method: 'room.list' },
    request('g', 'participant.create', { room: 'one', sip_call_to: '1', trunk: { hostname: `127.0.0.1:${callee.port}` }, wait_until_answered: true }),
    request('h', 'room.list', ['one']), request('k', 'room.list', []), [], request(null, 'server.info'), request(1.5, 'server.info'),
  ]);
  const told = Object.fromEntries(mixed.filter(({ id }) => id).map(({ id, error }) => [id, error ? error.data?.code ?? error.code : 'ok']));
  t.equal(Object.entries(told).sort(), Object.entries({ a: 'ok', b: 'ok', c: 'not_found', d: -32601, e: 'invalid_argument', f: -32600, g: 'permission_denied', h: 'invalid_argument', k: 'ok' }), 'answers');
  t.equal(mixed.filter(({ id }) => id === null).map(({ error }) => error?.code ?? 'ok').sort(), [-32600, -32600, -32600, 'ok'], 'without an id that can be read');
  t.equal(mixed.at(-1).id, 'g', 'the one that took longest is the last');
  t.equal(mixed.find(({ id }) => id === 'e').error.data.field, 'colour', 'the field');

  const trunk = { name: 'brief', direction: 'inbound', numbers: ['100'], allowed_addresses: ['127.0.0.1'] };
  const brief = Object.fromEntries((await ask([ // all before the first of them is on the disk
    request('made', 'trunk.create', trunk), request('changed', 'trunk.update', { sip_trunk_id: 'brief', metadata: 'm' }),
    request('gone', 'trunk.delete', { sip_trunk_id: 'brief' }),
  ])).map(({ id, result }) => [id, result]));
  t.equal([brief.made.trunk?.metadata, brief.changed.trunk?.metadata, brief.gone.sip_trunk_id], [undefined, 'm', brief.made.trunk?.sip_trunk_id],
    'a trunk that is deleted again: each answer tells it as it was then');

  t.equal((await ask([])).error.code, -32600, 'an empty batch');
  t.equal((await ask(Array.from({ length: 51 }, (_, index) => request(index, 'server.info')))).error.code, -32600, '51 requests');
  t.equal((await ask(Array.from({ length: 50 }, (_, index) => request(1000 + index, 'server.info')))).map(({ id }) => id),
    Array.from({ length: 50 }, (_, index) => 1000 + index), '50 requests, in their order');
  const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))[1]);
  const peakBefore = peak();
  const long = await ask(Array.from({ length: 50 }, (_, index) => request(index, 'server.methods')));
  const size = long.reduce((sum, each) => sum + JSON.stringify(each).length, 0) / 1024;
  t.equal([long.length, new Set(long.map(({ result }) => JSON.stringify(result))).size], [50, 1], '50 long answers');
  if (!t.options.sanitized) t.ok(peak() - peakBefore < 6 * size, `${size} kB of answers took ${peak() - peakBefore} kB`);
  t.equal((await ask([request('l', 'call.list', { ended: true }), request('i', 'server.info')])).map(({ id, result }) => [id, !!result]).sort(),
    [['i', true], ['l', true]], 'one that is answered later');
  const before = rpc.raw.length;
  rpc.send(JSON.stringify([{ jsonrpc: '2.0', method: 'room.create', params: { name: 'three' } }, { jsonrpc: '2.0', method: 'no.such' }]));
  await until('what the notifications asked for', async () => (await rpc.call('room.list')).rooms.some(({ name }) => name === 'three'));
  t.equal(rpc.raw.length, before, 'answers to notifications');
  rpc.send(JSON.stringify([request('x', 'room.create', { name: 'x', metadata: 'x'.repeat(1100000) })]));
  await rpc.closed;
  t.equal(rpc.closeCode, 1009, 'a message above 1 MB');
});

test('a connection ends with its token; server.authenticate renews it; a key that is gone ends its own', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t, { keys: { other: 'another-secret-for-tests-of-32-bytes' } });
  const now = Math.floor(Date.now() / 1000);
  const claims = (more) => ({ iss: gateway.keys.key, sub: 'ada', exp: now + 3600, video: { roomJoin: true, roomList: true, roomCreate: true }, ...more });
  const open = async (more, secret = gateway.keys.secret) => {
    const rpc = await Rpc.connect(gateway.ws, signedToken(secret, claims(more)));
    t.after(() => rpc.close());
    return rpc;
  };
  const short = () => ({ exp: Math.floor(Date.now() / 1000) - 3 }); // within the skew of 10 s, for some seconds more
  const renew = async (rpc, more) => (await rpc.call('server.authenticate', { access_token: signedToken(gateway.keys.secret, claims(more)) })).expires_at;
  const soon = (what, take) => until(what, () => take().catch(() => null)); // a machine that stands still may be too late for it
  const [renewed, expires_at] = await soon('one that is renewed', async () => {
    const rpc = await open(short());
    return [rpc, await renew(rpc, {})];
  });
  const ending = await soon('one that is not', () => open(short()));
  const talks = { video: { roomJoin: true, roomList: true, roomAdmin: true } }, talking = await open(talks);
  t.equal(Date.parse(expires_at), (now + 3600) * 1000, 'expires_at');
  for (const more of [{ sub: 'eve' }, { video: { roomJoin: true, room: 'a' } }])
    t.equal((await renewed.fails('server.authenticate', { access_token: signedToken(gateway.keys.secret, claims(more)) })).data.code, 'permission_denied', JSON.stringify(more));
  await renewed.call('room.create', { name: 'secret' });
  await phoneIn(t, gateway);
  const phone = await open({ video: { roomAdmin: true } }).then((rpc) => rpc.call('call.list')).then(({ calls }) => calls[0].sip_call_id);
  await talking.call('session.join', { room: 'web', sdp: offer() });
  for (const name of ['web', 'secret', '*']) await talking.call('room.watch', { name });
  await talking.call('call.logs', { sip_call_id: phone, follow: true });
  await soon('a token that ends soon', () => renew(talking, { ...talks, ...short() }));
  await ending.closed;
  const refused = () => talking.call('room.list').then(() => null, ({ data }) => data.code);
  t.equal([ending.closeCode, ending.closeReason], [4401, 'the token has expired'], 'the one that was not renewed');
  await renewed.call('room.list');
  await until('nothing but what a participant may', async () => (await refused()) === 'unauthenticated');
  for (const [method, params] of [['room.get', { name: 'secret' }], ['room.watch', { name: 'secret' }], ['room.send_message', { room: 'secret', text: 'x' }]])
    t.equal((await talking.fails(method, params)).data.code, 'unauthenticated', `${method} of another room`);
  await talking.call('room.get', { name: 'web' });
  await until('it is told', () => talking.notifications.filter(({ method }) => method === 'room.watch_ended').length === 2);
  t.equal(talking.notifications.filter(({ method }) => method === 'room.watch_ended').map(({ params }) => params).sort((a, b) => a.room.localeCompare(b.room)),
    [{ room: '*', reason: 'token_expired' }, { room: 'secret', reason: 'token_expired' }], 'watches that are over');
  t.equal(talking.notifications.filter(({ method }) => method === 'log').at(-1).params, { sip_call_id: phone, ended: true, reason: 'token_expired' }, 'the log');
  let rounds = 0;
  await until('it hears of its own room only', async () => {
    talking.events = [];
    await renewed.call('room.create', { name: `elsewhere${rounds}` });
    await renewed.call('room.send_message', { room: 'secret', text: 'x' });
    await talking.call('session.mute', { muted: rounds++ % 2 === 0 });
    await until('an event of its own room', () => talking.events.some(({ room }) => room === 'web'));
    return talking.events.every(({ room }) => room === 'web');
  });
  const [, rejoined] = await Promise.all([talking.call('session.leave'),
    talking.call('session.join', { room: 'secret', sdp: offer() }).catch(({ data }) => data.code)]);
  t.equal(rejoined, 'unauthenticated', 'session.join right behind session.leave');
  await talking.closed;
  t.equal(talking.closeCode, 4401, 'without its session');

  const other = await open({ iss: 'other' }, gateway.config.keys.other);
  const guest = await open({ iss: 'other', sub: 'guest' }, gateway.config.keys.other);
  const { participant } = await guest.call('session.join', { room: 'left', sdp: offer() });
  writeFileSync(join(gateway.directory, 'config.yaml'), JSON.stringify({ ...gateway.config, keys: {} }));
  gateway.process.kill('SIGHUP');
  await other.closed;
  t.equal([other.closeCode, other.closeReason], [4401, 'the API key is not known any more'], 'the key that was taken out');
  await renewed.call('room.list');
  await guest.closed;
  t.equal([guest.closeCode, guest.closeReason], [4401, 'the API key is not known any more'], 'that of a session too');
  const back = await open({ sub: 'guest' });
  const resumed = await back.call('session.join', { resume: participant.sid });
  t.equal(resumed.participant.sid, participant.sid, 'its media goes on with a good token');
});

test('the session of a guest, whose id everybody knows, is no other guest\'s while its socket stands', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const [ada, eve] = [await connect(t, gateway, ''), await connect(t, gateway, '')];
  const { participant: { sid } } = await ada.call('session.join', { room: 'hall', sdp: offer() });
  for (const sdp of [undefined, offer().replaceAll('AB:AB', 'CD:EF'), 'v=0\r\n'])
    t.equal((await eve.fails('session.join', { resume: sid, sdp })).data.code, 'not_found', `resumed with ${sdp?.length} bytes`);
  t.equal((await ada.call('session.mute', { muted: true })).participant.sid, sid, 'it is still its own');
  const again = await connect(t, gateway, ''); // the old socket is dead, which the gateway has not noticed yet
  t.equal((await again.call('session.join', { resume: sid, sdp: offer() })).participant.sid, sid, 'resumed with the same certificate');
  again.drop();
  const last = await connect(t, gateway, '');
  await until('the socket is gone', () => last.call('session.join', { resume: sid }).then((answer) => answer.participant.sid === sid, () => false));
});

test('who has no name in its token and may not send text sends none', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway), guest = await connect(t, gateway, '', { video: { roomAdmin: false } });
  const { participant } = await guest.call('session.join', { room: 'hall', sdp: offer() });
  await guest.call('room.send_message', { room: 'hall', text: 'one' });
  await rpc.call('participant.update', { room: 'hall', identity: participant.identity, permission: { can_publish_data: false } });
  t.equal((await guest.fails('room.send_message', { room: 'hall', text: 'two' })).data.code, 'permission_denied', 'its text');
});

test('participant.create with an idempotency key calls once, and every request gets the same answer', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway), again = await connect(t, gateway), guest = await connect(t, gateway, 'guest', { video: { room: 'out' } });
  const callee = await RawCall.open(t, gateway);
  const invites = () => callee.messages.filter(({ method, status }) => method === 'INVITE' && !status);
  const calls = () => new Set(invites().map(({ headers }) => headers['call-id'][0])).size;
  const trunk = { hostname: `127.0.0.1:${callee.port}` };
  const create = (client, more) => client.call('participant.create', { room: 'out', sip_call_to: '1', trunk, idempotency_key: 'k', ...more })
    .catch(({ data }) => data);

  const waiting = [create(rpc, { wait_until_answered: true }), create(rpc, { wait_until_answered: true }), create(again, { wait_until_answered: true })];
  const invite = await callee.received('INVITE');
  rpc.drop(); // the first one's answer is lost with its socket
  t.equal((await create(again, { wait_until_answered: false })).code, 'already_exists', 'other parameters meanwhile');
  callee.respond(invite, 200, 'OK', sdp(callee.mediaPort));
  const answer = await waiting[2];
  t.ok(/^SCL_/.test(answer.sip_call_id), JSON.stringify(answer));
  t.equal(await create(again, { wait_until_answered: true }), answer, 'after it was answered');
  t.equal(calls(), 1, 'calls');
  await Promise.allSettled(waiting);

  t.ok((await create(guest, { sip_call_to: '2' })).sip_call_id !== answer.sip_call_id, 'the same key of a token for one room is another one');
  callee.onInvite = (request) => callee.respond(request, 486, 'Busy Here');
  const busy = { sip_call_to: '3', idempotency_key: 'busy', wait_until_answered: true };
  const first = await create(again, busy);
  t.equal([first.code, first.sip_status_code, await create(again, busy)], ['resource_exhausted', 486, first], 'a call that failed');
  const before = calls();
  const refused = { idempotency_key: 'free', sip_trunk_id: 'nowhere', trunk: undefined };
  t.equal((await create(again, refused)).code, 'not_found', 'nobody was called');
  t.ok((await create(again, { ...refused, sip_trunk_id: undefined, trunk, sip_call_to: '4' })).sip_call_id, 'the key is free');
  await until('one more call', () => calls() === before + 1);
});
