// Softphones as extensions: Linphone and baresip register, call one another and rooms, ring, transfer and send text.
import { test, until } from './lib/tap.mjs';
import { Authority } from './lib/certificates.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Linphone } from './lib/linphone.mjs';
import { Baresip, SipPhone } from './lib/phone.mjs';
import { freePort } from './lib/ports.mjs';
import { watched, waitFor, identities } from './lib/transferpeer.mjs';

const users = ['alice', 'bob', 'carol'].map((username) => ({ username, password: `of-${username}` }));
const start = (t) => Gateway.start(t, { sip: { bind: ['127.0.0.1'], registrar: { enabled: true, users } } });

const linphone = (t, gateway, name, options) =>
  Linphone.start(t, { name, gateway, password: `of-${name}`, ...options });
const baresip = (t, gateway, name, options) =>
  Baresip.start(t, { codec: 'PCMU', register: { user: name, password: `of-${name}`, port: gateway.config.sip_port }, ...options });

/** Waits until each of `counts` {name: phones} is registered that often. */
const registered = (rpc, counts) => until(`registered: ${JSON.stringify(counts)}`, async () => {
  const { registrations } = await rpc.call('registration.list');
  const now = Object.fromEntries(registrations.map((each) => [each.username, each.contacts.length]));
  return Object.entries(counts).every(([name, count]) => (now[name] ?? 0) === count);
});

test('Linphone registers, is called by baresip, calls it, and takes its registration back', {}, async (t) => {
  const gateway = await start(t);
  const rpc = await watched(t, gateway);
  const alice = await linphone(t, gateway, 'alice', { hz: 600, codec: 'opus', answer: true });
  const bob = await baresip(t, gateway, 'bob', { hz: 900, answer: true });
  await registered(rpc, { alice: 1, bob: 1 });
  await bob.dial(gateway.sip('alice'));
  await alice.called();
  await alice.hears(900);
  await bob.hears(600);
  await alice.command('terminate', /ended/);
  await until('both calls are over', async () => (await rpc.call('call.list')).calls.length === 0);
  await alice.dial(gateway.sip('bob'));
  await alice.hears(900);
  await bob.hears(600);
  await bob.command('hangup');
  await until('the call is over', () => alice.output.match(/ended/g)?.length === 2);
  await alice.command('unregister');
  await registered(rpc, { alice: 0, bob: 1 });
});

for (const transport of ['tcp', 'tls'])
  test(`an extension over ${transport.toUpperCase()} is called on the connection of its registration`, {}, async (t) => {
    const authority = await Authority.make(t);
    const port = await freePort();
    const { cert, key } = await authority.issue(['DNS:localhost']);
    const gateway = await Gateway.start(t, { sip: { bind: ['127.0.0.1'], transports: ['udp', 'tcp', 'tls'], tls: { port, cert, key },
      registrar: { enabled: true, users } } });
    const rpc = await watched(t, gateway, 'desk');
    const at = transport === 'tls' ? `<sip:localhost:${port};transport=tls;lr>` : null;
    const alice = await linphone(t, gateway, 'alice', { hz: 600, transport, answer: true, encryption: at && 'mandatory',
      extra: at ? { sip: { root_ca: authority.ca, verify_server_certs: 1, verify_server_cn: 1 }, proxy: { reg_proxy: at, reg_route: at } } : {} });
    const bob = await baresip(t, gateway, 'bob', { hz: 900 });
    await registered(rpc, { alice: 1, bob: 1 });
    await bob.dial(gateway.sip('alice'));
    await alice.hears(900);
    await bob.hears(600);
    const { registrations } = await rpc.call('registration.list', { username: 'alice' });
    t.equal(registrations[0].contacts[0].transport, transport, 'transport');
    await bob.command('hangup');
    await alice.shows(/ended/);
  });

test('a wrong password is refused, and said', {}, async (t) => {
  const gateway = await start(t);
  const rpc = await watched(t, gateway);
  const phone = await linphone(t, gateway, 'alice', { hz: 600, password: 'wrong' });
  await gateway.line(/Wrong user name or password.*username=alice/, 8);
  await registered(rpc, { alice: 0 });
  await phone.command('status register', /registered=0|registered=-1/);
});

