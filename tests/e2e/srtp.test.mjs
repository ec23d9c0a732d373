// SDES-SRTP with a real softphone, both directions: who hears what is measured by frequency.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Baresip, SipPhone } from './lib/phone.mjs';
import { SipPeer } from './lib/sippeer.mjs';
import { Rpc } from './lib/rpc.mjs';

async function operator(t, gateway) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  return rpc;
}

/** The call whose other side is `peer`, once media flows both ways. */
async function flowing(rpc, user) {
  return until(`media of ${user}`, async () => {
    for (const { sip_call_id: id } of (await rpc.call('call.list')).calls) {
      const { call } = await rpc.call('call.get', { sip_call_id: id });
      if ([call.from, call.to].includes(user) && call.media.in.packets > 50 && call.media.out.packets > 50) return call;
    }
    return null;
  }, 15);
}

/** For a second nothing is missing and nothing was refused, but for baresip's plain RTCP that opens pinholes. Before that
    a callee may have sent whatever it did until its answer had arrived. */
async function checkCall(t, rpc, call, cipher) {
  const { media: first } = call;
  t.equal([call.cipher, first.cipher], [cipher, cipher], 'the cipher');
  const { media } = await until('a second more', async () => {
    const { call: now } = await rpc.call('call.get', { sip_call_id: call.sip_call_id });
    return now.media.in.packets >= first.in.packets + 40 && now;
  });
  const text = JSON.stringify([first, media]);
  t.equal([media.auth_failures, media.in.lost], [0, 0], `losses in ${text}`);
  t.ok(media.strangers <= first.strangers + 2, `strangers in ${text}`);
}

/** No key of any description stands in the log, which is at debug. */
function checkLog(t, gateway, phone) {
  const keys = [...phone.output.matchAll(/inline:([A-Za-z0-9+/=]{20,})/g)].map((match) => match[1]);
  t.ok(!/inline:[A-Za-z0-9+/]{20}/.test(gateway.output), 'a key is in the log');
  for (const key of keys) t.ok(!gateway.output.includes(key), 'a key is in the log');
}

for (const [mediaenc, suite] of [['srtp', 'AES_CM_128_HMAC_SHA1_80'], ['srtp-mand', 'AES_CM_128_HMAC_SHA1_80']])
  test(`baresip with ${mediaenc} calls in`, { timeout: 60 }, async (t) => {
    const gateway = await Gateway.start(t);
    const rpc = await operator(t, gateway);
    const other = SipPhone.call(t, gateway.sip('lobby'), '--tone', 900, '--listen', 440);
    await other.event('answered');
    const phone = await Baresip.start(t, { codec: 'PCMU', hz: 440, encryption: mediaenc });
    await phone.dial(gateway.sip('lobby'));
    await other.hears(440);
    await phone.hearsPeak(900);
    const call = await flowing(rpc, 'tone440');
    t.ok(call.media.strangers <= 2, `strangers in ${JSON.stringify(call.media)}`);
    await checkCall(t, rpc, call, suite);
    await gateway.line(new RegExp(`Media started.*cipher=${suite}`));
    checkLog(t, gateway, phone);
  });

for (const [mode, mediaenc, cipher] of [['require', 'srtp-mand', 'AEAD_AES_128_GCM'],
  ['allow', 'srtp', 'AEAD_AES_128_GCM'], ['allow', null, 'none']])
  test(`participant.create with media_encryption ${mode} calls baresip with ${mediaenc ?? 'plain RTP'}`, { timeout: 60 }, async (t) => {
    const gateway = await Gateway.start(t);
    const rpc = await operator(t, gateway);
    const other = SipPhone.call(t, gateway.sip('lobby'), '--tone', 900, '--listen', 500);
    await other.event('answered');
    const phone = await Baresip.start(t, { codec: 'G722', hz: 500, answer: true, encryption: mediaenc });
    await rpc.call('participant.create', { trunk: { hostname: `127.0.0.1:${phone.port}` }, sip_call_to: 'tone500',
      room_name: 'lobby', participant_identity: 'callee', media_encryption: mode, wait_until_answered: true });
    await other.hears(500);
    await checkCall(t, rpc, await flowing(rpc, 'tone500'), cipher);
    checkLog(t, gateway, phone);
  });

/** A peer that speaks of keys and of a session timer, and sends nothing. */
class SecurePeer extends SipPeer {
  get sdp() {
    return super.sdp.replace('RTP/AVP', 'RTP/SAVP')
      + `a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:${this.key ?? 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'}\r\n`;
  }

  static async open(...args) {
    const peer = Object.setPrototypeOf(await SipPeer.open(...args), SecurePeer.prototype);
    return peer;
  }
}

const crypto = (sdp) => /^a=crypto:(.*)\r$/m.exec(sdp)?.[1];

