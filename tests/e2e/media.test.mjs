// What the description of a call says about its audio, and what then goes over the wire: ptime, comfort noise, RTCP on the
// port of RTP, another codec in the middle, encryption without an offer, and whose packets count.
import dgram from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { test, sleep, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { SipPeer } from './lib/sippeer.mjs';
import { stalledSince } from './lib/stalls.mjs';
import { Rpc } from './lib/rpc.mjs';

/** A peer whose descriptions are `lines`, with PORT for its own. */
async function describing(t, gateway, lines, address = '127.0.0.1') {
  const peer = await SipPeer.open(gateway.config.sip_port, 'lobby');
  t.after(() => peer.close());
  peer.lines = lines;
  Object.defineProperty(peer, 'sdp', {
    get: () => ['v=0', `o=- 1 ${(peer.version = (peer.version ?? 0) + 1)} IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0',
      ...peer.lines, ''].join('\r\n').replaceAll('PORT', String(peer.media.address().port)),
  });
  return peer;
}

const portOf = (sdp) => Number(/m=audio (\d+)/.exec(sdp)[1]);

/** Sends audio until stopped: `next()` gives {pt, units, payload} of each packet, or null for none. */
function talk(t, socket, port, everyMs, next, ssrc = randomBytes(4)) {
  let sequence = 0;
  let timestamp = 0;
  const timer = setInterval(() => {
    const packet = next();
    if (!packet) return;
    const header = Buffer.from([0x80, packet.pt, sequence >> 8, sequence & 255, 0, 0, 0, 0, ...ssrc]);
    header.writeUInt32BE(timestamp, 4);
    sequence = (sequence + 1) & 0xffff;
    timestamp += packet.units;
    socket.send(Buffer.concat([header, packet.payload]), port, '127.0.0.1');
  }, everyMs);
  t.after(() => clearInterval(timer));
  return { stop: () => clearInterval(timer), sequence: () => sequence, timestamp: () => timestamp, ssrc };
}

const tone = (hz, samples, at) => Buffer.from(Array.from({ length: samples }, (_, index) => {
  const value = Math.round(8000 * Math.sin((2 * Math.PI * hz * (at + index)) / 8000)); // G.711 mu-law
  const magnitude = Math.min(Math.abs(value) + 132, 32767);
  const exponent = Math.floor(Math.log2(magnitude)) - 7;
  return ~((value < 0 ? 0x80 : 0) | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 255;
}));

async function callOf(t, gateway, peer) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const { calls } = await rpc.call('call.list');
  const { sip_call_id: id } = calls.find((call) => call.peer?.includes(String(peer.port)) || call.from === 'peer');
  return async () => (await rpc.call('call.get', { sip_call_id: id })).call;
}

/** Waits for `count` packets in a row of which none is missing, and none came too late: this process may send late. */
async function keeps(t, call, count, what) {
  let [from, now] = [null, null];
  await until(`${count} packets in time with ${what}`, async () => {
    now = (await call()).media.in;
    t.equal(now.lost, 0, `losses with ${what}`);
    if (from?.discarded !== now.discarded) from = now;
    return now.packets >= from.packets + count;
  }).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify([from, now])}`); });
}

test('each ptime between 10 and 60 ms goes both ways', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  for (const ms of [10, 30, 40, 60]) {
    const peer = await describing(t, gateway, ['m=audio PORT RTP/AVP 0', `a=ptime:${ms}`]);
    const answer = await peer.call();
    t.equal(answer.status, 200, `status with ptime ${ms}`);
    t.ok(new RegExp(`a=ptime:${ms}\\r`).test(answer.body), `ptime ${ms} in ${answer.body}`);
    let at = 0;
    const talking = talk(t, peer.media, portOf(answer.body), ms, () => ({ pt: 0, units: ms * 8, payload: tone(440, ms * 8, (at += ms * 8)) }));
    await until(`packets of ${ms} ms`, () => peer.rtp.filter(({ data }) => data.length === 12 + ms * 8).length > 10, 5);
    const call = await callOf(t, gateway, peer);
    await until(`packets of ${ms} ms are received`, async () => (await call()).media.in.packets > 10);
    await keeps(t, call, 10, `ptime ${ms}`);
    talking.stop(); // the next call may have the same port
    t.equal((await peer.request('BYE')).status, 200, 'status of BYE');
  }
});

