// Trunks: headers and attributes both ways, whose number is shown, who is believed, as seen on the wire.
import { createHash } from 'node:crypto';
import http from 'node:http';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { peer, watched, expect } from './lib/transferpeer.mjs';

const participant = async (rpc, room) =>
  until(`somebody in ${room}`, async () => (await rpc.call('participant.list', { room }).catch(() => null))?.participants[0]);

test('trunk headers and attributes of a call that comes in: INVITE, 200 and BYE', {}, async (t) => {
  const gateway = await Gateway.start(t, {
    trunks: [{
      name: 'carrier', direction: 'inbound', numbers: ['100'], allowed_addresses: ['127.0.0.1'],
      headers: { 'X-Gateway': 'switchroom' }, headers_to_attributes: { 'X-Ticket': 'ticket', Subject: 'about' },
      attributes_to_headers: { ticket: 'X-Echo', mood: 'X-Mood' }, include_headers: 'SIP_X_HEADERS',
    }],
  });
  const rpc = await watched(t, gateway, '100');
  const phone = await peer(t, gateway.config.sip_port, '100');
  const answer = await phone.call(['X-Ticket: 4711', 'Subject: help', 'X-Twilio-CallSid: CA1', 'X-call_session_id: s1',
    'P-Asserted-Identity: "Jörg" <sip:+1-555-0142@carrier.example;user=phone>', 'Diversion: <sip:+15550199@h>;reason=no-answer']
    .map((line) => Buffer.from(line).toString('latin1')));
  t.equal([answer.get('x-gateway'), answer.get('x-echo'), answer.get('x-mood')], ['switchroom', '4711', undefined], 'headers of the 200');
  const { attributes, identity, name } = await participant(rpc, '100');
  t.note(JSON.stringify(attributes));
  for (const [key, value] of Object.entries({
    ticket: '4711', about: 'help', 'sip.twilio.callSid': 'CA1', 'sip.telnyx.callSessionID': 's1', 'sip.h.x-ticket': '4711',
    'sip.phoneNumber': '+15550142', 'sip.displayName': 'Jörg', 'sip.divertedFrom': '+15550199',
    'sip.diversionReason': 'no-answer', 'sip.trunkPhoneNumber': '100', 'sip.callStatus': 'active',
    'sip.callIDFull': phone.callId, 'sip.callTag': phone.tag, 'sip.hostname': '127.0.0.1', 'sip.h.subject': undefined,
  })) t.equal(attributes[key], value, key);
  for (const key of ['sip.callID', 'sip.trunkID', 'sip.ruleID']) t.ok(attributes[key], `no ${key}`);
  t.equal([identity, name], ['sip_+15550142', 'Phone +15550142'], 'identity and name');
  await rpc.call('participant.remove', { room: '100', identity });
  const bye = await expect(phone, 'BYE');
  t.equal([bye.get('x-echo'), bye.get('x-gateway')], ['4711', undefined], 'headers of the BYE');
  phone.answer(bye, '200 OK');
  phone.remoteTag = null;
});

test('a caller who wants privacy is nowhere; an identity of anybody is not believed', {}, async (t) => {
  const gateway = await Gateway.start(t, {
    trunks: [
      { name: 'carrier', direction: 'inbound', numbers: ['100'], allowed_addresses: ['127.0.0.1'], include_headers: 'all' },
      { name: 'open', direction: 'inbound', numbers: ['200'] },
    ],
    dispatch_rules: [{ type: 'individual', room_prefix: 'call', trunks: ['carrier'] }, { type: 'callee' }],
  });
  const rpc = await watched(t, gateway, '200');
  const hidden = await peer(t, gateway.config.sip_port, '100');
  await hidden.call(['Privacy: id', 'P-Asserted-Identity: "Secret Name" <sip:+15550777@carrier.example>',
    'Remote-Party-ID: <sip:+15550777@carrier.example>;privacy=full']);
  const [call] = (await rpc.call('call.list')).calls;
  t.equal([call.from, call.participant_identity], ['anonymous', 'sip_anonymous'], 'the call');
  t.ok(/^call_anonymous_/.test(call.room_name), `room ${call.room_name}`);
  const { attributes } = await participant(rpc, call.room_name);
  const seen = JSON.stringify([attributes, await rpc.call('call.get', { sip_call_id: call.sip_call_id }), gateway.output]);
  t.ok(!/5550777|Secret Name/.test(seen), `the caller shows: ${/.{80}(5550777|Secret Name).{80}/.exec(seen)?.[0]}`);
  t.ok(attributes['sip.h.via'] && !attributes['sip.h.from'], 'the other headers');

  const liar = await peer(t, gateway.config.sip_port, '200');
  await liar.call(['P-Asserted-Identity: <sip:+15550777@carrier.example>', 'Diversion: <sip:+1@h>']);
  const shown = await participant(rpc, '200');
  t.equal([shown.identity, shown.attributes['sip.divertedFrom']], ['sip_peer', undefined], 'whom nobody vouches for');
});

