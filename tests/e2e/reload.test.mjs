// What a file that is read again, and a drain, do to calls that are up.
import http from 'node:http';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { test, until } from './lib/tap.mjs';
import { Authority } from './lib/certificates.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';

const trunk = (number) => ({ name: `trunk-${number}`, direction: 'inbound', numbers: [number], allowed_addresses: ['127.0.0.1'] });
const rule = (room) => ({ name: 'all', type: 'direct', room });

const operator = async (t, gateway) => {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  return rpc;
};

/** A call to `number` that talks. */
async function talker(t, gateway, number) {
  const phone = await RawCall.open(t, gateway, number);
  const answer = await phone.invite();
  if (answer.status < 300) phone.talk(answer.body);
  return Object.assign(phone, { status: answer.status });
}

/** Every one of `phones` gets half a second of audio from now on. */
const heard = (phones, what) => {
  const before = phones.map((phone) => phone.packets.length);
  return until(what, () => phones.every((phone, i) => phone.packets.length >= before[i] + 25));
};

/** Writes another configuration (an object, or a text) and has it read; gives the new line of the log that says `line`. */
function reload(gateway, config, line) {
  const text = typeof config === 'string' ? config : Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join('');
  writeFileSync(join(gateway.directory, 'config.yaml'), text);
  const before = gateway.lines(line).length;
  gateway.process.kill('SIGHUP');
  return until(`log line ${line}`, () => gateway.lines(line)[before]);
}

/** A server that takes webhooks: {rooms, url}, the rooms that it was told the beginning of. */
async function receiver(t) {
  const rooms = [];
  const server = http.createServer(async (request, response) => {
    const { event, room } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    if (event === 'room_started') rooms.push(room.name);
    response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { rooms, url: `http://127.0.0.1:${server.address().port}/` };
}

/** Who is shown by https. */
const shown = (port) => new Promise((resolve, reject) => {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().subject.CN);
    socket.destroy();
  });
  socket.on('error', reject);
});

test('SIGHUP with calls up: they go on, new ones get the new trunks and rules; a broken file changes nothing', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { trunks: [trunk('100'), trunk('101')], dispatch_rules: [rule('old')] });
  const rpc = await operator(t, gateway);
  const room = async (name) => (await rpc.call('room.get', { room: name })).participants.length;
  const first = await talker(t, gateway, '100'), second = await talker(t, gateway, '101');
  t.equal([first.status, second.status, await room('old')], [200, 200, 2], 'two calls');
  await heard([first, second], 'both hear');

  const changed = { ...gateway.config, trunks: [trunk('101'), trunk('102')], dispatch_rules: [rule('new')], logging: { level: 'info' },
    rtp_port: { start: 20000, end: 20099 }, sip: { realm: 'another' } };
  await reload(gateway, changed, /Configuration read again/);
  t.ok(/keys="?sip.realm, rtp_port.start, rtp_port.end"?/.test(gateway.lines(/Changed keys count after a restart only/)[0]),
    String(gateway.lines(/after a restart/)));
  await heard([first, second], 'both hear on, also the one whose trunk is gone');
  t.equal((await talker(t, gateway, '100')).status, 404, 'a new call by the trunk that is gone');
  t.equal((await talker(t, gateway, '102')).status, 200, 'a new call by the new trunk');
  t.equal((await talker(t, gateway, '101')).status, 200, 'a new call by the trunk that stays');
  t.equal([await room('old'), await room('new')], [2, 2], 'who is in the rooms');
  const n = gateway.lines(/ DEBUG /).length;
  await rpc.call('call.list');
  await rpc.fails('room.get', { room: 'nowhere' }); // said in debug
  t.equal(gateway.lines(/ DEBUG /).length, n, 'lines of debug after level info');

  const reason = await reload(gateway, 'api_key: testkey\nsip:\n  realm: a\n  relm: b\n', /The configuration was not read again/);
  t.ok(/config\.yaml:4: .*relm/.test(reason), reason);
  t.equal([(await talker(t, gateway, '100')).status, (await talker(t, gateway, '102')).status], [404, 200], 'as before');
  first.request('INVITE', '', { extra: [] }); // a re-INVITE without an offer
  await until('it is answered', () => first.messages.some((message) => message.status === 200 && message.method === 'INVITE' && message.cseq > 1));
  await heard([first, second], 'they still hear');
  await reload(gateway, { ...gateway.config, trunks: [trunk('100')] }, /Configuration read again/);
  t.equal(gateway.lines(/Changed keys/).length, 1, 'what is as at the start is not named');
});