test('comfort noise of a phone is a pause', { timeout: 30 }, async (t) => {
  const gateway = await Gateway.start(t);
  const listener = SipPhone.call(t, gateway.sip('lobby'), '--tone', 0, '--listen', 440);
  await listener.event('answered');
  const peer = await describing(t, gateway, ['m=audio PORT RTP/AVP 0 13']);
  const answer = await peer.call();
  t.ok(/m=audio \d+ RTP\/AVP 0 13/.test(answer.body), `the answer ${answer.body}`);
  let [at, pauses] = [0, false];
  talk(t, peer.media, portOf(answer.body), 20, () => {
    at += 160;
    if (!pauses) return { pt: 0, units: 160, payload: tone(440, 160, at) };
    return at % 1600 === 0 ? { pt: 13, units: 1600, payload: Buffer.from([60]) } : null;
  });
  await listener.hears(440);
  pauses = true;
  const last = () => Object.values(listener.events.filter((event) => event.event === 'heard').at(-1).levels)[0];
  await until('the pause is heard', () => last() < -40, 6);
  pauses = false;
  await until('the tone is heard again', () => last() > -20, 6);
  const { media } = await (await callOf(t, gateway, peer))();
  t.equal(media.in.lost, 0, 'packets lost');
  t.ok((await listener.bye()).lost === 0, 'packets lost on the way to the listener');
});

test('RTCP comes on the port of RTP where the offer says so, and on its own where not', { timeout: 40 }, async (t) => {
  const gateway = await Gateway.start(t);
  const isRtcp = ({ data }) => data[1] >= 200 && data[1] <= 204;
  const muxed = await describing(t, gateway, ['m=audio PORT RTP/AVP 0', 'a=rtcp-mux']);
  const plain = await describing(t, gateway, ['m=audio PORT RTP/AVP 0']);
  const answers = [await muxed.call(), await plain.call()];
  t.equal(answers.map(({ body }) => /^a=rtcp-mux\r$/m.test(body)), [true, false], 'a=rtcp-mux of the answers');
  [muxed, plain].forEach((peer, index) => talk(t, peer.media, portOf(answers[index].body), 20,
    () => ({ pt: 0, units: 160, payload: Buffer.alloc(160, 0x7f) })));
  await until('RTCP on the port of RTP', () => muxed.rtp.some(isRtcp), 12);
  t.ok(!plain.rtp.some(isRtcp), 'RTCP on the port of RTP, which did not ask for it');
});

test('the codec changes in the middle of a call', { timeout: 40 }, async (t) => {
  const gateway = await Gateway.start(t);
  const speaker = SipPhone.call(t, gateway.sip('lobby'), '--tone', 440);
  await speaker.event('answered');
  const begun = performance.now();
  const peer = await describing(t, gateway, ['m=audio PORT RTP/AVP 0']);
  let answer = await peer.call();
  const newest = (pt) => peer.rtp.slice(-5).every(({ data }) => (data[1] & 127) === pt) && peer.rtp.length > 20;
  await until('PCMU', () => newest(0), 5);
  for (const [pt, lines] of [[8, ['m=audio PORT RTP/AVP 8']], [9, ['m=audio PORT RTP/AVP 9']], [0, ['m=audio PORT RTP/AVP 0 8']]]) {
    peer.lines = lines;
    const port = portOf(answer.body);
    answer = await peer.request('INVITE', [], peer.sdp);
    t.equal([answer.status, portOf(answer.body)], [200, port], 'status and port of the answer');
    await until(`payload type ${pt}`, () => newest(pt), 5);
  }
  const gaps = peer.rtp.slice(1).map(({ at }, index) => at - peer.rtp[index].at);
  t.ok(Math.max(...gaps) < 3 + stalledSince(begun) / 1000, `a gap of ${Math.max(...gaps)} s in the audio`);
});

