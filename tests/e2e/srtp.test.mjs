// SDES-SRTP with a real softphone, both directions: who hears what is measured by frequency.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Baresip, SipPhone } from './lib/phone.mjs';
import { SipPeer } from './lib/sippeer.mjs';
import { peak } from './lib/audio.mjs';
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

/** Nothing is missing and nothing was refused, but for baresip's plain RTCP that opens pinholes, and what a callee sends
    before its answer has arrived (`strangers`). */
function checkCall(t, call, cipher, strangers = 2) {
  const { media } = call, text = JSON.stringify(media);
  t.equal([call.cipher, media.cipher], [cipher, cipher], 'the cipher');
  t.equal([media.auth_failures, media.in.lost], [0, 0], `losses in ${text}`);
  t.ok(media.strangers <= strangers, `strangers in ${text}`);
}

async function checkHeard(t, phone, hz) {
  const { samples, rate } = await phone.heard(1, 1);
  const heard = peak(samples, rate);
  t.ok(Math.abs(heard.hz - hz) <= 5 && heard.db > -30, `baresip hears ${JSON.stringify(heard)}, not ${hz} Hz`);
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
    await checkHeard(t, phone, 900);
    checkCall(t, await flowing(rpc, 'tone440'), suite);
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
    checkCall(t, await flowing(rpc, 'tone500'), cipher, 10);
    checkLog(t, gateway, phone);
  });
