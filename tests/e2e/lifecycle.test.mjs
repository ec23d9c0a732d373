// The process: its command line, signals, configuration read again, what it says when it cannot start.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, until, sleep } from './lib/tap.mjs';
import { Extension } from './lib/extension.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';
import { freePort } from './lib/ports.mjs';
import { Rpc } from './lib/rpc.mjs';
import { accessToken } from './lib/token.mjs';

/** Runs the gateway until it ends, or `seconds` are over: its status and output. */
function run(t, args, seconds = 20) {
  const child = spawn(t.options.binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const result = { output: '', errors: '', code: null };
  child.stdout.on('data', (data) => (result.output += data));
  child.stderr.on('data', (data) => (result.errors += data));
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
  return new Promise((resolve) => child.once('close', (code) => {
    clearTimeout(timer);
    resolve({ ...result, code });
  }));
}

function file(t, text) {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-e2e-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'config.yaml');
  writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text));
  return path;
}

const rewrite = (gateway, changes) =>
  writeFileSync(join(gateway.directory, 'config.yaml'), JSON.stringify({ ...gateway.config, ...changes }));

const operator = async (t, gateway) => {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  return rpc;
};

test('wrong arguments and configurations end with status 1 and one clear line', { timeout: 60 }, async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address();
  const base = { http: { bind: '127.0.0.1', port: await freePort() }, sip_port: await freePort(), storage: { path: ':memory:' } };
  for (const [args, words] of [
    [['--nonsense'], /--nonsense/],
    [['nonsense'], /unknown argument: nonsense; a configuration is given with --config FILE/],
    [['--drain-timeout=-1', '--check-config'], /--drain-timeout: must be/],
    [['--log-level', 'loud'], /--log-level: must be/],
    [['--config', '/nowhere/at/all.yaml'], /\/nowhere\/at\/all.yaml/],
    [['--config', file(t, 'api_key: a\nsip_prot: 5060\n')], /config.yaml:2.*sip_prot/],
    [['--config', file(t, { ...base, http: { bind: '127.0.0.1', port } })], new RegExp(`${port}`)],
    [['--config', file(t, { ...base, sip_port: port })], new RegExp(`${port}`)],
    [['--config', file(t, { ...base, sip: { bind: ['192.0.2.1'] } })], /--open/],
    [['--open', '--config', file(t, { ...base, sip: { bind: ['192.0.2.1'] } })], /192\.0\.2\.1/],
    [['--config', file(t, { ...base, redis: { address: '127.0.0.1:1' } })], /--standalone/],
    [['--config', file(t, { ...base, redis: { address: '[::1]:1' } })], /refused.*--standalone/],
    [['--config', file(t, { ...base, logging: { file: '/nowhere/at/all.log' } })], /\/nowhere\/at\/all.log/],
  ]) {
    const { code, errors, output } = await run(t, args);
    t.equal(code, 1, `status of ${args.join(' ')}: ${output}${errors}`);
    const lines = errors.split('\n').filter((line) => line.startsWith('switchroom: '));
    t.ok(lines.length === 1 && words.test(lines[0]), `${args.join(' ')}: ${errors}`);
    t.ok(!/Sanitizer|CRITICAL/.test(errors), errors);
  }
  const checked = await run(t, ['--check-config', '--config', file(t, base)]);
  t.equal([checked.code, checked.output], [0, 'The configuration is valid.\n'], '--check-config');
  t.ok(/^switchroom \d+\.\d+/.test((await run(t, ['--version'])).output), '--version');
});

test('SIGHUP takes new trunks, keys and log file, and never opens what was closed', { timeout: 60 }, async (t) => {
  const log = join(mkdtempSync(join(tmpdir(), 'switchroom-e2e-')), 'log');
  t.after(() => rmSync(join(log, '..'), { recursive: true, force: true }));
  const trunk = (number) => [{ name: 'trunk', direction: 'inbound', numbers: [number], allowed_addresses: ['127.0.0.1'] }];
  const gateway = await Gateway.start(t, { sip: { bind: ['127.0.0.1'] }, trunks: trunk('100'), logging: { file: log, format: 'json' } });
  const status = async (number) => {
    const phone = await RawCall.open(t, gateway, number);
    const final = await phone.invite();
    if (final.status < 300) phone.request('BYE');
    return final.status;
  };
  const lines = (path) => readFileSync(path, 'utf8').split('\n').slice(0, -1); // the last one may be half written
  const reload = async (words) => {
    gateway.process.kill('SIGHUP');
    await until(`the log says ${words}`, () => existsSync(log) && lines(log).some((line) => line.includes(words)));
  };
  t.equal([await status('100'), await status('200')], [200, 404], 'before');
  const talking = await RawCall.open(t, gateway, '100');
  await talking.invite();
  const secret = 'another-secret-of-at-least-32-characters';
  rewrite(gateway, { trunks: trunk('200'), api_secret: secret });
  renameSync(log, `${log}.1`);
  await reload('Configuration read again');
  t.equal([await status('100'), await status('200')], [404, 200], 'after');
  t.ok((await Rpc.connect(gateway.ws, gateway.token('a')).catch((error) => error)).status === 401, 'the old secret');
  const rpc = await Rpc.connect(gateway.ws, accessToken({ key: 'testkey', secret }, 'operator'));
  await until('only the call that was up is there', async () => (await rpc.call('call.list')).calls.length === 1);
  t.equal((await rpc.call('call.list')).calls[0].to, '100', 'the call that was up');
  await rpc.close();

  rewrite(gateway, { trunks: [] });
  await reload('demo mode needs a restart');
  rewrite(gateway, { trunks: [], nonsense: 1 });
  await reload('nonsense');
  t.equal([await status('100'), await status('200')], [404, 200], 'after two configurations that were refused');
  talking.request('BYE');
  for (const line of [...lines(log), ...lines(`${log}.1`)]) {
    const entry = JSON.parse(line);
    t.ok(entry.time && entry.level && entry.component && entry.event, line);
  }
});