test('SIGHUP takes another certificate for https, and keeps the old one when the new cannot be read', { timeout: 60 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-e2e-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(directory, name));
  const authority = await Authority.make(t);
  const take = async (name) => {
    const issued = await authority.issue(['IP:127.0.0.1'], { name });
    copyFileSync(issued.cert, cert);
    copyFileSync(issued.key, key);
  };
  await take('before');
  const gateway = await Gateway.start(t, { http: { tls: { cert, key } } }, ['--self-signed']);
  const { port } = gateway.config.http;
  t.equal(await shown(port), 'before', 'at the start');
  await take('after');
  gateway.process.kill('SIGHUP');
  await until('the new one is shown', async () => (await shown(port)) === 'after');
  writeFileSync(cert, 'no certificate');
  gateway.process.kill('SIGHUP');
  await gateway.line(/The certificate was not read again/);
  t.equal(await shown(port), 'after', 'the one that could be read');
});

test('SIGHUP takes other webhook.urls', { timeout: 60 }, async (t) => {
  const [one, two] = [await receiver(t), await receiver(t)];
  const gateway = await Gateway.start(t, { webhook: { urls: [one.url] } });
  const rpc = await operator(t, gateway);
  for (const [name, { rooms, url }] of [['first', one], ['second', two], ['third', one]]) {
    await reload(gateway, { ...gateway.config, webhook: { urls: [url] } }, /Configuration read again/);
    await rpc.call('room.create', { name });
    await until(`the room ${name} is told of`, () => rooms.includes(name));
  }
  t.equal([one.rooms, two.rooms], [['first', 'third'], ['second']], 'who was told of which room');
});

test('SIGTERM with a call up: it hears on, and nobody new comes in', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {}, ['--drain-timeout', '30']);
  const rpc = await operator(t, gateway);
  const phones = [await talker(t, gateway, 'drain'), await talker(t, gateway, 'drain')];
  await heard(phones, 'both hear');
  gateway.process.kill('SIGTERM');
  await gateway.line(/Draining/);
  const refused = await (await RawCall.open(t, gateway, 'drain')).invite();
  t.ok(refused.status === 503 && Number(refused.headers['retry-after']?.[0]) > 0, `${refused.status} ${JSON.stringify(refused.headers['retry-after'])}`);
  t.equal((await rpc.fails('session.join', { room: 'drain', sdp: 'v=0\r\n' })).data.code, 'unavailable', 'session.join');
  t.equal((await rpc.call('server.info')).status, 'draining', 'server.info');
  await heard(phones, 'they hear on');
  gateway.process.kill('SIGTERM'); // once more: at once
  for (const phone of phones) await phone.received('BYE');
  t.equal((await until('the gateway ended', () => gateway.exited, 15)).code, 0, 'status');
});

test('SIGTERM with a call up that goes on: it is ended when the time is over', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const phones = [await talker(t, gateway, 'drain'), await talker(t, gateway, 'drain')];
  gateway.process.kill('SIGTERM');
  await gateway.line(/Calls are still up after the drain timeout/, 15);
  for (const phone of phones) await phone.received('BYE');
  t.equal((await until('the gateway ended', () => gateway.exited, 15)).code, 0, 'status');
});
