// SIP over TLS: both ways with a real softphone, certificates that are refused, and certificates read again.
import { connect, createServer } from 'node:tls';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { test, until } from './lib/tap.mjs';
import { Authority } from './lib/certificates.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone, Baresip } from './lib/phone.mjs';
import { freePort } from './lib/ports.mjs';
import { Rpc } from './lib/rpc.mjs';
import { SipPeer } from './lib/sippeer.mjs';

async function start(t, authority, extra = {}) {
  const { cert, key } = await authority.issue(['DNS:localhost', 'IP:127.0.0.1', 'IP:::1']);
  const port = await freePort();
  const gateway = await Gateway.start(t, { ...extra, sip: { tls: { port, cert, key, ca: authority.ca, ...extra.sip?.tls } } });
  gateway.tlsPort = port;
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  return { gateway, rpc };
}

/** baresip, which shows `certificate` and trusts `authority`. */
const secureBaresip = (t, authority, certificate, options) => Baresip.start(t, { transport: 'tls', ...options,
  config: [`sip_certificate ${certificate.both}`, `sip_cafile ${authority.ca}`, 'sip_verify_server yes'] });

test('a softphone calls in over TLS with SRTP, its server certificate verified', { timeout: 60 }, async (t) => {
  const authority = await Authority.make(t);
  const { gateway } = await start(t, authority);
  const other = SipPhone.call(t, gateway.sip('lobby'), '--tone', 900, '--listen', 440);
  await other.event('answered');
  const phone = await secureBaresip(t, authority, await authority.issue(['IP:127.0.0.1']),
    { codec: 'PCMU', hz: 440, encryption: 'srtp-mand' });
  await phone.dial(`sip:lobby@127.0.0.1:${gateway.tlsPort};transport=tls`);
  await other.hears(440);
  await phone.hearsPeak(900);
  await gateway.line(/processing invite.*transport=tls/);
  await gateway.line(/Media started.*cipher=AES_CM_128_HMAC_SHA1_80/);
  await phone.command('hangup');
  await gateway.line(/Hangup.*cause=remote_bye/);
});

test('participant.create calls a softphone over TLS', { timeout: 60 }, async (t) => {
  const authority = await Authority.make(t);
  const { gateway, rpc } = await start(t, authority);
  const phone = await secureBaresip(t, authority, await authority.issue(['IP:127.0.0.1', 'DNS:localhost']),
    { codec: 'PCMU', hz: 500, answer: true, encryption: 'srtp-mand' });
  const other = SipPhone.call(t, gateway.sip('lobby'), '--tone', 900, '--listen', 500);
  await other.event('answered');
  const created = await rpc.call('participant.create', { sip_call_to: `sip:tone500@127.0.0.1:${phone.port + 1};transport=tls`,
    room_name: 'lobby', participant_identity: 'callee', media_encryption: 'require', wait_until_answered: true });
  await other.hears(500);
  await phone.hearsPeak(900);
  await gateway.line(/TLS connection established +host=127.0.0.1/);
  const { call } = await rpc.call('call.get', { sip_call_id: created.sip_call_id });
  t.equal([call.transport, call.cipher], ['tls', 'AEAD_AES_128_GCM'], 'transport and cipher');
  t.ok(/^TLSv1\.[23] /.test(call.tls), `TLS: ${call.tls}`);
  await rpc.call('call.hangup', { sip_call_id: created.sip_call_id });
  await until('baresip is hung up', () => /session closed/i.test(phone.output));
});

/** A server that speaks TLS with `certificate`, and answers each INVITE with 486. `seen` fills with who called. */
async function busyServer(t, certificate, options = {}, host = '127.0.0.1') {
  const seen = [];
  const server = createServer({ cert: readFileSync(certificate.cert), key: readFileSync(certificate.key), ...options }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const text = data.toString('latin1');
      const header = (name) => new RegExp(`^${name}: (.*)$`, 'mi').exec(text)[1].trim();
      if (!text.startsWith('INVITE ')) return;
      seen.push({ text, request: text.split('\r\n')[0], name: socket.servername, client: socket.getPeerCertificate()?.subject?.CN });
      socket.write(`SIP/2.0 486 Busy Here\r\nVia: ${header('Via')}\r\nFrom: ${header('From')}\r\nTo: ${header('To')};tag=b\r\n`
        + `Call-ID: ${header('Call-ID')}\r\nCSeq: ${header('CSeq')}\r\nContent-Length: 0\r\n\r\n`);
    });
  });
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, host, resolve));
  t.after(() => server.close());
  return { port: server.address().port, seen, close: (done) => server.close(done) };
}