test('Ctrl-C waits for calls, refuses new ones, and a second one ends them', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {}, ['--drain-timeout', '60']);
  const rpc = await operator(t, gateway);
  const phone = SipPhone.call(t, gateway.sip('drain'));
  await phone.event('answered');
  const callee = await RawCall.open(t, gateway);
  callee.onInvite = (message) => callee.respond(message, 200, 'OK', sdp(callee.mediaPort));
  await rpc.call('participant.create', { room: 'drain', sip_call_to: '100', trunk: { hostname: `127.0.0.1:${callee.port}` }, wait_until_answered: true });
  gateway.process.kill('SIGINT');
  await gateway.line(/Draining/);
  t.equal((await fetch(`${gateway.url}/readyz`)).status, 503, '/readyz');
  t.equal((await (await RawCall.open(t, gateway)).invite()).status, 503, 'a new call');
  const refused = await rpc.fails('participant.create', { room: 'drain', sip_call_to: 'sip:a@127.0.0.1' });
  t.equal(refused.data.code, 'unavailable', refused.message);
  t.equal(phone.events.some((event) => event.event === 'ended'), false, 'the call goes on');
  for (let times = 0; times < 3; times++) {
    gateway.process.kill(times % 2 ? 'SIGTERM' : 'SIGINT');
    await sleep(20);
  }
  t.equal((await phone.event('ended')).by, 'remote', 'who hung up');
  t.equal((await callee.received('BYE')).headers.reason, ['Q.850;cause=38;text="Gateway stopped"'], 'Reason');
  const { code } = await until('the gateway ended', () => gateway.exited, 15);
  t.equal(code, 0, 'status');
  t.ok(gateway.lines(/Call summary/).length === 2, 'summary lines');
});

test('SIGTERM ends the gateway when the last call ended', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {}, ['--drain-timeout', '60']);
  const phone = SipPhone.call(t, gateway.sip('drain'));
  await phone.event('answered');
  gateway.process.kill('SIGTERM');
  await gateway.line(/Draining/);
  await phone.bye();
  t.equal((await until('the gateway ended', () => gateway.exited, 15)).code, 0, 'status');
});

test('keys without an api_key: tokens of each are good', {}, async (t) => {
  const keys = { one: 'the-secret-of-one-of-at-least-32-bytes', two: 'the-secret-of-two-of-at-least-32-bytes' };
  const gateway = await Gateway.start(t, { api_key: undefined, api_secret: undefined, keys });
  for (const key of ['one', 'two']) {
    const rpc = await Rpc.connect(gateway.ws, accessToken({ key, secret: keys[key] }, 'a'));
    await rpc.call('server.info');
    await rpc.close();
  }
  const error = await Rpc.connect(gateway.ws, accessToken({ key: 'devkey', secret: '' }, 'a')).catch((caught) => caught);
  t.equal(error.status, 401, 'another key');
  t.ok(!/Ready link|API secret/.test(gateway.output), 'no secret is printed');
});

test('limits.max_calls holds in both directions', {}, async (t) => {
  const gateway = await Gateway.start(t, { limits: { max_calls: 1 } });
  const rpc = await operator(t, gateway);
  const phone = await RawCall.open(t, gateway);
  t.equal((await phone.invite()).status, 200, 'the first call');
  const second = await (await RawCall.open(t, gateway)).invite();
  t.equal([second.status, second.headers['retry-after'] !== undefined], [503, true], 'the second');
  const error = await rpc.fails('participant.create', { room: 'a', sip_call_to: 'sip:a@127.0.0.1:9' });
  t.equal(error.data.code, 'resource_exhausted', error.message);
  phone.request('BYE');
  await until('the first ended', async () => (await rpc.call('call.list')).calls.length === 0);
  const next = await RawCall.open(t, gateway);
  t.equal((await next.invite()).status, 200, 'the next');
  next.request('BYE');
});