test('sip_call_to an extension rings all her phones: the first that answers is in the room, the other stops', {}, async (t) => {
  const gateway = await start(t);
  const rpc = await watched(t, gateway, 'desk');
  const one = await linphone(t, gateway, 'alice', { hz: 600, codec: 'G722' });
  const two = await baresip(t, gateway, 'alice', { hz: 900, answer: 'manual' });
  await registered(rpc, { alice: 2 });
  const { sip_call_id: id } = await rpc.call('participant.create', { sip_call_to: 'alice', room_name: 'desk' });
  await one.shows(/new incoming call/);
  await until('the other rings', () => /Incoming call|incoming/i.test(two.output));
  await one.command('answer', /Media streams established/);
  await until('it is answered', async () => (await rpc.call('call.get', { sip_call_id: id })).call.status === 'active');
  await until('the other stops', () => /session closed|call closed|terminated|Call with .* (closed|terminated)/i.test(two.output));
  t.equal(await identities(rpc, 'desk'), ['sip_alice'], 'who is in the room');
  await one.command('terminate', /ended/);
});

test('attended transfer between extensions: Linphone asks baresip, then gives it the room\'s call', {}, async (t) => {
  const gateway = await start(t);
  const rpc = await watched(t, gateway, 'desk');
  const alice = await linphone(t, gateway, 'alice', { hz: 600 });
  const bob = await baresip(t, gateway, 'bob', { hz: 900, answer: true });
  const carol = await linphone(t, gateway, 'carol', { hz: 440 });
  await registered(rpc, { alice: 1, bob: 1, carol: 1 });
  await carol.dial(gateway.sip('desk'));
  const first = await alice.dial(gateway.sip('desk'));
  await alice.hears(440);
  await alice.command('pause', /is now paused/);
  const second = await alice.dial(gateway.sip('bob'));
  await alice.hears(900);
  await alice.command(`transfer ${first} --to-call ${second}`);
  await bob.hears(440);
  await carol.hears(900);
  await until('alice is out', async () => (await rpc.call('call.list')).calls
    .map((call) => call.participant_identity).sort().join() === 'sip_bob,sip_carol');
});

test('blind transfer by baresip to an extension that is a Linphone', {}, async (t) => {
  const gateway = await start(t);
  const rpc = await watched(t, gateway, 'desk');
  const alice = await linphone(t, gateway, 'alice', { hz: 600, answer: true });
  const bob = await baresip(t, gateway, 'bob', { hz: 900 });
  const carol = await linphone(t, gateway, 'carol', { hz: 440 });
  await registered(rpc, { alice: 1, bob: 1, carol: 1 });
  await carol.dial(gateway.sip('desk'));
  await bob.dial(gateway.sip('desk'));
  await carol.hears(900);
  await bob.command('transfer', gateway.sip('alice'));
  await carol.hears(600);
  await alice.hears(440);
  await until('bob is out', async () => (await identities(rpc, 'desk')).join() === 'sip_alice,sip_carol');
});

test('participant.transfer sends one extension to another, by its name', {}, async (t) => {
  const gateway = await start(t);
  const rpc = await watched(t, gateway, 'desk');
  const alice = await linphone(t, gateway, 'alice', { hz: 600 });
  const bob = await baresip(t, gateway, 'bob', { hz: 900, answer: true });
  await registered(rpc, { alice: 1, bob: 1 });
  await alice.dial(gateway.sip('desk'));
  const { sip_status_code: status } = await rpc.call('participant.transfer',
    { room_name: 'desk', participant_identity: 'sip_alice', transfer_to: 'bob' });
  t.equal(status, 200, 'result');
  await alice.hears(900);
  await bob.hears(600);
});

test('text between extensions, and between an extension and its room', {}, async (t) => {
  const gateway = await start(t);
  const rpc = await watched(t, gateway, 'desk');
  const alice = await linphone(t, gateway, 'alice', { hz: 600 });
  const bob = await baresip(t, gateway, 'bob', { hz: 900, contact: gateway.sip('alice') });
  await registered(rpc, { alice: 1, bob: 1 });
  await bob.command('message', 'lunch?');
  await alice.shows(/Message received from .*bob.*: lunch\?/);
  await alice.dial(gateway.sip('desk'));
  await alice.command(`chat ${gateway.sip('desk')} in the room`);
  const message = await waitFor(rpc, 'message_received', () => true);
  t.equal([message.identity, message.text], ['sip_alice', 'in the room'], 'what the room gets');
  t.equal(await rpc.call('room.send_message', { room: 'desk', text: 'welcome' }), { delivered: 1, failed: [] }, 'result');
  await alice.shows(/Message received from .*: welcome/);
});
