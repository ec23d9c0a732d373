// switchroomctl as its users run it: methods, keys from everywhere, exit codes, one call explained, events followed.
import { execFile } from 'node:child_process';
import net from 'node:net';
import tls from 'node:tls';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test, until } from './lib/tap.mjs';
import { Authority } from './lib/certificates.mjs';
import { ctl, ctlPath, keysOf, startCtl } from './lib/ctl.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';
import { runProgram } from './lib/program.mjs';

const scratch = (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-ctl-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const ok = async (t, gateway, ...args) => {
  const { status, out, err } = await ctl(t, gateway, args);
  t.equal([status, err], [0, ''], args.join(' '));
  return out;
};

test('switchroomctl: methods by name and key, tables and JSON, the status says what went wrong', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const run = (...args) => ok(t, gateway, ...args);
  const room = JSON.parse(await run('room.create', 'name=desk', 'max_participants=7', 'codecs=PCMU,PCMA', 'metadata=5', '--json')).room;
  t.equal([room.max_participants, room.codecs, room.metadata], [7, ['PCMU', 'PCMA'], '5'], 'values of the types that the schema wants');
  const table = await run('room', 'list');
  t.ok(/^NAME +NUM PARTICIPANTS .*\ndesk +0 /.test(table), table);
  t.equal(await run('room.delete', 'name=desk'), 'Done.\n', 'an empty answer');
  t.equal(await run('room.list'), 'No rooms.\n', 'an empty list');
  t.ok((await run('help', 'participant.create')).includes('sip_call_to  (string, required)'), 'help of a method');
  t.ok((await run('methods')).includes('call.hangup'), 'all methods');
  t.ok((await run('--help')).includes('SWITCHROOM_API_KEY'), 'the manual needs no gateway');
  const piped = await ctl(t, gateway, ['room.create', '@-', '--json'], { input: '{"name": "piped"}' });
  t.equal(JSON.parse(piped.out).room.name, 'piped', 'parameters from standard input');

  const guest = { SWITCHROOM_TOKEN: gateway.token('guest', { video: { roomCreate: false, roomList: false } }), SWITCHROOM_API_KEY: '', SWITCHROOM_API_SECRET: '' };
  for (const [status, text, args, env] of [
    [1, /no room "nowhere" \(not_found\)/, ['room.get', 'name=nowhere']],
    [1, /colour.*no such parameter/, ['room.create', 'name=a', 'colour=red']],
    [2, /did you mean room\.list;/, ['room.lst']],
    [2, /did you mean one of .*room\.list/, ['room.nonsense']],
    [2, /say what to do/, []],
    [2, /key=value/, ['room.get', 'nowhere']],
    [2, /Unknown option/, ['--nonsense', 'room.list']],
    [2, /no key/, ['room.list'], { SWITCHROOM_API_KEY: '', SWITCHROOM_API_SECRET: '' }],
    [3, /nobody answers there/, ['room.list'], { SWITCHROOM_URL: 'ws://127.0.0.1:9' }],
    [4, /roomList/, ['room.list'], guest],
    [4, /does not take the token/, ['room.list'], { SWITCHROOM_API_SECRET: 'another-secret-of-more-than-32-bytes' }],
  ]) {
    const result = await ctl(t, gateway, args, { env });
    t.ok(result.status === status && text.test(result.err) && result.out === '', `${args}: ${JSON.stringify(result)}`);
  }
  const refused = await ctl(t, gateway, ['room.get', 'name=nowhere', '--json']);
  t.equal(JSON.parse(refused.err).error.data.code, 'not_found', 'errors are JSON with --json');
});

/** TLS in front of the gateway, with a certificate of the test's own. Gives its port. */
async function terminator(t, gateway, { cert, key }) {
  const server = tls.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    const inner = net.connect(gateway.port, '127.0.0.1');
    for (const [from, to] of [[socket, inner], [inner, socket]]) from.on('error', () => to.destroy()).pipe(to);
  });
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return server.address().port;
}

