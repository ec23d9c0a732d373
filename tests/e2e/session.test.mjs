// WebRTC sessions: renegotiation, ICE restart, a dropped WebSocket and its resume, leaving, being replaced.
import { test, until, sleep } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { launch, BrowserPeer } from './lib/browser.mjs';
import { SipPhone } from './lib/phone.mjs';
import { Rpc } from './lib/rpc.mjs';

async function watcher(t, gateway, room) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: room });
  return rpc;
}

const identities = async (rpc, room) =>
  (await rpc.call('participant.list', { room }).catch(() => ({ participants: [] }))).participants.map((each) => each.identity);

test('an ICE restart keeps the audio', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'ice', identity: 'ada', hz: 800 });
  const phone = SipPhone.call(t, gateway.sip('ice'), '--tone', 500, '--listen', 800);
  await phone.event('answered');
  await ada.hearsPeak(500);
  await phone.hears(800);
  const fragment = (sdp) => /a=ice-ufrag:(\S+)/.exec(sdp)[1];
  const before = fragment(ada.result.sdp);
  const after = await ada.page.evaluate(() => client.negotiate('session.offer', {}, { iceRestart: true }));
  t.ok(fragment(after.sdp) !== before, 'the answer has new ICE credentials');
  await until('connected again', async () => (await ada.statistics()).state === 'connected');
  await sleep(1500);
  await ada.hearsPeak(500);
  await phone.hears(800);
  t.equal((await phone.bye()).lost, 0, 'packets lost on the way to the phone');
});

test('the media outlives a dropped WebSocket, and the session is resumed', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const rpc = await watcher(t, gateway, 'drop');
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'drop', identity: 'ada', hz: 800 });
  const phone = SipPhone.call(t, gateway.sip('drop'), '--tone', 500, '--listen', 800);
  await phone.event('answered');
  await phone.hears(800);
  await ada.page.evaluate(() => client.socket.close());
  await sleep(2500);
  await ada.hearsPeak(500);
  await phone.hears(800); // without the socket
  const url = `${gateway.ws}?access_token=${gateway.token('ada')}`;
  const sid = ada.result.participant.sid;
  const resumed = await ada.page.evaluate(async ([where, id]) => {
    await client.open(where);
    return client.call('session.join', { resume: id });
  }, [url, sid]);
  t.equal(resumed.participant.sid, sid, 'the same participant');
  const { session } = await rpc.call('participant.get', { room: 'drop', identity: 'ada' });
  const [sdp, connected] = ['sdp', 'connected'].map((event) => session.timeline.find((one) => one.event === event));
  t.equal([session.connected, session.timeline.map((one) => one.event)],
    [true, ['sdp', 'gathered', 'connected', 'media_started', 'socket_lost', 'resumed']], 'what happened to it');
  t.ok(/^(host|srflx) \S+:\d+, (host|prflx) \S+:\d+$/.test(connected.ice) && /^DTLSv1.2 \S+/.test(connected.dtls)
    && connected.srtp === 'AEAD_AES_128_GCM', JSON.stringify(connected));
  t.equal([sdp.codec, sdp.encryption, sdp.result], ['opus', 'DTLS-SRTP', 'agreed'], 'what SDP agreed on');
  t.ok(!rpc.events.some((event) => event.type === 'participant_left'), 'nobody left meanwhile');
  await ada.call('session.mute', { muted: true });
  await until('muted', () => phone.lastLevels()['800'] < -50);
  await ada.call('session.mute', { muted: false });
  await until('unmuted', () => phone.lastLevels()['800'] > -30);
  await ada.call('session.leave');
  await until('ada has left', async () => !(await identities(rpc, 'drop')).includes('ada'));
  const summary = await gateway.line(/Call summary .*participant=ada /);
  t.ok(Number(/ duration=([\d.]+)/.exec(summary)[1]) > 2.5, `as long as it was: ${summary}`);
});

test('somebody else cannot resume a session', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'own', identity: 'ada', hz: 800 });
  const eve = await Rpc.connect(gateway.ws, gateway.token('eve'));
  t.after(() => eve.close());
  const error = await eve.fails('session.join', { resume: ada.result.participant.sid });
  t.ok(['permission_denied', 'not_found', 'unauthenticated'].includes(error.data.code), error.message);
  t.equal((await ada.statistics()).state, 'connected', 'the connection');
});

test('a session whose socket does not come back ends after 15 seconds', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const rpc = await watcher(t, gateway, 'gone');
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'gone', identity: 'ada', hz: 800 });
  await ada.page.close();
  await sleep(3000);
  const started = Date.now();
  await until('ada has left', async () => !(await identities(rpc, 'gone')).includes('ada'), 25);
  t.note(`left ${((Date.now() - started) / 1000 + 3).toFixed(1)} s after the page was closed`);
});

test('who joins again with the same identity replaces the first', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const rpc = await watcher(t, gateway, 'twice');
  const first = await BrowserPeer.join(t, browser, gateway, { room: 'twice', identity: 'ada', hz: 800 });
  const second = await BrowserPeer.join(t, browser, gateway, { room: 'twice', identity: 'ada', hz: 700 });
  t.equal(await identities(rpc, 'twice'), ['ada'], 'who is there');
  const phone = SipPhone.call(t, gateway.sip('twice'), '--tone', 500, '--listen', 700, 800);
  await phone.event('answered');
  await phone.hears(700);
  await until('the first is silent', () => phone.lastLevels()['800'] < -50);
  t.ok(first.result.participant.sid !== second.result.participant.sid, 'another participant id');
});

test('a browser that only takes PCMU and one that only takes Opus talk with a phone', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'codecs', identity: 'ada', hz: 800, params: { codecs: ['PCMU'] } });
  const ben = await BrowserPeer.join(t, browser, gateway, { room: 'codecs', identity: 'ben', hz: 1000, params: { codecs: ['opus'] } });
  const phone = SipPhone.call(t, gateway.sip('codecs'), '--tone', 500, '--listen', 800, 1000);
  await phone.event('answered');
  await phone.hears(800);
  await phone.hears(1000);
  await ada.hearsAll([500, 1000], [800]);
  await ben.hearsAll([500, 800], [1000]);
  const [pcmu, opus] = [await ada.statistics(), await ben.statistics()];
  t.equal([pcmu.sends, pcmu.receives, opus.sends, opus.receives], ['audio/PCMU', 'audio/PCMU', 'audio/opus', 'audio/opus'], 'codecs');
});

test('a wrong DTLS fingerprint in the offer gives no audio', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${gateway.url}/`);
  const state = await page.evaluate(async (url) => {
    const socket = new WebSocket(url);
    await new Promise((resolve) => (socket.onopen = resolve));
    const peer = new RTCPeerConnection();
    peer.addTransceiver('audio');
    await peer.setLocalDescription(await peer.createOffer());
    await new Promise((resolve) => {
      peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve();
      setTimeout(resolve, 15000);
    });
    const sdp = peer.localDescription.sdp.replace(/(a=fingerprint:sha-256 )(..):/g, (_, head, byte) => `${head}${byte === '00' ? '11' : '00'}:`);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session.join', params: { room: 'wrong', sdp } }));
    const answer = await new Promise((resolve) => {
      socket.onmessage = ({ data }) => JSON.parse(data).id === 1 && resolve(JSON.parse(data).result);
    });
    await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    await new Promise((resolve) => setTimeout(resolve, 5000));
    return peer.connectionState;
  }, `${gateway.ws}?access_token=${gateway.token('ada')}`);
  t.ok(state !== 'connected', `the connection is ${state}`);
  await gateway.line(/fingerprint/i);
});
