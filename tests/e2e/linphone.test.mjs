// Linphone's console phone against the gateway: calls in and out, hold, keys, transfers, messages, timers, SRTP, codecs.
// Who hears what is measured by frequency, both ways.
import { test, sleep, until } from './lib/tap.mjs';
import { Authority } from './lib/certificates.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Linphone } from './lib/linphone.mjs';
import { SipPhone } from './lib/phone.mjs';
import { freePort } from './lib/ports.mjs';
import { watched, waitFor, identities, packetsTo } from './lib/transferpeer.mjs';

/** Somebody in the room to talk with, at 700 Hz. */
async function partner(t, gateway, room, ...listen) {
  const phone = SipPhone.call(t, gateway.sip(room), '--user', 'other', '--tone', 700, '--listen', ...listen);
  await phone.event('answered');
  return phone;
}

/** `sip.hold` of the one in the room lobby. */
const holdOf = (rpc, identity) => async () =>
  (await rpc.call('participant.get', { room: 'lobby', identity })).participant.attributes['sip.hold'];

for (const codec of ['PCMU', 'PCMA', 'G722', 'opus'])
  test(`Linphone calls in with ${codec}, both hear one another, it hangs up`, {}, async (t) => {
    const gateway = await Gateway.start(t);
    const rpc = await watched(t, gateway, 'lobby');
    const other = await partner(t, gateway, 'lobby', 440);
    // with opus also an IPv6 address of another interface in SDP, which its packets do not come from
    const phone = await Linphone.start(t, { codec, hz: 440, extra: { sip: { use_ipv6: codec === 'opus' ? 1 : 0 } } });
    await phone.dial(gateway.sip('lobby'));
    await phone.hears(700);
    await other.hears(440);
    await gateway.line(new RegExp(`participant=sip_lin440 codec=${codec}`, 'i'));
    await phone.command('terminate', /ended/);
    const left = await waitFor(rpc, 'participant_left', () => true);
    t.equal([left.participant.identity, left.reason], ['sip_lin440', 'hangup'], 'who left');
  });

test('participant.create calls Linphone; the gateway hangs up', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const other = await partner(t, gateway, 'lobby', 900);
  const phone = await Linphone.start(t, { codec: 'G722', hz: 900, answer: true });
  const { sip_call_id: id } = await rpc.call('participant.create', { trunk: { hostname: `127.0.0.1:${phone.port}` }, sip_call_to: 'lin900',
    room_name: 'lobby', participant_identity: 'callee', wait_until_answered: true });
  await phone.called();
  await phone.hears(700);
  await other.hears(900);
  await rpc.call('call.hangup', { sip_call_id: id });
  await phone.shows(/ended/);
});

test('Linphone holds and resumes, the gateway holds and resumes it', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const state = holdOf(rpc, 'sip_lin440');
  const other = await partner(t, gateway, 'lobby', 440);
  const phone = await Linphone.start(t, { hz: 440 });
  const call = await phone.dial(gateway.sip('lobby'));
  await other.hears(440);
  await phone.command('pause', /is now paused/);
  t.equal(await state(), 'remote', 'sip.hold');
  await until('nothing is sent to it', async () => {
    const before = await packetsTo(rpc, 'sip_lin440');
    await sleep(1300); // its numbers are those of its last full second
    return before > 0 && before === await packetsTo(rpc, 'sip_lin440');
  });
  await phone.command(`resume ${call}`, /Media streams established/);
  await other.hears(440);
  await phone.hears(700);
  t.equal(await state(), 'none', 'sip.hold');
  await rpc.call('participant.hold', { room: 'lobby', identity: 'sip_lin440', held: true });
  await phone.shows(/has been paused by/);
  await until('the room does not hear it', () => other.lastLevels()['440'] < -50);
  t.equal(await state(), 'local', 'sip.hold');
  await rpc.call('participant.hold', { room: 'lobby', identity: 'sip_lin440', held: false });
  await other.hears(440);
  await phone.hears(700);
});