test('switchroomctl: keys from flags, environment and files, tokens, and wss with the certificate checked', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const { key, secret } = gateway.keys;
  const directory = scratch(t);
  const own = join(directory, 'switchroom');
  mkdirSync(own);
  writeFileSync(join(own, 'ctl.yaml'), `url: ${gateway.relayed}\napi_key: ${key}\napi_secret: ${secret}\n`);
  const livekit = { LIVEKIT_URL: gateway.relayed, LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret };
  for (const [what, args, env] of [
    ['flags', ['--url', gateway.relayed, '--api-key', key, '--api-secret', secret], {}],
    ["LiveKit's environment", [], livekit],
    ['a token before the environment', ['--token', gateway.token('ada')], { ...livekit, LIVEKIT_API_SECRET: 'wrong-secret-of-more-than-32-bytes-x' }],
    ["the gateway's configuration", ['--config', join(gateway.directory, 'config.yaml')], {}],
    ["the user's file", [], { XDG_CONFIG_HOME: directory }],
  ]) {
    const { status, out, err } = await startCtl(t, ['server.info', '--json', ...args], env).done;
    t.ok(status === 0 && JSON.parse(out).name === 'Switchroom', `${what}: ${err}`);
  }
  const printed = await startCtl(t, ['token', '--room', 'desk', '--identity', 'bob', '--ttl', '1m', '--grant', '-canPublish'], livekit).done;
  const claims = JSON.parse(Buffer.from(printed.out.split('.')[1], 'base64url'));
  t.equal([claims.sub, claims.video.room, claims.video.roomJoin, claims.video.canPublish, claims.exp - claims.nbf],
    ['bob', 'desk', true, false, 60], 'a token');
  const withToken = (...args) => startCtl(t, ['--url', gateway.relayed, '--token', printed.out.trim(), ...args], {}).done;
  t.equal([(await withToken('room.watch', 'name=desk')).status, (await withToken('room.list')).status], [0, 4], 'what the token may');

  const authority = await Authority.make(t);
  const server = async (names, more) => `wss://localhost:${await terminator(t, gateway, await authority.issue(names, more))}`;
  const good = await server(['DNS:localhost']);
  for (const [what, url, args, status, text] of [
    ['a trusted certificate', good, ['--ca-file', authority.ca], 0, /^$/],
    ['one that nobody vouches for', good, [], 3, /not trusted \(unable to get local issuer/],
    ['the same, looked over', good, ['--insecure'], 0, /^$/],
    ['of another name', await server(['DNS:other.example']), ['--ca-file', authority.ca], 3, /not trusted \(hostname mismatch/i],
    ['an expired one', await server(['DNS:localhost'], { days: -1 }), ['--ca-file', authority.ca], 3, /not trusted \(certificate has expired/],
  ]) {
    const result = await ctl(t, gateway, ['--url', url, 'server.info', ...args]);
    t.ok(result.status === status && text.test(result.err), `${what}: ${JSON.stringify(result)}`);
  }
});

/** The UDP payloads of a pcap of IPv4 packets (LINKTYPE_RAW). */
function payloads(pcap) {
  const found = [];
  for (let at = 24; at < pcap.length; at += 16 + pcap.readUInt32LE(at + 8))
    found.push(pcap.subarray(at + 16 + 28, at + 16 + pcap.readUInt32LE(at + 8)).toString());
  return found;
}

test('switchroomctl explains a call: its log as it goes, its timeline and ladder also after a restart, a pcap', { timeout: 90 }, async (t) => {
  const directory = scratch(t);
  const settings = { storage: { path: join(directory, 'a.db') }, logging: { format: 'json', file: join(directory, 'a.log'), level: 'info' } };
  const gateway = await Gateway.start(t, settings);
  const phone = await RawCall.open(t, gateway);
  phone.talk((await phone.invite(sdp(phone.mediaPort, ['m=audio PORT RTP/AVP 0 18', 'a=rtpmap:18 G729/8000', 'm=video 9 RTP/AVP 96']))).body);
  const id = JSON.parse(await ok(t, gateway, 'call.list', '--json')).calls[0].sip_call_id;
  const logs = startCtl(t, ['logs', id], keysOf(gateway));
  await until('the log so far, and what comes', () => /processing invite .*\n[^]*Media started/.test(logs.out));
  const stranger = gateway.token('eve', { video: { room: 'other' }, sip: { admin: false, call: false } });
  t.equal((await startCtl(t, ['--url', gateway.relayed, '--token', stranger, 'logs', id]).done).status, 1, 'for who may see another room only');
  phone.request('INFO', 'Signal=7\r\nDuration=100\r\n', { type: 'application/dtmf-relay' });
  await until('the key is counted', () => /DTMF received  callID=\S+ room=lobby participant=\S+ count=1\n/.test(logs.out));
  t.equal((await phone.invite(sdp(phone.mediaPort, ['m=audio PORT RTP/AVP 18', 'a=rtpmap:18 G729/8000']))).status, 488, 'a change that cannot be');
  phone.request('BYE');
  const { status, out } = await logs.done;
  t.ok(status === 0 && /Call summary  callID=/.test(out) && out.split('\n').every((line) => line === '' || line.includes(`callID=${id}`)), out);

  const file = join(directory, 'call.pcap');
  const pcap = (await ctl(t, gateway, ['call', 'pcap', id])).bytes;
  await ok(t, gateway, 'call', 'pcap', id, '--output', file);
  const written = readFileSync(file); // messages that were sent again may have come in between
  t.ok(written.subarray(0, pcap.length).equals(pcap), 'the same in a file');
  const messages = payloads(pcap);
  t.equal(pcap.readUInt32LE(0), 0xa1b2c3d4, 'a pcap');
  const requests = messages.map((text) => text.split(' ')[0]).filter((word) => /^[A-Z]+$/.test(word));
  t.equal(requests.filter((word, i) => word !== requests[i - 1]).slice(0, 6), ['INVITE', 'ACK', 'INFO', 'INVITE', 'ACK', 'BYE'],
    'requests in it, those that were sent again but once');
  t.ok(messages.some((text) => text.includes('Signal=x')) && !messages.some((text) => text.includes('Signal=7')), 'the key is masked');
  const tshark = await runProgram('tshark', ['-r', file, '-Y', 'sip', '-T', 'fields', '-e', 'sip.CSeq.method']);
  if (!tshark.error) t.equal(tshark.stdout.trim().split('\n').length, payloads(written).length, `SIP to tshark: ${tshark.stderr}`);

  const shown = await ok(t, gateway, 'call', 'show', id);
  await gateway.kill();
  const again = await Gateway.start(t, settings);
  const later = await ok(t, again, 'call', 'show', id);
  for (const [what, text] of [['at once', shown], ['after a restart', later]])
    for (const pattern of [
      /cause +remote_bye: the other side hung up/, /sip +received INVITE with SDP/, /sip +sent 200 OK to BYE/, /media_started +codec=PCMU/,
      /sdp +what=offer result=agreed codec=PCMU .*encryption=none.* refused=G729,video/, /dtmf +count=1/, /sdp +what=offer result=refused reason=/, /hangup +cause=remote_bye q850=16/,
      /\|--- INVITE \(SDP\) -+>\|\n/, /\|--- BYE -+>\|\n/,
    ])
      t.ok(pattern.test(text) && !text.includes('Signal=7'), `${what}: ${pattern} in ${text}`);
  t.equal((await ctl(t, again, ['call', 'pcap', id])).status, 1, 'the messages themselves are gone');
  t.equal((await ctl(t, again, ['logs', 'SCL_none'])).status, 1, 'an unknown call');
});

test('switchroomctl watch goes on where it was when the connection is lost', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const sockets = new Set();
  let isUp = true;
  const between = net.createServer((socket) => {
    const inner = net.connect(gateway.port, '127.0.0.1');
    for (const [from, to] of [[socket, inner], [inner, socket]]) sockets.add(from.on('error', () => to.destroy()).pipe(to));
    if (!isUp) socket.destroy();
  });
  await new Promise((resolve) => between.listen(0, '127.0.0.1', resolve));
  t.after(() => (between.close(), sockets.forEach((socket) => socket.destroy())));
  const watch = startCtl(t, ['watch', 'desk', '--json'], { ...keysOf(gateway), SWITCHROOM_URL: `ws://127.0.0.1:${between.address().port}` });
  const words = () => watch.out.split('\n').filter(Boolean).map((line) => JSON.parse(line)).map(({ type, text }) => text ?? type);
  const say = (text) => rpc.call('room.send_message', { room: 'desk', text });
  await rpc.call('room.create', { name: 'desk' });
  await until('it watches', async () => (await say('one'), words().includes('one')));
  isUp = false;
  sockets.forEach((socket) => socket.destroy());
  await until('it noticed', () => /connecting again/.test(watch.err));
  await say('two');
  await say('three');
  isUp = true;
  await until('it is told what it missed', () => words().includes('three'), 20);
  await say('four');
  await until('and what comes', () => words().includes('four'));
  t.equal(words().filter((word) => /two|three|four/.test(word)), ['two', 'three', 'four'], 'each once, in order');
  t.ok(!/may be missing/.test(watch.err), watch.err);
});

// What completions are asked for, and what each shell makes of it.
const COMPLETED = [
  ['room.cr', 'room.create '], ['wa', 'watch '], ['room.create max', 'max_participants='], ['room.get name=d', 'desk '], ['room cr', 'create '], ['room create max', 'max_participants='], ['--js', '--json '],
];

/** How to run the shells: with a program of the gateway's keys, and without anything of the user's. */
async function completing(t) {
  const gateway = await Gateway.start(t);
  await ok(t, gateway, 'room.create', 'name=desk');
  await ok(t, gateway, 'room.create', 'name=my room');
  const env = { PATH: `${dirname(ctlPath(t))}:${process.env.PATH}`, HOME: '/nonexistent', XDG_CACHE_HOME: '/nonexistent', TERM: 'dumb', ...keysOf(gateway) };
  const run = promisify(execFile); // not Sync: the relay has to go on
  return async (shell, ...args) => (await run(shell, args, { encoding: 'utf8', env })).stdout;
}

const script = (shell) => join(dirname(fileURLToPath(import.meta.url)), `../../tools/ctl/switchroomctl.${shell}`);

test('bash completes methods, keys and calls of switchroomctl from the gateway', { timeout: 90 }, async (t) => {
  const run = await completing(t);
  const complete = async (line) => {
    const code = `source ${script('bash')}; shopt -s expand_aliases; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _switchroomctl; printf '%s\n' "\${COMPREPLY[@]}"`;
    return (await run('bash', '-c', code, 'bash', 'switchroomctl', ...line.split(' '))).split('\n').filter(Boolean);
  };
  // A gateway that does not answer in time offers nothing: that is tried again.
  for (const [line, wanted] of COMPLETED)
    await until(`${line} is completed to ${wanted}`, async () => (await complete(line)).includes(wanted), 20);
  t.equal(await complete('no.such.method x'), [], 'nothing for what is unknown');
});

test('fish completes them too, and the files of parameters', { timeout: 90 }, async (t) => {
  const run = await completing(t);
  const complete = async (line) =>
    (await run('fish', '--no-config', '-c', `source ${script('fish')}; complete -C $argv[1]`, `switchroomctl ${line}`)).split('\n').filter(Boolean);
  for (const [line, wanted] of COMPLETED) // fish adds the blank, and the key to its value
    await until(`${line} is completed to ${wanted}`, async () =>
      (await complete(line)).includes(`${/[^ ]*=/.exec(line)?.[0] ?? ''}${wanted.trim()}`), 20);
  t.equal(await complete('no.such.method x'), [], 'nothing for what is unknown');
  for (const typed of ['name=my\\ r', 'name="my r', '"name=my r'])
    await until(`${typed} is completed`, async () => (await complete(`room.get ${typed}`)).join() === 'name=my room', 20);
  t.ok((await complete(`play.start file=@${script('fish').slice(0, -1)}`)).includes(`file=@${script('fish')}`), 'a file');
});

test('zsh completes them too, as they are typed', { timeout: 90 }, async (t) => {
  const run = await completing(t);
  const directory = scratch(t);
  copyFileSync(script('zsh'), join(directory, '_switchroomctl'));
  const program = join(dirname(fileURLToPath(import.meta.url)), 'lib/complete.zsh');
  for (const [line, wanted] of COMPLETED) {
    const whole = line.replace(/[^ =]*$/, wanted);
    await until(`${line} is completed to ${wanted}`, async () => {
      rmSync(join(directory, 'typed'), { force: true });
      return (await run('zsh', '-f', program, directory, line)).trim() === `[${whole}END]`;
    }, 20);
  }
});