const dial = (rpc, params) => rpc.call('participant.create',
  { sip_call_to: '+15550100', room_name: 'out', wait_until_answered: true, ...params }).then(() => null, (error) => error);

test('TLS servers with a wrong, an expired or an unknown certificate are refused at once and by name', { timeout: 60 }, async (t) => {
  const authority = await Authority.make(t), other = await Authority.make(t, 'Somebody else');
  const { gateway, rpc } = await start(t, authority);
  const cases = [
    [await authority.issue(['DNS:other.example']), /sip status 503: no TLS connection to localhost: its certificate is for other\.example, not for localhost/],
    [await authority.issue(['DNS:localhost'], { days: -1 }), /no TLS connection to localhost: .*certificate has expired/],
    [await other.issue(['DNS:localhost']), /no TLS connection to localhost: its certificate is not trusted/],
  ];
  for (const [certificate, wanted] of cases) {
    const server = await busyServer(t, certificate);
    const begun = performance.now();
    const error = await dial(rpc, { trunk: { hostname: `localhost:${server.port}`, transport: 'tls' } });
    t.ok(wanted.test(error?.message), `the error: ${error?.message}`);
    t.ok(performance.now() - begun < 20000, `it took ${performance.now() - begun} ms`); // an INVITE without an answer takes 32 s
    t.equal(server.seen, [], 'what the server saw');
  }
  const good = await busyServer(t, await authority.issue(['DNS:localhost']));
  const error = await dial(rpc, { sip_call_to: `sips:bob@localhost:${good.port}` });
  t.ok(/sip status 486/.test(error?.message), `the error: ${error?.message}`);
  t.equal(good.seen.map((each) => [each.request, each.name]),
    [[`INVITE sips:bob@localhost:${good.port} SIP/2.0`, 'localhost']], 'what the good server saw');
  await until('three log lines', () => gateway.lines(/TLS connection failed +host=localhost/).length >= 3);
  t.equal(gateway.lines(/TLS connection failed +host=localhost/).length, 3, 'log lines');
});

