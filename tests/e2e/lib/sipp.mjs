// Runs a SIPp scenario of tests/sipp against a gateway.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.mjs';

const scenarios = join(dirname(fileURLToPath(import.meta.url)), '../../sipp');

/**
 * Starts `scenario` (a name without .xml). Gives {done, port}: `done` resolves with nothing when every call
 * succeeded, else rejects with SIPp's errors. `calls` and `rate`: how many, and how many a second. `files`: what
 * is to be in its working directory, by name.
 */
export async function sipp(t, gateway, scenario, { user = 'lobby', address = '127.0.0.1', transport = 'udp',
  calls = 1, rate = 1, together = 1, seconds = 60, more = [], files = {} } = {}) {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-sipp-'));
  for (const [name, data] of Object.entries(files)) writeFileSync(join(directory, name), data);
  const host = address.includes(':') ? `[${address}]` : address;
  const child = spawn('sipp', [`${host}:${gateway.config.sip_port}`, '-sf', join(scenarios, `${scenario}.xml`),
    '-s', user, '-i', host, '-p', String(port), '-mi', address, '-m', String(calls), '-r', String(rate), '-l', String(together),
    '-t', transport === 'tcp' ? 't1' : 'u1', '-timeout', String(seconds), '-timeout_error', '-nostdin', '-nd',
    '-trace_err', '-error_file', join(directory, 'errors.log'), ...more],
  { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TERM: 'dumb' } });
  let errors = '';
  child.stderr.on('data', (data) => (errors += data));
  const exit = new Promise((resolve) => child.once('close', resolve));
  t.after(async () => {
    if (child.exitCode === null) child.kill('SIGKILL');
    await exit;
    rmSync(directory, { recursive: true, force: true });
  });
  const done = exit.then((code) => {
    if (code === 0) return;
    const logs = readdirSync(directory).filter((name) => name.endsWith('.log'))
      .map((name) => readFileSync(join(directory, name), 'utf8')).join('\n');
    throw new Error(`SIPp's ${scenario} ended with ${code}: ${errors}${logs.slice(0, 1500)}`);
  });
  done.catch(() => {}); // whoever awaits it gets the error
  return { done, port };
}