test('a call to an extension for whose second half there is no room is 503 with Retry-After', {}, async (t) => {
  const users = ['100', '101'].map((username) => ({ username, password: 'secret' }));
  const gateway = await Gateway.start(t, { limits: { max_calls: 1 }, sip: { bind: ['127.0.0.1'], registrar: { enabled: true, users } } });
  const rpc = await operator(t, gateway);
  const [callee, caller] = await Promise.all(users.map(({ username }) => Extension.open(t, gateway, username)));
  for (const phone of [callee, caller]) t.equal((await phone.register()).status, 200, `${phone.user} registers`);
  const refusal = await caller.invite('100');
  t.equal([refusal.status, refusal.get('retry-after'), refusal.get('reason')], [503, '5', 'Q.850;cause=42;text="Limit reached"'], 'refusal');
  const [{ end }] = (await rpc.call('call.list', { ended: true })).calls;
  t.equal([end.cause, end.q850, end.sip_status_code], ['limit_reached', 42, 503], 'its record');
});

test('a call without media ends after media.timeout, with a Reason', {}, async (t) => {
  const gateway = await Gateway.start(t, { media: { timeout: '2s' } });
  const phone = await RawCall.open(t, gateway);
  const first = await phone.invite();
  phone.talk(first.body);
  await sleep(500);
  clearInterval(phone.talker);
  const bye = await phone.received('BYE', 8);
  t.ok(/cause=408;text="Media timeout"/.test(bye.headers.reason?.[0]), `Reason ${bye.headers.reason}`);
  await gateway.line(/Call summary.*media_timeout/);
});

test('a service manager is told when calls are taken and when it stops', { timeout: 60 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-notify-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const socket = join(directory, 'notify');
  const listener = spawn('socat', ['-u', `UNIX-RECV:${socket}`, '-'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => listener.kill());
  let told = '';
  listener.stdout.on('data', (data) => (told += data));
  await until('the socket is there', () => existsSync(socket));
  const config = file(t, { http: { port: await freePort() }, sip_port: await freePort(), storage: { path: ':memory:' } });
  const gateway = spawn(t.options.binary, ['--config', config], { stdio: 'ignore', env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' } });
  t.after(() => gateway.kill('SIGKILL'));
  await until('it is ready', () => /READY=1\n/.test(told), t.options.sanitized ? 30 : 10);
  await until('it says that its loop turns', () => told.split('WATCHDOG=1').length > 2);
  told = '';
  gateway.kill('SIGHUP');
  await until('it reads the file again, and is ready', () => /RELOADING=1\nMONOTONIC_USEC=\d+\n[^]*READY=1\n/.test(told));
  gateway.kill('SIGTERM');
  await until('it stops', () => /STOPPING=1\n/.test(told));
  await until('it ended', () => gateway.exitCode === 0);
});

/** tools/demo, in a group of its own, as a terminal has it. */
function runDemo(t, gateway) {
  const tool = join(dirname(fileURLToPath(import.meta.url)), '../../tools/demo');
  const [, where] = gateway.sip('lobby').split('@');
  const child = spawn('/usr/bin/python3', [tool, 'lobby', '--gateway', where], { detached: true });
  const demo = { child, said: '' };
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.stdout.on('data', (data) => (demo.said += data));
  t.after(async () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {} // all of it ended
    await ended;
  });
  return demo;
}

/* A terminal's Ctrl-C is for all of its programs, and so is what ends a unit of systemd. */
for (const [signal, all] of [['SIGINT', true], ['SIGTERM', true], ['SIGTERM', false]])
  test(`tools/demo places a call, says so, and hangs up at ${signal} for ${all ? 'its group' : 'itself'}`, { timeout: 60 }, async (t) => {
    const gateway = await Gateway.start(t);
    const demo = runDemo(t, gateway);
    await gateway.line(/Media started.*participant=sip_demo-caller/, 20);
    await until('it says that it is answered', () => demo.said.includes('answered: the caller is in the room'));
    process.kill(all ? -demo.child.pid : demo.child.pid, signal);
    await gateway.line(/Call summary.*participant=sip_demo-caller.*cause=remote_bye/);
    await until('its last words', () => /ended by the caller: \d+ packets sent/.test(demo.said));
  });

test('tools/demo that is ended while it rings cancels its call', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {
    trunks: [{ name: 'all', direction: 'inbound', allowed_addresses: ['127.0.0.1/32'] }],
    dispatch_rules: [{ name: 'later', type: 'callee', answer: 'on_participant' }],
  });
  const demo = runDemo(t, gateway);
  await until('it rings', () => demo.said.includes('it rings (180)'));
  demo.child.kill('SIGTERM');
  await gateway.line(/cause=remote_cancel/);
});
