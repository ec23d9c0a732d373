// The interop suite of tests/sipp against a gateway with the shipped config/interop.yaml.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Gateway } from './gateway.mjs';
import { freePort } from './ports.mjs';
import { until } from './tap.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** A gateway with config/interop.yaml; the ports that stand in it are other, free ones: `ports` has them by theirs. */
export async function startInterop(t) {
  const ports = {};
  let text = readFileSync(join(root, 'config/interop.yaml'), 'utf8').replace(/^#.*\n/gm, '');
  for (const port of new Set(text.match(/\b50[67]\d\b/g) ?? [])) ports[port] = await freePort();
  text = text.replace(/\b50[67]\d\b/g, (port) => ports[port]);
  const gateway = await Gateway.start(t, {}, [], text);
  return { gateway, ports };
}

/** Runs tests/sipp/run_scenarios.sh with what `set` says, and STRICT=1; gives {status, output}. */
export async function runScenarios(t, port, set = {}, { host = '127.0.0.1' } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-interop-'));
  const child = spawn(join(root, 'tests/sipp/run_scenarios.sh'), [host, String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env, SCENARIO_DELAY_MS: 0, PARALLEL: 4, PRECHECK_OPTIONS: 0, STRICT: 1, LOCAL_PORT: await freePort(set.ONLY ? 4 * set.ONLY.split(' ').length : 160),
      SCENARIO_TIMEOUT_SEC: 40, LOG_DIR: directory, ...set,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const exit = new Promise((resolve) => child.once('close', resolve));
  t.after(async () => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await exit;
    rmSync(directory, { recursive: true, force: true });
  });
  return { status: await exit, output };
}

/** Answers one call (`calls`: so many) with `scenario` at `port`; `done` gives SIPp's status. "uas" is SIPp's own. */
export async function answerWith(t, scenario, port, transport = 'udp', calls = 1) {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-interop-'));
  const child = spawn('sipp', [...(scenario === 'uas' ? ['-sn', 'uas'] : ['-sf', join(root, `tests/sipp/${scenario}.xml`)]), '-i', '127.0.0.1', '-mi', '127.0.0.1',
    '-p', String(port), '-t', transport === 'tcp' ? 't1' : 'u1', '-m', String(calls), '-nostdin', '-timeout', '60', '-timeout_error', '-trace_logs', '-log_file', 'log'],
  { cwd: directory, stdio: 'ignore', env: { ...process.env, TERM: 'dumb' } });
  const done = new Promise((resolve) => child.once('close', resolve));
  t.after(async () => {
    if (child.exitCode === null) child.kill('SIGKILL');
    await done;
    rmSync(directory, { recursive: true, force: true });
  });
  await until(`${scenario} listens`, () => listening(transport, port));
  return { done, log: () => readFileSync(join(directory, 'log'), 'utf8') };
}

/** Whether the digest (RFC 2617, MD5, qop=auth) in a line "METHOD Digest name=value, ..." is that of `password`. */
export function proves(line, password) {
  const method = line.trim().split(' ')[0];
  const of = Object.fromEntries([...line.matchAll(/(\w+)="?([^",]*)"?/g)].map(([, name, value]) => [name, value]));
  const md5 = (...parts) => createHash('md5').update(parts.join(':')).digest('hex');
  return of.response === md5(md5(of.username, of.realm, password), of.nonce, of.nc, of.cnonce, of.qop, md5(method, of.uri));
}

/** TLS at `port`, TCP at `plain` of loopback. */
export async function unwrapTls(t, port, plain, { both }) {
  const child = spawn('socat', [`OPENSSL-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr,cert=${both},verify=0`, `TCP:127.0.0.1:${plain}`],
    { stdio: 'ignore' });
  const exit = new Promise((resolve) => child.once('close', resolve));
  t.after(() => (child.kill(), exit));
  await until('socat listens', () => listening('tcp', port));
}

const listening = (protocol, port) => readFileSync(`/proc/net/${protocol}`, 'utf8').split('\n')
  .some((line) => new RegExp(`^ *\\d+: [0-9A-F]+:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 0[7A] `).test(line));

/** A file of the form of proxy_target.csv. */
export function targetFile(t, port, host = '127.0.0.1') {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-interop-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'target.csv');
  writeFileSync(file, `SEQUENTIAL\n${host};${port}\n`);
  return file;
}