test('an INVITE without an offer is offered what the gateway wants encrypted', { timeout: 30 }, async (t) => {
  const key = Buffer.alloc(30, 9).toString('base64');
  for (const [encryption, profile, withKeys, cipher] of [['require', 'SAVP', true, 'AES_CM_128_HMAC_SHA1_80'],
    ['allow', 'AVP', true, 'AES_CM_128_HMAC_SHA1_80'], ['allow', 'AVP', false, 'none']]) {
    const gateway = await Gateway.start(t, { media: { encryption } });
    const peer = await describing(t, gateway, [`m=audio PORT RTP/${profile} 0`,
      ...(withKeys ? [`a=crypto:TAG AES_CM_128_HMAC_SHA1_80 inline:${key}`] : [])]);
    Object.assign(peer, { local: 'sip:peer@127.0.0.1', remote: 'sip:lobby@127.0.0.1', tag: 'offerless', callId: `offerless-${encryption}-${withKeys}` });
    const { write } = peer;
    let tag = '1'; // the ACK has the answer, to the offer of the 200
    peer.write = (text) => {
      const [head, body] = [text.slice(0, text.indexOf('\r\n\r\n') + 4), text.slice(text.indexOf('\r\n\r\n') + 4).replace('TAG', tag)];
      write.call(peer, head.replace(/Content-Length: \d+/, `Content-Length: ${body.length}`) + body);
    };
    const take = peer.take;
    peer.take = (message) => {
      tag = /a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80/.exec(message.body ?? '')?.[1] ?? tag;
      take.call(peer, message);
    };
    const answer = await peer.request('INVITE');
    t.equal(answer.status, 200, 'status');
    t.ok(new RegExp(`m=audio \\d+ RTP/${profile} .*a=crypto`, 's').test(answer.body), `the offer ${answer.body}`);
    const call = await callOf(t, gateway, peer);
    await until(`media with ${cipher}`, async () => {
      const { status, media } = await call();
      return status === 'active' && media.out.packets > 5 && media.cipher === cipher;
    }, 5);
    t.equal((await peer.request('BYE')).status, 200, 'status of BYE');
  }
});

test('a phone behind NAT is found by its packets, and a stranger takes nothing over', { timeout: 30 }, async (t) => {
  const gateway = await Gateway.start(t);
  const peer = await describing(t, gateway, ['m=audio PORT RTP/AVP 0'], '192.0.2.77');
  const answer = await peer.call();
  t.equal(answer.status, 200, 'status');
  const port = portOf(answer.body);
  const spoken = talk(t, peer.media, port, 20, () => ({ pt: 0, units: 160, payload: Buffer.alloc(160, 0x7f) }));
  await until('audio comes back to where the packets came from', () => peer.rtp.length > 20, 5);
  const stranger = dgram.createSocket('udp4');
  await new Promise((resolve) => stranger.bind(0, '127.0.0.1', resolve));
  t.after(() => stranger.close());
  let stolen = 0;
  stranger.on('message', () => stolen++);
  // the peer's own SSRC, and numbers that go on from its own
  for (let index = 0; index < 50; index++) {
    const header = Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, ...spoken.ssrc]);
    header.writeUInt16BE((spoken.sequence() + index) & 0xffff, 2);
    header.writeUInt32BE((spoken.timestamp() + 160 * index) >>> 0, 4);
    stranger.send(Buffer.concat([header, Buffer.alloc(160, 0x10)]), port, '127.0.0.1');
    await sleep(10);
  }
  const before = peer.rtp.length;
  await until('the peer still gets its audio', () => peer.rtp.length > before + 20, 5);
  t.equal(stolen, 0, 'packets that the stranger got');
  const call = await callOf(t, gateway, peer); // its numbers are of the last full second
  await until('the stranger is counted', async () => (await call()).media.strangers >= 40, 5);
});

test('a room has codecs of its own, within those of the trunk', { timeout: 30 }, async (t) => {
  const gateway = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'] },
    trunks: [{ name: 'all', numbers: ['lobby'], codecs: ['G722', 'PCMA', 'PCMU'] }],
    dispatch_rules: [{ name: 'room', type: 'direct', room: 'lobby' }],
  });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const answered = async () => {
    const peer = await describing(t, gateway, ['m=audio PORT RTP/AVP 0 8 9']);
    const { body } = await peer.call();
    await peer.request('BYE');
    return /m=audio \d+ RTP\/AVP ([\d ]+)/.exec(body)[1];
  };
  const wrong = await rpc.call('room.create', { name: 'lobby', codecs: ['G729'] }).then(() => null, (error) => error);
  t.ok(/G729/.test(wrong?.message), `the error ${wrong?.message}`);
  const { room } = await rpc.call('room.create', { name: 'lobby', codecs: ['opus', 'PCMA', 'PCMU'] });
  t.equal(room.codecs, ['opus', 'PCMA', 'PCMU'], 'codecs of the room');
  t.equal(await answered(), '8 0', 'payload types of the answer: the order of the room, what the trunk has of it');
  await rpc.call('room.update', { name: 'lobby', codecs: ['opus'] });
  t.equal(await answered(), '0 8 9', 'payload types of the answer, where nothing of the room is left');
  await rpc.call('room.update', { name: 'lobby', codecs: [] });
  t.equal(await answered(), '0 8 9', 'payload types of the answer, without a choice of the room');
});
