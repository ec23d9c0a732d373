// Runs switchroomctl, the one that was built with the gateway of this run.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function ctlPath(t) {
  const directory = dirname(t.options.binary);
  return [join(directory, 'switchroomctl'), join(directory, '../tools/ctl/switchroomctl')].find(existsSync);
}

/** An environment without keys of its own, but those given. */
const environment = (more) => ({ PATH: process.env.PATH, HOME: '/nonexistent', LANG: 'C.UTF-8', ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? '',
  LSAN_OPTIONS: process.env.LSAN_OPTIONS ?? '', XDG_CACHE_HOME: '/nonexistent', ...more });

/** Starts it; `out` and `err` grow, `done` gives {status, out, err}. */
export function startCtl(t, args, env = {}, input = null) {
  const running = { out: '', err: '', bytes: [] };
  running.process = spawn(ctlPath(t), args, { env: environment(env), stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  running.process.stdout.on('data', (data) => (running.bytes.push(data), (running.out += data)));
  running.process.stderr.on('data', (data) => (running.err += data));
  running.done = new Promise((resolve) => running.process.once('close', (status, signal) => {
    running.ended = true;
    resolve({ status: status ?? signal, out: running.out, err: running.err, bytes: Buffer.concat(running.bytes) });
  }));
  if (input !== null) running.process.stdin.end(input);
  t.after(() => running.ended || running.process.kill('SIGKILL'));
  return running;
}

/** Runs it with the gateway's address and keys, and waits for its end. */
export function ctl(t, gateway, args, { env = {}, input = null } = {}) {
  return startCtl(t, args, { ...keysOf(gateway), ...env }, input).done;
}

export const keysOf = (gateway) => ({ SWITCHROOM_URL: gateway.relayed, SWITCHROOM_API_KEY: gateway.keys.key, SWITCHROOM_API_SECRET: gateway.keys.secret });