test('what a trunk says of a call that goes out: numbers, identity, headers, tel:, the answer', {}, async (t) => {
  const target = await peer(t, 0, 'target');
  const gateway = await Gateway.start(t, {
    trunks: [{
      name: 'provider', outbound_address: `127.0.0.1:${target.port}`, numbers: ['+15550001', '+15550002'], direction: 'outbound',
      from_user: 'account', from_host: 'us.example', send_pai: true, send_rpid: true, headers: { 'X-Gateway': 'switchroom' },
      attributes_to_headers: { ticket: 'X-Ticket' }, headers_to_attributes: { 'X-Leg': 'leg' },
    }],
  });
  target.gatewayPort = gateway.config.sip_port;
  const rpc = await watched(t, gateway, 'out');
  await rpc.call('participant.create', {
    sip_trunk_id: 'provider', sip_call_to: 'tel:+1-555-010-0100', room_name: 'out', display_name: 'Zoë "Z"', headers: { 'X-New': 'n' },
    participant_identity: 'callee', participant_attributes: { ticket: '9' },
  });
  const invite = await expect(target, 'INVITE');
  const text = (name) => Buffer.from(invite.get(name) ?? '', 'latin1').toString();
  t.ok(invite.start.startsWith(`INVITE sip:+15550100100@127.0.0.1:${target.port};user=phone `), invite.start);
  t.ok(text('from').startsWith('"Zoë \\"Z\\"" <sip:account@us.example>;tag='), text('from'));
  t.equal([text('p-asserted-identity'), text('remote-party-id')], ['"Zoë \\"Z\\"" <sip:+15550001@us.example>',
    '"Zoë \\"Z\\"" <sip:+15550001@us.example>;party=calling;privacy=off;screen=no'], 'identity');
  t.equal([text('x-gateway'), text('x-new'), text('x-ticket'), text('privacy')], ['switchroom', 'n', '9', ''], 'headers');
  target.answer(invite, '200 OK', ['X-Leg: l7'], target.sdp);
  const phone = await until('the attribute of the answer', async () => {
    const { participant: one } = await rpc.call('participant.get', { room: 'out', identity: 'callee' });
    return one.attributes.leg && one;
  });
  t.equal([phone.attributes.leg, phone.attributes['sip.h.x-leg'], phone.attributes['sip.trunkPhoneNumber'], phone.attributes['sip.phoneNumber']],
    ['l7', 'l7', '+15550001', '+15550100100'], 'attributes');
  await rpc.call('participant.remove', { room: 'out', identity: 'callee' });
  const bye = await expect(target, 'BYE');
  t.equal(bye.get('x-ticket'), '9', 'X-Ticket of the BYE');
  target.answer(bye, '200 OK');

  target.tag = null;
  await rpc.call('participant.create', { sip_trunk_id: 'provider', sip_call_to: '7', room_name: 'out', privacy: 'id' });
  const hidden = await expect(target, 'INVITE');
  t.ok(hidden.get('from').startsWith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag='), hidden.get('from'));
  t.equal([hidden.get('privacy'), hidden.get('p-asserted-identity')], ['id', '<sip:+15550002@us.example>'], 'the next number');
  target.answer(hidden, '486 Busy Here');
  target.remoteTag = null;
});

const provider = (peer, extra = {}) => ({
  trunks: [{
    name: 'provider', outbound_address: `127.0.0.1:${peer.port}`, register: true, auth_username: 'account', auth_password: 'hunter22secret',
    from_host: 'provider.example', numbers: ['+15550100'], ...extra,
  }],
});

const digest = (algorithm, text) => createHash(algorithm === 'MD5' ? 'md5' : 'sha256').update(text).digest('hex');

/** Whether the Authorization of a REGISTER answers `nonce` with the password. */
function isRight(request, nonce, password) {
  const given = Object.fromEntries([...request.get('authorization').matchAll(/(\w+)="?([^",]*)"?/g)].map(([, key, value]) => [key, value]));
  const hash = (text) => digest(given.algorithm, text);
  const wanted = hash([hash(`account:${given.realm}:${password}`), given.nonce, given.nc, given.cnonce, given.qop,
    hash(`REGISTER:${given.uri}`)].join(':'));
  return given.nonce === nonce && given.response === wanted && given.algorithm;
}

const get = (url) => new Promise((resolve, reject) => http.get(url, (response) => {
  let text = '';
  response.on('data', (data) => (text += data));
  response.on('end', () => resolve(text));
}).on('error', reject));

function reload(gateway) {
  writeFileSync(join(gateway.directory, 'config.yaml'), JSON.stringify(gateway.config));
  gateway.process.kill('SIGHUP');
}

const registration = async (rpc) => (await rpc.call('trunk.list')).trunks.find((trunk) => trunk.name === 'provider').registration;

test('register: at a provider with a password, calls both ways, kept alive, taken back at the end', {}, async (t) => {
  const registrar = await peer(t, 0, 'registrar');
  const gateway = await Gateway.start(t, provider(registrar));
  registrar.gatewayPort = gateway.config.sip_port;
  const rpc = await watched(t, gateway, '+15550100', 'out');
  const first = await expect(registrar, 'REGISTER');
  t.equal([first.start, first.get('to'), first.get('expires')],
    ['REGISTER sip:provider.example SIP/2.0', '<sip:account@provider.example>', '3600'], 'REGISTER');
  const challenge = (algorithm) => `WWW-Authenticate: Digest realm="p", nonce="n-${algorithm}", algorithm=${algorithm}, qop="auth"`;
  registrar.answer(first, '401 Unauthorized', [challenge('MD5'), challenge('SHA-256')]);
  const second = await expect(registrar, 'REGISTER');
  t.equal(isRight(second, 'n-SHA-256', 'hunter22secret'), 'SHA-256', 'credentials');
  t.equal((await registration(rpc)).state, 'registering', 'state before the answer');
  const contact = /<([^>]+)>/.exec(second.get('contact'))[1];
  registrar.answer(second, '200 OK', [`Contact: <${contact}>;expires=4`]);
  const state = await until('it is registered', async () => (await registration(rpc)).state === 'registered' && registration(rpc));
  t.note(JSON.stringify(state));
  t.ok(state.registered_since && state.expires_at && state.next_try_at && state.server === `127.0.0.1:${registrar.port}`, 'state');
  t.ok(/switchroom_trunk_registered\{trunk="provider"\} 1\n/.test(await get(`${gateway.url}/metrics`)), 'metric');
  const refresh = await expect(registrar, 'REGISTER');
  t.equal([refresh.get('contact').startsWith(`<${contact}>`), refresh.get('call-id') === first.get('call-id')], [true, true], 'refresh');
  registrar.answer(refresh, '200 OK', [`Contact: <${contact}>;expires=600`, 'Service-Route: <sip:orig@192.0.2.9:5070;lr>, <sip:192.0.2.8;lr>']);

  const caller = await peer(t, gateway.config.sip_port, 'account');
  caller.target = contact;
  await caller.call();
  const { attributes } = await participant(rpc, '+15550100');
  t.equal([attributes['sip.trunkPhoneNumber'], Boolean(attributes['sip.trunkID'])], ['+15550100', true], 'the call that came in');
  const text = await peer(t, gateway.config.sip_port, 'account');
  Object.assign(text, { target: contact, local: 'sip:sms@provider.example', remote: 'sip:account@provider.example', tag: 'sms', callId: 'sms' });
  t.equal((await text.request('MESSAGE', [], 'hello', 'text/plain')).status, 200, 'text for the account');
  const received = await until('the text is in the room', () => rpc.events.find(({ type }) => type === 'message_received'));
  t.equal([received.room, received.from, received.text], ['+15550100', 'sms', 'hello'], 'text');
  const watcher = await peer(t, gateway.config.sip_port, 'account');
  Object.assign(watcher, { target: contact, local: 'sip:desk@provider.example', remote: 'sip:account@provider.example', tag: 'desk', callId: 'desk' });
  const subscribed = await watcher.request('SUBSCRIBE', ['Event: presence', 'Expires: 600', 'Accept: application/pidf+xml']);
  t.equal(subscribed.status, 200, 'the provider asks for the presence of the account');
  const notify = await expect(watcher, 'NOTIFY');
  t.ok(/<basic>open/.test(notify.body), notify.body);
  watcher.answer(notify, '200 OK');
  const stranger = await peer(t, gateway.config.sip_port, '+15550199');
  t.equal((await stranger.call()).status, 200, 'from the address of the provider');

  registrar.tag = null;
  await rpc.call('participant.create', { sip_trunk_id: 'provider', sip_call_to: '7', room_name: 'out' });
  const invite = await expect(registrar, 'INVITE');
  t.ok(invite.get('from').startsWith('<sip:+15550100@provider.example>;tag='), invite.get('from'));
  t.equal(invite.get('route'), '<sip:orig@192.0.2.9:5070;lr>, <sip:192.0.2.8;lr>', 'the way that the provider named (RFC 3608)');
  registrar.answer(invite, '407 Proxy Authentication Required', ['Proxy-Authenticate: Digest realm="p", nonce="n-call", algorithm=MD5, qop="auth"']);
  const again = await expect(registrar, 'INVITE');
  t.equal([again.get('route'), Boolean(again.get('proxy-authorization'))], [invite.get('route'), true], 'the way once more');
  registrar.answer(again, '486 Busy Here');
  registrar.remoteTag = null;
  gateway.process.kill('SIGTERM');
  const last = await expect(registrar, 'REGISTER');
  t.equal(last.get('expires'), '0', 'at the end');
  registrar.answer(last, '200 OK');
  t.ok(!gateway.output.includes('hunter22secret') && !JSON.stringify(state).includes('hunter22secret'), 'the password shows');
});

test('register: what goes wrong is said with what to do, and mended by a reload', {}, async (t) => {
  const registrar = await peer(t, 0, 'registrar');
  const gateway = await Gateway.start(t, provider(registrar, { register_expires: 60 }));
  registrar.gatewayPort = gateway.config.sip_port;
  const rpc = await watched(t, gateway);
  registrar.answer(await expect(registrar, 'REGISTER'), '423 Interval Too Brief', ['Min-Expires: 120']);
  const longer = await expect(registrar, 'REGISTER');
  t.equal(longer.get('expires'), '120', 'after 423');
  registrar.answer(longer, '401 Unauthorized', ['WWW-Authenticate: Digest realm="p", nonce="n1", algorithm=MD5, qop="auth"']);
  registrar.answer(await expect(registrar, 'REGISTER'), '403 Forbidden');
  await gateway.line(/Registration failed .*trunk=provider .*status=403 .*todo="[^"]*check both/);
  const failed = await registration(rpc);
  t.equal([failed.state, failed.sip_status_code, failed.sip_status, failed.failures], ['failed', 403, 'Forbidden', 1], 'state');
  t.ok(/auth_password/.test(failed.error) && failed.next_try_at, failed.error);
  gateway.config.trunks[0].auth_password = 'another';
  reload(gateway);
  const mended = await expect(registrar, 'REGISTER');
  registrar.answer(mended, '200 OK');
  await gateway.line(/Registered with the provider .*trunk=provider .*expires=60/);
  gateway.config.trunks[0].register = false;
  reload(gateway);
  const back = await expect(registrar, 'REGISTER');
  t.equal(back.get('expires'), '0', 'when it is switched off');
  registrar.answer(back, '200 OK');
  registrar.remoteTag = null; // no call
  t.equal(await registration(rpc), undefined, 'no registration');
});

test('register: a gateway at another one, calls both ways', {}, async (t) => {
  const head = await Gateway.start(t, { sip: { registrar: { enabled: true, users: [{ username: 'branch', password: 'pw-of-branch' }] } } });
  const branch = await Gateway.start(t, {
    trunks: [{ name: 'head', outbound_address: `127.0.0.1:${head.config.sip_port}`, register: true, auth_username: 'branch',
      auth_password: 'pw-of-branch', from_user: 'branch', numbers: ['+15550100'] }],
  });
  const [there, here] = [await watched(t, head), await watched(t, branch)];
  await until('it is registered', async () =>
    (await here.call('trunk.list')).trunks[0].registration.state === 'registered');
  await head.line(/branch/);
  await there.call('participant.create', { sip_call_to: 'branch', room_name: 'hq', wait_until_answered: true });
  const inside = await participant(here, '+15550100');
  t.equal([inside.attributes['sip.callStatus'], inside.attributes['sip.trunkPhoneNumber']], ['active', '+15550100'], 'at the branch');
  await here.call('participant.create', { sip_trunk_id: 'head', sip_call_to: 'hq', room_name: 'out', wait_until_answered: true });
  await until('two calls at the head', async () => (await there.call('participant.list', { room: 'hq' })).participants.length === 2);
});
