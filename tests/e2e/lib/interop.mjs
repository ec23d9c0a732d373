// The interop suite of tests/sipp against a gateway with the shipped config/interop.yaml.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Gateway } from './gateway.mjs';
import { freePort } from './ports.mjs';

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

/** Runs tests/sipp/run_scenarios.sh with what `set` says; gives {status, output}. */
export async function runScenarios(t, port, set = {}, { host = '127.0.0.1' } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-interop-'));
  const child = spawn(join(root, 'tests/sipp/run_scenarios.sh'), [host, String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env, SCENARIO_DELAY_MS: 0, PARALLEL: 4, PRECHECK_OPTIONS: 0, LOCAL_PORT: await freePort(120),
      SCENARIO_TIMEOUT_SEC: t.options.sanitized ? 40 : 20, LOG_DIR: directory, ...set,
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

/** A file of the form of proxy_target.csv. */
export function targetFile(t, port, host = '127.0.0.1') {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-interop-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'target.csv');
  writeFileSync(file, `SEQUENTIAL\n${host};${port}\n`);
  return file;
}
