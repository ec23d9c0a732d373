// Extensions: phones that register, are found, call one another, and are seen.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { ask } from './lib/database.mjs';
import { Extension } from './lib/extension.mjs';
import { Baresip, SipPhone } from './lib/phone.mjs';
import { levelDb } from './lib/audio.mjs';
import { Rpc } from './lib/rpc.mjs';

const users = ['alice', 'bob', 'carol'].map((username) => ({ username, password: 'secret' }));
const registrar = (more = {}) => ({ sip: { bind: ['127.0.0.1'], registrar: { enabled: true, users, ...more } } });

async function operator(t, gateway) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  return rpc;
}

const contactsOf = async (rpc, username) =>
  (await rpc.call('registration.list', { username })).registrations[0]?.contacts ?? [];
const refused = (rpc, method, params) => rpc.call(method, params).then(() => null, (error) => error);

test('registrar: passwords, several contacts, expiry, wildcard and refusals', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar({ min_expires: 2, max_contacts: 2 }));
  const rpc = await operator(t, gateway);
  const alice = await Extension.open(t, gateway, 'alice');
  const uri = `sip:127.0.0.1:${gateway.config.sip_port}`;
  const first = await alice.ask('REGISTER', uri, { to: 'sip:alice@127.0.0.1', headers: [`Contact: ${alice.contact}`] });
  t.equal(first.status, 401, 'without a password');
  t.equal(first.headers['www-authenticate'].map((each) => /algorithm=([^,]+)/.exec(each)[1]), ['MD5', 'SHA-256'], 'what is offered');
  t.equal((await alice.register(600, { password: 'wrong' })).status, 401, 'a wrong password');
  t.equal((await alice.register(600, { user: 'bob' })).status, 403, 'for somebody else');
  t.equal((await contactsOf(rpc, 'alice')).length, 0, 'nothing is kept so far');

  const taken = await alice.register(600);
  t.equal(taken.status, 200, 'the right password');
  t.ok(new RegExp(`<sip:alice@127.0.0.1:${alice.port}>;expires=600`).test(taken.get('contact')), `Contact: ${taken.get('contact')}`);
  const second = `<sip:alice@127.0.0.1:${alice.port};line=2>`;
  const both = await alice.register(600, { contacts: [`${second};q=0.5`] });
  t.equal([...both.get('contact').matchAll(/q=([\d.]+)|<[^>]+>/g)].map((match) => match[0]),
    [alice.contact, second, 'q=0.500'], 'both contacts, the better one first');
  t.equal((await alice.register(600, { contacts: ['<sip:alice@127.0.0.1:9>'] })).status, 403, 'one too many');
  t.equal((await alice.register(null, { contacts: [] })).get('contact').split(',').length, 2, 'a question changes nothing');
  const brief = await alice.register(1);
  t.equal([brief.status, brief.get('min-expires')], [423, '2'], 'too short');
  t.equal((await alice.register(60, { cseq: 1 })).status, 500, 'overtaken');
  t.equal((await alice.register(600, { contacts: ['*'] })).status, 400, 'a wildcard without Expires 0');
  const none = await alice.register(0, { contacts: ['*'] });
  t.equal([none.status, none.get('contact')], [200, undefined], 'wildcard');
  t.equal((await contactsOf(rpc, 'alice')).length, 0, 'nothing is left');

  await alice.register(4);
  t.equal((await contactsOf(rpc, 'alice')).length, 1, 'for four seconds');
  await until('it expires', async () => (await contactsOf(rpc, 'alice')).length === 0);
  await alice.register(60);
  t.equal((await rpc.call('registration.remove', { username: 'alice' })).removed, 1, 'by the API');
  t.equal((await refused(rpc, 'registration.remove', { username: 'alice' })).data.code, 'not_found', 'once');
  t.ok(!/secret/.test(gateway.output), 'no password is logged');
});