test('a call over TLS begins TLS where nothing else asked for it, as soon as its port is free', { timeout: 60 }, async (t) => {
  const server = await busyServer(t, await (await Authority.make(t, 'Unknown here')).issue(['DNS:localhost']));
  const squatter = await busyServer(t, await (await Authority.make(t)).issue(['DNS:localhost']));
  const gateway = await Gateway.start(t, { sip: { tls: { port: squatter.port } } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const trunk = { hostname: `localhost:${server.port}`, transport: 'tls' };
  const taken = new RegExp(`cannot listen for SIP over TLS on 127.0.0.1 port ${squatter.port}: Address already in use; end what listens there`);
  t.ok(taken.test((await dial(rpc, { trunk }))?.message), 'why there is no TLS');
  const made = { name: 'secure', outbound_address: trunk.hostname, transport: 'tls', tls: { verify: false } };
  t.ok(taken.test((await rpc.call('trunk.create', made).catch((error) => error)).message), 'why there is no such trunk');
  t.equal((await rpc.call('trunk.list')).trunks.filter((each) => each.name === 'secure'), [], 'trunks');
  await rpc.call('trunk.create', { name: 'plain', outbound_address: '127.0.0.1:9' });
  await new Promise((resolve) => squatter.close(resolve));
  const untrusted = await dial(rpc, { trunk });
  t.ok(/no TLS connection to localhost: its certificate is not trusted/.test(untrusted?.message), `the error: ${untrusted?.message}`);
  await rpc.call('trunk.create', made);
  const busy = await dial(rpc, { sip_trunk_id: 'secure' });
  t.ok(/sip status 486/.test(busy?.message), `the error: ${busy?.message}`);
});

test('certificates of trunks and of callers, and SIP over TLS read again on SIGHUP', { timeout: 60 }, async (t) => {
  const authority = await Authority.make(t), carrier = await Authority.make(t, 'The carrier');
  const client = await carrier.issue(['DNS:us.example'], { name: 'us.example' });
  const server = await busyServer(t, await carrier.issue(['DNS:localhost']), { ca: readFileSync(carrier.ca), requestCert: true });
  const { gateway, rpc } = await start(t, authority, {
    sip: { tls: { verify_callers: true } },
    trunks: [
      { name: 'carrier', outbound_address: `localhost:${server.port}`, transport: 'tls',
        tls: { cert: client.cert, key: client.key, ca: carrier.ca } },
      { name: 'phones', direction: 'inbound', allowed_addresses: ['127.0.0.1'] },
    ],
  });
  await gateway.line(/SIP certificates read|certificate expires soon/);
  const error = await dial(rpc, { sip_trunk_id: 'carrier' });
  t.ok(/sip status 486/.test(error?.message), `the error: ${error?.message}`);
  t.equal([server.seen[0].client, server.seen[0].name], ['us.example', 'localhost'], 'whom the carrier saw');

  // callers: none without a certificate
  const knock = (options) => new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: gateway.tlsPort, ca: readFileSync(authority.ca), ...options });
    socket.once('error', (failure) => resolve({ failure: failure.message }));
    socket.once('data', (data) => (resolve({ answer: data.toString(), serial: socket.getPeerCertificate().serialNumber }), socket.destroy()));
    socket.write('\r\n\r\n'); // RFC 5626: a ping, answered by a pong
  });
  t.ok((await knock({})).failure, 'a caller without a certificate got in');
  const phone = await authority.issue(['IP:127.0.0.1']);
  const mine = { cert: readFileSync(phone.cert), key: readFileSync(phone.key) };
  const before = await knock(mine);
  t.equal(before.answer, '\r\n', 'the answer to a ping');

  // read again while a call is up
  const caller = await secureBaresip(t, authority, phone, { codec: 'PCMU', hz: 440 });
  await caller.dial(`sip:lobby@127.0.0.1:${gateway.tlsPort};transport=tls`);
  const renewed = await authority.issue(['DNS:localhost', 'IP:127.0.0.1']);
  copyFileSync(renewed.cert, gateway.config.sip.tls.cert);
  copyFileSync(renewed.key, gateway.config.sip.tls.key);
  gateway.process.kill('SIGHUP');
  await gateway.line(/Configuration read again/);
  const after = await knock(mine);
  t.ok(after.serial && after.serial !== before.serial, `serials ${before.serial} and ${after.serial}`);
  writeFileSync(gateway.config.sip.tls.key, 'nonsense');
  gateway.process.kill('SIGHUP');
  await gateway.line(/The SIP certificates were not read again, the old ones go on +reason="the key of the SIP certificate cannot be read/);
  await until('it was read again twice', () => gateway.lines(/Configuration read again/).length === 2);
  t.equal(gateway.lines(/The SIP certificates were not read again/).length, 1, 'how often it is said');
  t.equal((await knock(mine)).serial, after.serial, 'the serial after a bad reload');
  t.equal((await rpc.call('call.list')).calls.map((call) => call.status), ['active'], 'the call of before');
  const participants = (await rpc.call('participant.list', { room: 'lobby' })).participants;
  await rpc.call('participant.remove', { room: 'lobby', identity: participants[0].identity });
  await until('baresip is hung up', () => /session closed/i.test(caller.output));
});