for (const info of [false, true])
  test(`keys of Linphone by ${info ? 'INFO' : 'RFC 4733'}, and keys to it`, {}, async (t) => {
    const gateway = await Gateway.start(t);
    const rpc = await watched(t, gateway, 'lobby');
    const phone = await Linphone.start(t, { hz: 440, info });
    await phone.dial(gateway.sip('lobby'));
    const digits = () => rpc.events.filter((event) => event.type === 'dtmf_received').map((event) => event.digit).join('');
    for (const [index, key] of [...'15*#'].entries()) {
      await phone.command(key);
      await until(`the key ${key}`, () => digits().length > index);
    }
    t.equal(digits(), '15*#', 'keys');
    const from = phone.output.length;
    await rpc.call('participant.send_dtmf', { room_name: 'lobby', participant_identity: 'sip_lin440', digits: '73#' });
    await phone.shows(/Receiving tone 7[^]*Receiving tone 3[^]*Receiving tone #/, 10, from);
    t.equal(phone.output.slice(from).match(/Receiving tone/g).length, 3, 'how many keys it got');
  });

test('blind transfer by Linphone', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const other = await partner(t, gateway, 'lobby', 900);
  const target = await Linphone.start(t, { hz: 900, answer: true });
  const phone = await Linphone.start(t, { hz: 440 });
  await phone.dial(gateway.sip('lobby'));
  await phone.command(`transfer sip:lin900@127.0.0.1:${target.port}`);
  await target.called();
  await other.hears(900);
  await target.hears(700);
  await waitFor(rpc, 'transfer_status', (event) => event.state === 'successful');
  await until('only the two others are in the room', async () => (await identities(rpc, 'lobby')).join() === 'sip_lin900,sip_other');
});

test('attended transfer by Linphone: its two calls become one room', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'a', 'b');
  const ann = SipPhone.call(t, gateway.sip('a'), '--user', 'ann', '--tone', 700, '--listen', 900);
  const bob = SipPhone.call(t, gateway.sip('b'), '--user', 'bob', '--tone', 900, '--listen', 700);
  await ann.event('answered');
  await bob.event('answered');
  const phone = await Linphone.start(t, { hz: 440 });
  const first = await phone.dial(gateway.sip('a'));
  await phone.command('pause', /is now paused/);
  const second = await phone.dial(gateway.sip('b'));
  await phone.command(`transfer ${first} --to-call ${second}`);
  await ann.hears(900);
  await bob.hears(700);
  await until('only the two are left', async () => (await identities(rpc, 'b')).join() === 'sip_ann,sip_bob');
});

test('participant.transfer sends Linphone elsewhere', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const phone = await Linphone.start(t, { hz: 440 });
  await phone.dial(gateway.sip('lobby'));
  const other = await partner(t, gateway, 'elsewhere', 440);
  const result = await rpc.call('participant.transfer', { room_name: 'lobby', participant_identity: 'sip_lin440',
    transfer_to: gateway.sip('elsewhere') });
  t.equal(result.sip_status_code, 200, 'result');
  await other.hears(440);
});

test('messages between Linphone and the room', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const phone = await Linphone.start(t, { hz: 440, gateway });
  await phone.dial(gateway.sip('lobby'));
  await phone.command(`chat ${gateway.sip('lobby')} Grüße & <b>hello</b>`);
  const message = await waitFor(rpc, 'message_received', () => true);
  t.equal([message.identity, message.text], ['sip_lin440', 'Grüße & <b>hello</b>'], 'what the room gets');
  const sent = await rpc.call('room.send_message', { room: 'lobby', text: 'Grüße zurück' });
  t.equal(sent, { delivered: 1, failed: [] }, 'result');
  await phone.shows(/Message received from .*: Grüße zurück/);
});

for (const refresher of ['gateway', 'phone'])
  test(`session timer with Linphone, the ${refresher} refreshes`, { timeout: 90 }, async (t) => {
    const gateway = await Gateway.start(t, { session_timer: { min_se: 3, default_expires: 15,
      prefer_refresher: refresher === 'gateway' ? 'uas' : 'uac' } });
    const rpc = await watched(t, gateway, 'lobby');
    const other = await partner(t, gateway, 'lobby', 440);
    const phone = await Linphone.start(t, { hz: 440, timer: 15 });
    await phone.dial(gateway.sip('lobby'));
    await gateway.line(refresher === 'gateway' ? /Session refresh successful/ : /Session refresh received.*status=200/, 10);
    await other.hears(440);
    await phone.hears(700);
    t.equal((await identities(rpc, 'lobby')).length, 2, 'who is left');
  });

