// SIP over TLS: both ways with a real softphone, certificates that are refused, and certificates read again.
import { connect as tlsConnect } from 'node:tls';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, until } from './lib/tap.mjs';
import { Authority } from './lib/certificates.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone, Baresip } from './lib/phone.mjs';
import { freePort } from './lib/ports.mjs';
import { Rpc } from './lib/rpc.mjs';
import { peak } from './lib/audio.mjs';

async function start(t, authority, extra = {}) {
  const { cert, key } = authority.issue(['DNS:localhost', 'IP:127.0.0.1', 'IP:::1']);
  const port = await freePort();
  const gateway = await Gateway.start(t, { sip: { tls: { port, cert, key, ca: authority.ca } }, ...extra });
  gateway.tlsPort = port;
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  return { gateway, rpc };
}

/** baresip, which shows `certificate` and trusts `authority`. */
const secureBaresip = (t, authority, certificate, options) => Baresip.start(t, { transport: 'tls', ...options,
  config: [`sip_certificate ${certificate.both}`, `sip_cafile ${authority.ca}`, 'sip_verify_server yes'] });

async function hears(t, phone, hz) {
  const { samples, rate } = await phone.heard(1, 1);
  const heard = peak(samples, rate);
  t.ok(Math.abs(heard.hz - hz) <= 5 && heard.db > -30, `baresip hears ${JSON.stringify(heard)}, not ${hz} Hz`);
}

test('a softphone calls in over TLS with SRTP, its server certificate verified', { timeout: 60 }, async (t) => {
  const authority = new Authority(t);
  const { gateway } = await start(t, authority);
  const other = SipPhone.call(t, gateway.sip('lobby'), '--tone', 900, '--listen', 440);
  await other.event('answered');
  const phone = await secureBaresip(t, authority, authority.issue(['IP:127.0.0.1']),
    { codec: 'PCMU', hz: 440, encryption: 'srtp-mand' });
  await phone.dial(`sip:lobby@127.0.0.1:${gateway.tlsPort};transport=tls`);
  await other.hears(440);
  await hears(t, phone, 900);
  await gateway.line(/processing invite.*transport=tls/);
  await gateway.line(/Media started.*cipher=AES_CM_128_HMAC_SHA1_80/);
  await phone.command('hangup');
  await gateway.line(/Call ended|hangup.*tone440/i);
});

test('participant.create calls a softphone over TLS', { timeout: 60 }, async (t) => {
  const authority = new Authority(t);
  const { gateway, rpc } = await start(t, authority);
  const phone = await secureBaresip(t, authority, authority.issue(['IP:127.0.0.1', 'DNS:localhost']),
    { codec: 'PCMU', hz: 500, answer: true, encryption: 'srtp-mand' });
  const other = SipPhone.call(t, gateway.sip('lobby'), '--tone', 900, '--listen', 500);
  await other.event('answered');
  const created = await rpc.call('participant.create', { sip_call_to: `sip:tone500@127.0.0.1:${phone.port + 1};transport=tls`,
    room_name: 'lobby', participant_identity: 'callee', media_encryption: 'require', wait_until_answered: true });
  await other.hears(500);
  await hears(t, phone, 900);
  const { call } = await rpc.call('call.get', { sip_call_id: created.sip_call_id });
  t.note(JSON.stringify(call.dialog ?? call).slice(0, 600));
  await gateway.line(/TLS connection established.*host=127.0.0.1/);
});