test('registrar: who had registered is called after a restart, and after a crash', { timeout: 60 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-db-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const config = { ...registrar({ min_expires: 2 }), storage: { path: join(directory, 'a.db') } };
  const gateway = await Gateway.start(t, config);
  config.sip_port = gateway.config.sip_port; // where the phones know it
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((user) => Extension.open(t, gateway, user)));
  for (const phone of [alice, bob]) await phone.register(600, { contacts: [`${phone.contact};q=0.7`] });
  await carol.register(2);
  await bob.register(0);
  await gateway.stop(t);

  const again = await Gateway.start(t, config);
  const rpc = await operator(t, again);
  const [contact] = await contactsOf(rpc, 'alice');
  t.ok(contact.q === 0.7 && contact.expires_in > 500 && contact.uri.includes(String(alice.port)), JSON.stringify(contact));
  await until('she is asked whether she is there', async () => (await contactsOf(rpc, 'alice'))[0].state === 'reachable');
  rpc.call('participant.create', { room: 'desk', sip_call_to: 'alice' }).catch(() => {});
  await until('her phone rings', () => alice.received.some(({ method }) => method === 'INVITE'));
  t.equal((await contactsOf(rpc, 'bob')).length, 0, 'bob had gone');
  await until('carol is over', async () => (await contactsOf(rpc, 'carol')).length === 0);
  t.equal((await alice.register(600, { cseq: 1 })).status, 500, 'an old request is still an old one');
  await bob.register(300);
  await until('it is written', async () => (await ask(config.storage.path, "SELECT json FROM entries WHERE kind = 2 AND id = 'bob'")).length === 1);
  await again.kill();

  const last = await Gateway.start(t, { ...config, sip: { ...config.sip, registrar: { enabled: true, users: users.slice(1) } } });
  const after = await operator(t, last);
  t.equal((await after.call('registration.list')).registrations.map((each) => [each.username, each.contacts.length]),
    [['bob', 1], ['carol', 0]], 'alice is no extension any more');
});

test('registrar: SIGHUP takes other users and passwords', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar());
  const rpc = await operator(t, gateway);
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((user) => Extension.open(t, gateway, user)));
  for (const phone of [alice, bob]) await phone.register();
  gateway.config.sip.registrar.users = [{ username: 'alice', password: 'another' }];
  writeFileSync(join(gateway.directory, 'config.yaml'), JSON.stringify(gateway.config));
  gateway.process.kill('SIGHUP');
  await gateway.line(/Unregistered +user=bob/);
  t.equal((await rpc.call('registration.list')).registrations.map((each) => [each.username, each.contacts.length]), [['alice', 1]],
    'who is left');
  t.equal([(await alice.register()).status, (await bob.register()).status], [401, 401], 'the passwords of before');
  t.equal((await alice.register(600, { password: 'another' })).status, 200, 'the new one');
});

test('registrar: phones are asked whether they are there', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar({ qualify_interval: '1s' }));
  const rpc = await operator(t, gateway);
  const alice = await Extension.open(t, gateway, 'alice');
  alice.answers.OPTIONS = [486, 'Busy Here']; // whatever it says, it is there
  await alice.register(600);
  const options = await alice.expect('OPTIONS');
  t.ok(options.start.includes(`sip:alice@127.0.0.1:${alice.port}`), options.start);
  await until('it is reachable', async () => (await contactsOf(rpc, 'alice'))[0].state === 'reachable');
  const [contact] = await contactsOf(rpc, 'alice');
  t.ok(contact.rtt_ms > 0 && contact.rtt_ms < 4000, `rtt ${contact.rtt_ms}`);
  t.equal([contact.source_address, contact.transport], [`127.0.0.1:${alice.port}`, 'udp'], 'where it is');
  alice.answers.OPTIONS = null;
  await until('it is silent', async () => (await contactsOf(rpc, 'alice'))[0].state === 'unreachable', 15);
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  t.ok(/switchroom_sip_registrations 1\n/.test(metrics) && /switchroom_sip_registrations_unreachable 1\n/.test(metrics), 'metrics');
  await alice.register(600);
  t.equal((await contactsOf(rpc, 'alice'))[0].state, 'unknown', 'who registers again is not given up');
});