test('a refresh keeps the keys of an encrypted call, a new key of the peer brings one of ours', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const peer = await SecurePeer.open(gateway.config.sip_port, 'keys');
  t.after(() => peer.close());
  t.equal((await peer.call()).status, 200, 'the call');
  const first = crypto(peer.ours);
  t.ok(/^5 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}$/.test(first), `the answer's line: ${first}`);
  t.ok(peer.ours.includes('RTP/SAVP 0'), 'the answer is not RTP/SAVP');
  await until('media flows', () => peer.rtp.length > 20);
  const ssrc = (packet) => packet.data.readUInt32BE(8);
  const announced = ssrc(peer.rtp.at(-1));
  const refreshed = await peer.request('INVITE', [], peer.sdp);
  t.equal([refreshed.status, refreshed.body], [200, peer.ours], 'the answer to a refresh');
  t.equal(ssrc(peer.rtp.at(-1)), announced, 'the SSRC after a refresh');
  peer.key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd';
  const changed = await peer.request('INVITE', [], peer.sdp);
  t.equal(changed.status, 200, 'a re-INVITE with a new key');
  t.ok(crypto(changed.body) && crypto(changed.body) !== first, 'our key did not change with the peer\'s');
  await until('a new stream', () => ssrc(peer.rtp.at(-1)) !== announced);
  const sequences = peer.rtp.filter((packet) => ssrc(packet) === announced).map((packet) => packet.data.readUInt16BE(2));
  t.ok(sequences.every((each, i) => i === 0 || each === ((sequences[i - 1] + 1) & 0xffff)), 'a gap in the first stream');
  t.ok(!gateway.output.includes(peer.key), 'a key is in the log');
  await peer.hangUp();
});

test('our refresh of an encrypted session changes nothing', {}, async (t) => {
  const gateway = await Gateway.start(t, { session_timer: { min_se: 3, default_expires: 12 } });
  const peer = await SecurePeer.open(gateway.config.sip_port, 'keys');
  t.after(() => peer.close());
  const answer = await peer.call(['Supported: timer', 'Session-Expires: 12;refresher=uas']);
  t.equal([answer.status, answer.get('session-expires')], [200, '12;refresher=uas'], 'the call');
  const refresh = await peer.next(30);
  t.equal([refresh?.method, refresh?.body], ['INVITE', peer.ours], 'the refresh');
  peer.accept(refresh, ['Supported: timer', 'Session-Expires: 12;refresher=uac']);
  const before = peer.rtp.length;
  await until('media goes on', () => peer.rtp.length > before + 30);
  const packets = peer.rtp.map(({ data }) => data).filter((data) => (data[1] & 0x7f) < 64);
  t.equal(new Set(packets.map((data) => data.readUInt32BE(8))).size, 1, 'streams');
  t.ok(packets.every((data, i) => i === 0 || data.readUInt16BE(2) === ((packets[i - 1].readUInt16BE(2) + 1) & 0xffff)), 'a gap in the stream');
  await peer.hangUp();
});

for (const [setting, line, status] of [['disable', 'RTP/SAVP', 488], ['require', 'RTP/AVP', 488], ['require', 'RTP/SAVP', 200]])
  test(`media.encryption ${setting} answers an offer of ${line} with ${status}`, {}, async (t) => {
    const gateway = await Gateway.start(t, { media: { encryption: setting } });
    const peer = await (line === 'RTP/AVP' ? SipPeer : SecurePeer).open(gateway.config.sip_port, 'lobby');
    t.after(() => peer.close());
    t.equal((await peer.call()).status, status, 'the status');
    await peer.hangUp();
  });

test('a call over IPv4 whose SDP names an IPv6 address gets one back', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const peer = Object.setPrototypeOf(await SipPeer.open(gateway.config.sip_port, 'six'), class extends SipPeer {
    get sdp() {
      return super.sdp.replaceAll('IN IP4 127.0.0.1', 'IN IP6 ::1');
    }
  }.prototype);
  t.after(() => peer.close());
  t.equal((await peer.call()).status, 200, 'the call');
  t.ok(/^c=IN IP6 ::1\r$/m.test(peer.ours), `c= of ${peer.ours}`);
  const moved = await peer.request('INVITE', [], peer.sdp.replaceAll('IN IP6 ::1', 'IN IP4 127.0.0.1'));
  t.equal(moved.status, 488, 'a re-INVITE that changes the IP version');
  await peer.hangUp();
});

test('a callee that insists on RTP/SAVP is asked again with it', { timeout: 30 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await operator(t, gateway);
  const peer = await SipPeer.open(gateway.config.sip_port, 'savp');
  t.after(() => peer.close());
  const created = await rpc.call('participant.create', {
    room_name: 'lobby', sip_call_to: 'savp', trunk: { hostname: `127.0.0.1:${peer.port}` }, media_encryption: 'allow',
  });
  const first = await peer.next(30);
  t.ok(/m=audio \d+ RTP\/AVP .*a=crypto/s.test(first.body), `the first offer ${first.body}`);
  peer.answer(first, '488 Not Acceptable Here');
  peer.tag = null; // the second one makes another dialog
  const second = await peer.next(30);
  t.equal([second.method, second.get('call-id')], ['INVITE', first.get('call-id')], 'another INVITE of the same call');
  t.ok(/m=audio \d+ RTP\/SAVP /.test(second.body), `the second offer ${second.body}`);
  const suite = /a=crypto:(\d+) AES_CM_128_HMAC_SHA1_80/.exec(second.body)[1];
  const key = Buffer.alloc(30, 7).toString('base64');
  const answer = `${peer.sdp.replace('RTP/AVP', 'RTP/SAVP')}a=crypto:${suite} AES_CM_128_HMAC_SHA1_80 inline:${key}\r\n`;
  peer.answer(second, '200 OK', [], answer);
  await until('the call is encrypted', async () => {
    const { call } = await rpc.call('call.get', { sip_call_id: created.sip_call_id });
    return call.status === 'active' && call.media.cipher === 'AES_CM_128_HMAC_SHA1_80';
  }, 5);
  t.ok(!gateway.output.includes(key), 'a key is in the log');
  // what we say from now on is the second offer: a re-INVITE without one gets it again
  const again = await peer.request('INVITE', []);
  t.ok(/m=audio \d+ RTP\/SAVP .*a=crypto/s.test(again.body), `the offer later ${again.body}`);
});
