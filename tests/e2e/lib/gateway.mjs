// Starts a gateway of its own for a test, on free ports, and checks that it ends cleanly.
import { spawn } from 'node:child_process';
import http from 'node:http';
import https from 'node:https';
import { mkdtempSync, writeFileSync, rmSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { Rpc } from './rpc.mjs';
import { relay } from './relay.mjs';
import { describe, isDescribed, settle } from './schema.mjs';
import './twirp.mjs';
import { accessToken } from './token.mjs';
import { until, sleep } from './tap.mjs';

const merge = (base, extra) => {
  const result = { ...base };
  for (const [key, value] of Object.entries(extra))
    result[key] = value && typeof value === 'object' && !Array.isArray(value) ? merge(base[key] ?? {}, value) : value;
  return result;
};

// As in the unit.
const ALLOCATOR = { G_SLICE: 'always-malloc', GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0' };

let mediaPorts = 32768 + (process.pid % 40) * 100;

async function configuration(extra) {
  const [http, sip] = [await freePort(), await freePort()];
  mediaPorts = mediaPorts > 60000 ? 32768 : mediaPorts + 400;
  return merge({
    api_key: 'testkey',
    api_secret: 'a-secret-for-tests-of-at-least-32-bytes',
    ws_url: `ws://127.0.0.1:${http}`,
    http: { bind: '127.0.0.1', port: http },
    sip_port: sip,
    rtp_port: { start: mediaPorts, end: mediaPorts + 199 },
    rtc: { port: { start: mediaPorts + 200, end: mediaPorts + 399 } },
    storage: { path: ':memory:' },
    limits: { max_cpu_utilization: 0, max_tick_lateness: 0 }, // a busy machine refuses nobody
    logging: { level: 'debug' },
  }, extra);
}

export class Gateway {
  /** Starts the gateway of this run and waits until it takes calls. `extra` goes over the default configuration;
   * `more`: YAML; its keys replace those of the default configuration. */
  static async start(t, extra = {}, args = [], more = '') {
    for (let tries = 0; ; tries++) {
      const gateway = new Gateway();
      try {
        await gateway.run(t, extra, args, more);
        return gateway;
      } catch (error) {
        if (tries === 3 || extra.sip_port || !/Address already in use/.test(error.message)) throw error;
        gateway.killed = true; // somebody took one of its ports since they were chosen: once more, on others
      }
    }
  }

  async run(t, extra, args, more) {
    this.secure = args.includes('--self-signed');
    this.config = await configuration(extra);
    this.directory = mkdtempSync(join(tmpdir(), 'switchroom-e2e-'));
    const file = join(this.directory, 'config.yaml');
    for (const [, key] of more.matchAll(/^(\w+):/gm)) delete this.config[key];
    const lines = Object.entries(this.config).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`); // JSON is YAML
    writeFileSync(file, lines.join('') + more);
    this.output = '';
    this.process = spawn(t.options.binary, ['--config', file, '--drain-timeout', '3', ...args], {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...ALLOCATOR },
    });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.on('data', (data) => (this.output += data));
    this.exit = new Promise((resolve) => this.process.once('close', (code, signal) => resolve({ code, signal })));
    this.exit.then((result) => (this.exited = result));
    t.after(() => this.stop(t));
    t.onSpawned?.(this);
    await until('the gateway takes calls', () => this.ready());
    if (!isDescribed() && !this.secure) await this.describe();
    this.port = await relay(t, this.config.http.port);
  }

  /** What its API says of itself: what the messages of the whole run are checked against. */
  async describe() {
    const rpc = await Rpc.connect(this.ws, this.token('schema'));
    describe(await rpc.call('server.methods'));
    await rpc.close();
  }

  /** The status of a GET; the certificate of --self-signed is taken as it is. */
  status(path) {
    return new Promise((resolve, reject) => {
      const { get } = this.secure ? https : http;
      get(`${this.url}${path}`, { rejectUnauthorized: false }, (response) => (response.resume(), resolve(response.statusCode)))
        .on('error', reject);
    });
  }

  async ready() {
    if (this.exited) throw new Error(`the gateway ended: ${JSON.stringify(this.exited)}\n${this.output.slice(-3000)}`);
    try {
      return (await this.status('/readyz')) === 200;
    } catch {
      return false;
    }
  }

  get url() {
    return `${this.secure ? 'https' : 'http'}://127.0.0.1:${this.config.http.port}`;
  }

  get ws() {
    return `ws://127.0.0.1:${this.config.http.port}/ws`;
  }

  /** The same API for other programs: what they say and hear is checked. */
  get relayed() {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  get keys() {
    return { key: this.config.api_key, secret: this.config.api_secret };
  }

  token(identity, grants) {
    return accessToken(this.keys, identity, grants);
  }

  sip(user, host = '127.0.0.1') {
    return `sip:${user}@${host}:${this.config.sip_port}`;
  }

  fds() {
    return readdirSync(`/proc/${this.process.pid}/fd`).length;
  }

  rssKb() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.process.pid}/status`, 'utf8'))[1]);
  }

  lines(pattern) {
    return this.output.split('\n').filter((line) => pattern.test(line));
  }

  /** Waits for a log line. */
  line(pattern, seconds = 5) {
    return until(`log line ${pattern}`, () => this.lines(pattern)[0], seconds);
  }

  /** Ends it as a crash would. */
  async kill() {
    this.killed = true;
    this.process.kill('SIGKILL');
    await this.exit;
  }

  /** SIGTERM must end it with status 0, with nothing from a sanitizer. */
  async stop(t) {
    try {
      if (this.killed) return settle(this.config.http.port);
      if (!this.exited) this.process.kill('SIGTERM');
      const patience = (t.options.sanitized ? 60 : 40) * 1000;
      const result = await Promise.race([this.exit, sleep(patience)]);
      if (!result) {
        this.process.kill('SIGKILL');
        throw new Error(`the gateway did not end on SIGTERM\n${this.tail()}`);
      }
      if (process.env.KEEP_LOGS) writeFileSync(join(process.env.KEEP_LOGS, 'gateway.log'), this.output);
      if (result.code !== 0)
        throw new Error(`the gateway ended with ${JSON.stringify(result)}\n${this.tail()}`);
      const bad = /ERROR: (Address|Leak|Thread|Undefined)\w*Sanitizer|runtime error:|(CRITICAL|WARNING) \*\*|-(CRITICAL|WARNING) \*\*/.exec(this.output);
      if (bad) throw new Error(`in the gateway's output: ${this.output.slice(bad.index, bad.index + 3000)}`);
      settle(this.config.http.port);
    } finally {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }

  tail() {
    const report = this.output.search(/==\d+==ERROR|runtime error:/);
    return report >= 0 ? this.output.slice(report, report + 6000) : this.output.slice(-3000);
  }
}