test('registrar: baresip registers and calls another extension, both are heard', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar());
  const rpc = await operator(t, gateway);
  const account = (user) => ({ user, password: 'secret', port: gateway.config.sip_port });
  const bob = await Baresip.start(t, { codec: 'PCMA', hz: 900, answer: true, transport: 'tcp', register: account('bob') });
  const alice = await Baresip.start(t, { codec: 'PCMU', hz: 600, register: account('alice') });
  await until('both are registered', async () =>
    (await contactsOf(rpc, 'alice')).length === 1 && (await contactsOf(rpc, 'bob')).length === 1);
  await alice.dial(gateway.sip('bob'));
  const { calls } = await rpc.call('call.list');
  t.equal(calls.map((call) => call.status), ['active', 'active'], 'calls');
  t.ok(calls[0].room_name === calls[1].room_name && /^call-alice-bob-/.test(calls[0].room_name), calls[0].room_name);
  const [atAlice, atBob] = [await alice.heard(), await bob.heard()];
  t.ok(levelDb(atAlice.samples, atAlice.rate, 900) > -30, 'alice hears bob');
  t.ok(levelDb(atBob.samples, atBob.rate, 600) > -30, 'bob hears alice');
  await alice.command('hangup');
  await until('both calls are over', async () => (await rpc.call('call.list')).calls.length === 0);
  await until('their room too', async () => (await rpc.call('room.list')).rooms.length === 0);
});

test('registrar: sip_call_to rings all phones of an extension, the first answer wins', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar());
  const rpc = await operator(t, gateway);
  const dial = (to, more = {}) => ({ room_name: 'desk', sip_call_to: to, wait_until_answered: true, ...more });
  const unknown = await refused(rpc, 'participant.create', dial('dave'));
  t.equal(unknown.data.code, 'invalid_argument', unknown.text);
  const absent = await refused(rpc, 'participant.create', dial('bob'));
  t.equal([absent.data.code, /no phone is registered for extension "bob"/.test(absent.text)], ['unavailable', true], absent.text);

  const ringing = await Extension.open(t, gateway, 'bob');
  await ringing.register();
  await Baresip.start(t, { codec: 'PCMU', hz: 900, answer: true, register: { user: 'bob', password: 'secret', port: gateway.config.sip_port } });
  await until('both phones are registered', async () => (await contactsOf(rpc, 'bob')).length === 2);
  const caller = SipPhone.call(t, gateway.sip('desk'), '--user', 'x');
  await caller.event('ended'); // a stranger gets no call
  const created = await rpc.call('participant.create', dial('bob', { sip_number: 'reception' }));
  t.equal(created.participant_identity, 'sip_bob', 'identity');
  const invite = await ringing.expect('INVITE');
  t.ok(/<sip:reception@/.test(invite.get('from')), invite.get('from'));
  await ringing.expect('CANCEL');
  const { participant } = await rpc.call('participant.get', { room_name: 'desk', identity: 'sip_bob' });
  t.equal(participant.attributes['sip.callStatus'], 'active', 'status');
  await rpc.call('participant.remove', { room_name: 'desk', identity: 'sip_bob' });
  await until('the call is over', async () => (await rpc.call('call.list')).calls.length === 0);
});

test('registrar: what the callee does is what the caller hears', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar());
  const rpc = await operator(t, gateway);
  const [alice, bob] = [await Extension.open(t, gateway, 'alice'), await Extension.open(t, gateway, 'bob')];
  t.equal((await alice.ask('INVITE', gateway.sip('bob'), { body: alice.sdp, headers: [`Contact: ${alice.contact}`] })).status, 401,
    'nobody calls without a password');
  t.equal((await alice.invite('bob', { from: 'carol' })).status, 480, 'nobody is registered');
  await bob.register(600, { contacts: ['<sip:bob@127.0.0.1:9;transport=tcp>'] });
  t.equal((await alice.invite('bob')).status, 480, 'nobody is where it is registered');
  await bob.register(0, { contacts: ['*'] });
  await bob.register();
  bob.answers.INVITE = [486, 'Busy Here'];
  t.equal((await alice.invite('bob', { from: 'carol' })).status, 486, 'busy');
  t.ok(/<sip:alice@/.test((await bob.expect('INVITE')).get('from')), 'who has proved to be alice is alice');

  bob.answers.INVITE = [180, 'Ringing'];
  const answer = alice.invite('bob');
  await until('it rings', () => alice.received.some((each) => each.status === 180));
  alice.cancel();
  t.equal((await answer).status, 487, 'CANCEL');
  await bob.expect('CANCEL');
  await until('no call is left', async () => (await rpc.call('call.list')).calls.length === 0);
  t.equal((await alice.invite('conference')).status, 200, 'a number goes where the rules say');
  t.equal((await rpc.call('call.list')).calls.map((call) => [call.room_name, call.from]), [['conference', 'alice']], 'its room');
  await rpc.call('room.delete', { name: 'conference' });
});