test('IPv4 and IPv6 in one room: each side is told addresses of its own family', { timeout: 60 }, async (t) => {
  const authority = await Authority.make(t);
  const { gateway, rpc } = await start(t, authority, { sip: { bind: ['127.0.0.1', '::1'] },
    trunks: [{ name: 'here', direction: 'inbound', allowed_addresses: ['127.0.0.1', '::1'] }] });
  const four = SipPhone.call(t, gateway.sip('lobby'), '--tone', 900, '--listen', 500, 700);
  await four.event('answered');
  const six = await SipPhone.answer(t, '--local', '::1', '--tone', 500, '--listen', 900);
  const { sip_call_id: id } = await rpc.call('participant.create', { room_name: 'lobby', participant_identity: 'six',
    sip_call_to: `sip:six@[::1]:${six.port}`, wait_until_answered: true });
  const in6 = SipPhone.call(t, gateway.sip('lobby', '[::1]'), '--transport', 'tcp', '--tone', 700, '--listen', 900);
  await in6.event('answered');
  await Promise.all([four.hears(500), four.hears(700), six.hears(900), in6.hears(900)]);
  const { messages } = await rpc.call('call.trace', { sip_call_id: id });
  const invite = messages.find((message) => /^INVITE /.test(message.text)).text;
  t.ok(/^Contact: <sip:[^>]*\[::1\]:\d+>/m.test(invite), `Contact in ${invite}`);
  t.ok(/^Via: SIP\/2\.0\/UDP \[::1\]:/m.test(invite), `Via in ${invite}`);
  t.ok(/^c=IN IP6 ::1\r?$/m.test(invite) && /^o=\S+ \d+ \d+ IN IP6 ::1\r?$/m.test(invite), `SDP in ${invite}`);
  // and over TLS
  const busy = await busyServer(t, await authority.issue(['IP:::1']), {}, '::1');
  const error = await dial(rpc, { sip_call_to: `sip:bob@[::1]:${busy.port};transport=tls` });
  t.ok(/sip status 486/.test(error?.message), `the error: ${error?.message}`);
  t.ok(/^Contact: <sip:[^>]*\[::1\]:\d+;transport=tls>/m.test(busy.seen[0].text), `Contact in ${busy.seen[0].text}`);
});

test('trunks with qualify_interval are asked by OPTIONS: there, gone, back', { timeout: 60 }, async (t) => {
  const authority = await Authority.make(t), other = await Authority.make(t, 'Somebody else');
  const wrong = await busyServer(t, await other.issue(['DNS:localhost']));
  const phone = await SipPeer.open(0);
  t.after(() => phone.close());
  const { gateway, rpc } = await start(t, authority, { trunks: [
    { name: 'pbx', outbound_address: `127.0.0.1:${phone.port}`, qualify_interval: '1s' },
    { name: 'secure', outbound_address: `localhost:${wrong.port}`, transport: 'tls', qualify_interval: '60s' },
    { name: 'quiet', outbound_address: '127.0.0.1:9' },
  ] });
  Object.assign(phone, { gatewayPort: gateway.config.sip_port, tag: 'options' });
  const health = async (name) => (await rpc.call('trunk.list')).trunks.find((trunk) => trunk.name === name).health;
  const reaches = (name, state) => until(`${name} is ${state}`, async () => (await health(name))?.state === state && health(name), 15);
  let answers = true;
  (async () => {
    for (let asked; !phone.closed; asked = await phone.next(1))
      if (answers && asked?.method === 'OPTIONS') phone.answer(asked, '405 Not here');
  })();
  const there = await reaches('pbx', 'reachable');
  t.equal([there.sip_status_code, there.reason, typeof there.rtt_ms, typeof there.since], [405, null, 'number', 'string'], 'the trunk that is there');
  answers = false;
  t.equal((await reaches('pbx', 'unreachable')).reason, 'no answer', 'why it is gone');
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  t.ok(/^switchroom_trunk_reachable\{trunk="pbx"\} 0$/m.test(metrics), 'the metric');
  answers = true;
  await reaches('pbx', 'reachable');
  const refused = await reaches('secure', 'unreachable');
  t.ok(/^no TLS connection to localhost: its certificate is not trusted/.test(refused.reason), `why: ${refused.reason}`);
  t.equal(await health('quiet'), undefined, 'a trunk that is not asked');
  const changes = () => [/Trunk is reachable +trunk=pbx/, /Trunk does not answer +trunk=pbx/].map((line) => gateway.lines(line).length);
  await until('a line for each change, and no more', () => changes()[0] >= 2 && changes()[0] === changes()[1] + 1);
});