test('session timer of a call to Linphone', {}, async (t) => {
  const gateway = await Gateway.start(t, { session_timer: { min_se: 3, default_expires: 15 } });
  const rpc = await watched(t, gateway, 'lobby');
  const other = await partner(t, gateway, 'lobby', 900);
  const phone = await Linphone.start(t, { hz: 900, answer: true, timer: 15 });
  await rpc.call('participant.create', { trunk: { hostname: `127.0.0.1:${phone.port}` }, sip_call_to: 'lin900',
    room_name: 'lobby', participant_identity: 'callee', wait_until_answered: true });
  await gateway.line(/Session refresh successful.*participant=callee/, 10);
  await other.hears(900);
  await phone.hears(700);
});

for (const [encryption, suite] of [['optional', 'AES_CM_128_HMAC_SHA1_80'], ['mandatory', 'AES_CM_128_HMAC_SHA1_80']])
  test(`Linphone calls in with SRTP ${encryption}`, {}, async (t) => {
    const gateway = await Gateway.start(t);
    const other = await partner(t, gateway, 'lobby', 440);
    const phone = await Linphone.start(t, { hz: 440, encryption });
    await phone.dial(gateway.sip('lobby'));
    await phone.hears(700);
    await other.hears(440);
    await gateway.line(new RegExp(`Media started.*cipher=${suite}`));
  });

for (const [mode, encryption, cipher] of [['require', 'mandatory', 'AES_CM_128_HMAC_SHA1_80'],
  ['allow', 'mandatory', 'AES_CM_128_HMAC_SHA1_80'], [undefined, 'mandatory', 'AES_CM_128_HMAC_SHA1_80'],
  ['allow', 'optional', 'none'], ['allow', null, 'none']])
  test(`participant.create with media_encryption ${mode} calls Linphone with SRTP ${encryption}`, {}, async (t) => {
    const gateway = await Gateway.start(t);
    const rpc = await watched(t, gateway, 'lobby');
    const other = await partner(t, gateway, 'lobby', 900);
    const phone = await Linphone.start(t, { hz: 900, answer: true, encryption });
    await rpc.call('participant.create', { trunk: { hostname: `127.0.0.1:${phone.port}` }, sip_call_to: 'lin900',
      room_name: 'lobby', participant_identity: 'callee', media_encryption: mode, wait_until_answered: true });
    await phone.hears(700);
    await other.hears(900);
    await gateway.line(new RegExp(`Media started.*participant=callee.*cipher=${cipher}`));
    if (encryption !== 'mandatory') return;
    t.equal(phone.log.match(/^Session-Expires: 1800/gm)?.length, mode === 'require' ? 1 : 2, 'offers with a session timer: RTP/AVP is refused first');
    await rpc.call('participant.hold', { room: 'lobby', identity: 'callee', held: true }); // offers the same way
    await phone.shows(/has been paused by/);
  });

test('Linphone over TLS with SRTP, certificate verified: it calls in', {}, async (t) => {
  const authority = await Authority.make(t);
  const { cert, key } = await authority.issue(['DNS:localhost']); // it compares no addresses
  const port = await freePort();
  const gateway = await Gateway.start(t, { sip: { transports: ['udp', 'tcp', 'tls'], tls: { port, cert, key } } });
  const other = await partner(t, gateway, 'lobby', 440);
  const phone = await Linphone.start(t, { hz: 440, transport: 'tls', encryption: 'mandatory',
    extra: { sip: { root_ca: authority.ca, verify_server_certs: 1, verify_server_cn: 1 } } });
  await phone.dial(`sip:lobby@localhost:${port};transport=tls`);
  await phone.hears(700);
  await other.hears(440);
  await gateway.line(/processing invite.*transport=tls/);
  await gateway.line(/Media started.*cipher=AES_CM_128_HMAC_SHA1_80/);
  await phone.command('terminate', /ended/);
});

test('Linphone over TCP, held by the gateway', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const other = await partner(t, gateway, 'lobby', 440);
  const phone = await Linphone.start(t, { hz: 440, transport: 'tcp' });
  await phone.dial(`${gateway.sip('lobby')};transport=tcp`);
  await phone.hears(700);
  await other.hears(440);
  await rpc.call('participant.hold', { room: 'lobby', identity: 'sip_lin440', held: true });
  await phone.shows(/has been paused by/);
  await rpc.call('participant.hold', { room: 'lobby', identity: 'sip_lin440', held: false });
  await phone.hears(700);
  await gateway.line(/processing invite.*transport=tcp/);
});