test('registrar: a phone forwards its calls to another extension, nowhere else and not in circles', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar());
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((user) => Extension.open(t, gateway, user)));
  await Promise.all([bob.register(), carol.register()]);
  const forwardTo = (...uris) => [302, 'Moved Temporarily', '', uris.map((uri) => `<${uri}>`).join(', ')];
  bob.answers.INVITE = forwardTo('sip:+15550100@192.0.2.1', gateway.sip('carol'));
  carol.answers.INVITE = [200, 'OK', carol.sdp];
  const answer = await alice.invite('bob');
  t.equal(answer.status, 200, 'bob has his calls go to carol');
  t.ok(/<sip:alice@/.test((await carol.expect('INVITE')).get('from')), 'who calls');
  await gateway.line(/Call forwarded by a phone .*from=bob to=carol/);
  alice.hangUp(answer);
  await carol.expect('BYE');

  carol.answers.INVITE = forwardTo(gateway.sip('bob'));
  t.equal((await alice.invite('bob')).status, 480, 'bob to carol to bob');
  t.equal(bob.received.filter((each) => each.method === 'INVITE').length, 3, 'calls to bob');
  bob.answers.INVITE = forwardTo(`sip:someone@127.0.0.1:${carol.port}`, 'sip:nobody@127.0.0.1');
  t.equal((await alice.invite('bob')).status, 480, 'elsewhere');
});

test('registrar: a phone behind NAT is called where it registered from', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar());
  const rpc = await operator(t, gateway);
  const alice = await Extension.open(t, gateway, 'alice');
  await alice.register(600, { contacts: ['<sip:alice@10.9.8.7:5060>'] });
  const options = await alice.expect('OPTIONS');
  t.ok(/^OPTIONS sip:alice@10.9.8.7:5060 /.test(options.start), options.start);
  const ringing = rpc.call('participant.create', { room_name: 'desk', sip_call_to: 'alice', wait_until_answered: true });
  const invite = await alice.expect('INVITE');
  t.ok(/^INVITE sip:alice@10.9.8.7:5060 /.test(invite.start), invite.start);
  alice.answer(invite, 200, 'OK', alice.sdp);
  await ringing;
  await alice.expect('ACK');
  await rpc.call('room.delete', { name: 'desk' });
  await alice.expect('BYE');
});

test('registrar: extensions call one another over IPv6, and between it and IPv4', { timeout: 60 }, async (t) => {
  const { sip } = registrar();
  const gateway = await Gateway.start(t, { sip: { ...sip, bind: ['127.0.0.1', '::1'] } });
  const rpc = await operator(t, gateway);
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((user) => Extension.open(t, gateway, user, { host: '::1' })));
  const carol = await Extension.open(t, gateway, 'carol');
  for (const phone of [alice, bob, carol]) t.equal((await phone.register()).status, 200, `REGISTER of ${phone.user}`);
  await until('all are reachable', async () => (await rpc.call('registration.list')).registrations
    .every((each) => each.contacts[0].state === 'reachable'));
  for (const [caller, callee] of [[alice, bob], [carol, alice]]) {
    const answer = caller.invite(callee.user);
    const invite = await callee.expect('INVITE');
    t.ok(invite.body.includes(`c=IN ${callee === carol ? 'IP4 127.0.0.1' : 'IP6 ::1'}\r\n`), `offer to ${callee.user}: ${invite.body}`);
    callee.answer(invite, 200, 'OK', callee.sdp);
    const answered = await answer;
    t.equal(answered.status, 200, `${caller.user} calls ${callee.user}`);
    caller.hangUp(answered);
    await callee.expect('BYE');
  }
});

test('registrar: MESSAGE between extensions, and who is there to be seen', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar());
  const [alice, bob] = [await Extension.open(t, gateway, 'alice'), await Extension.open(t, gateway, 'bob')];
  const text = { body: 'Lunch?', type: 'text/plain' };
  t.equal((await alice.ask('MESSAGE', gateway.sip('bob'), text)).status, 401, 'MESSAGE without a password');
  t.equal((await alice.request('MESSAGE', gateway.sip('bob'), text)).status, 480, 'to nobody');

  const subscribe = (event) => ({ callId: `watch-${event}`, headers: [`Event: ${event}`, 'Expires: 600', `Contact: ${alice.contact}`] });
  t.equal((await alice.ask('SUBSCRIBE', gateway.sip('bob'), subscribe('presence'))).status, 401, 'SUBSCRIBE without a password');
  for (const event of ['presence', 'dialog'])
    t.equal((await alice.request('SUBSCRIBE', gateway.sip('bob'), subscribe(event))).status, 200, `SUBSCRIBE ${event}`);
  const told = (event, pattern) => alice.expect('NOTIFY', (each) => each.get('event') === event && pattern.test(each.body));
  await told('presence', /<basic>closed/);
  await bob.register();
  await told('presence', /<basic>open/);

  t.equal((await alice.request('MESSAGE', gateway.sip('bob'), text)).status, 202, 'MESSAGE');
  const message = await bob.expect('MESSAGE');
  t.equal([message.body, /<sip:alice@/.test(message.get('from'))], ['Lunch?', true], 'what arrives');

  const call = alice.invite('bob');
  await bob.expect('INVITE');
  await told('dialog', /<state>early/);
  alice.cancel();
  await call;
  await told('dialog', /<dialog-info(?![\s\S]*<dialog )/);
  await bob.register(0, { contacts: ['*'] });
  await told('presence', /<basic>closed/);
});

test('registrar: an extension picks up a call that rings elsewhere', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { ...registrar(),
    trunks: [{ name: 'pbx', direction: 'inbound', allowed_addresses: ['192.0.2.1'] }],
    dispatch_rules: [{ name: 'pbx', trunks: ['pbx'], type: 'direct', room: 'pbx' }] });
  const rpc = await operator(t, gateway);
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((user) => Extension.open(t, gateway, user)));
  await bob.register();
  t.equal((await alice.invite('conference')).status, 404, 'no rule is for extensions');
  const answer = alice.invite('bob');
  const ringing = await bob.expect('INVITE');
  const tag = (header) => /tag=([^;]+)/.exec(header)[1];
  const pickup = await carol.invite('bob', { headers: [`Contact: ${carol.contact}`,
    `Replaces: ${ringing.get('call-id')};to-tag=${tag(ringing.get('from'))};from-tag=${bob.callId};early-only`] });
  t.equal(pickup.status, 200, 'INVITE with Replaces');
  t.equal((await answer).status, 200, 'the caller is answered');
  await bob.expect('CANCEL');
  await until('one room', async () =>
    (await rpc.call('call.list')).calls.map((call) => call.participant_identity).sort().join() === 'sip_alice,sip_bob');
  carol.hangUp(pickup);
  await alice.expect('BYE');
});

test('registrar: a phone transfers its caller to an extension', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, registrar());
  const rpc = await operator(t, gateway);
  const account = (user) => ({ user, password: 'secret', port: gateway.config.sip_port });
  const carol = await Extension.open(t, gateway, 'carol');
  await carol.register();
  const bob = await Baresip.start(t, { codec: 'PCMU', hz: 900, answer: true, register: account('bob') });
  const alice = await Baresip.start(t, { codec: 'PCMU', hz: 600, register: account('alice') });
  await until('both are registered', async () =>
    (await contactsOf(rpc, 'alice')).length === 1 && (await contactsOf(rpc, 'bob')).length === 1);
  await alice.dial(gateway.sip('bob'));
  await alice.command('transfer', gateway.sip('carol'));
  const invite = await carol.expect('INVITE');
  carol.answer(invite, 200, 'OK', carol.sdp);
  await until('alice has left', async () =>
    (await rpc.call('call.list')).calls.map((call) => call.participant_identity).sort().join() === 'sip_bob,sip_carol', 15);
  await bob.command('hangup');
  await carol.expect('BYE');
});

test('demo mode: whoever registers on this machine is an extension', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await operator(t, gateway);
  const bob = await Extension.open(t, gateway, 'bob');
  t.equal((await bob.register()).status, 200, 'without a password');
  const caller = SipPhone.call(t, gateway.sip('bob'), '--user', 'somebody');
  const invite = await bob.expect('INVITE');
  bob.answer(invite, 200, 'OK', bob.sdp);
  await caller.event('answered');
  t.equal((await rpc.call('participant.list', { room_name: 'bob' })).participants.map((each) => each.identity).sort(),
    ['sip_bob', 'sip_somebody'], 'the name is a room, too');
  await caller.bye();
  await bob.expect('BYE');
});
