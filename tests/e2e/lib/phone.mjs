// SIP clients: baresip (a packaged softphone) and tools/sip-phone (scripted), both as child processes.
import { spawn } from 'node:child_process';
import net from 'node:net';
import { mkdtempSync, writeFileSync, rmSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.mjs';
import { hearsTone, lastSamples, peak, readWav } from './audio.mjs';
import { until, sleep } from './tap.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const baresipCodecs = { PCMU: 'PCMU/8000/1', G711: 'PCMU/8000/1,PCMA/8000/1', PCMA: 'PCMA/8000/1', G722: 'G722/16000/1', opus: 'opus/48000/2' };

async function ended(child, exit, seconds) {
  if (await Promise.race([exit, sleep(seconds * 1000)])) return true;
  child.kill('SIGKILL');
  await exit;
  return false;
}

/** tools/sip-phone: `events` fills with what it reports. */
export class SipPhone {
  constructor(t, args) {
    this.events = [];
    this.errors = '';
    this.child = spawn('/usr/bin/python3', [join(root, 'tools/sip-phone'), ...args, '--interactive']);
    let rest = '';
    this.child.stdout.on('data', (data) => {
      const lines = (rest + data).split('\n');
      rest = lines.pop();
      for (const line of lines) this.events.push(JSON.parse(line));
    });
    this.child.stderr.on('data', (data) => (this.errors += data));
    this.child.stdin.on('error', () => {});
    this.exit = new Promise((resolve) => this.child.once('close', (code) => resolve({ code })));
    this.exit.then((result) => (this.exited = result));
    t.after(async () => {
      this.child.stdin.end();
      if (!this.exited) this.child.kill('SIGINT');
      await ended(this.child, this.exit, 5);
    });
  }

  /** Calls `uri`. */
  static call(t, uri, ...args) {
    return new SipPhone(t, ['call', uri, ...args.map(String)]);
  }

  /** Waits for a call; resolves when it listens. `port` is where. */
  static async answer(t, ...args) {
    const phone = new SipPhone(t, ['answer', ...args.map(String)]);
    phone.port = (await phone.event('listening')).port;
    return phone;
  }

  command(text) {
    this.child.stdin.write(`${text}\n`);
  }

  /** The first event `name` (that passes `check`), waiting for it. */
  event(name, seconds = 10, check = () => true) {
    return until(`${name} of the SIP phone (${JSON.stringify(this.events.slice(-3))} ${this.errors})`,
      () => this.events.find((each) => each.event === name && check(each)), seconds);
  }

  /** Hangs up and gives its final report. */
  async bye() {
    this.command('bye');
    return this.event('ended', 12);
  }

  /** Waits until the tone `hz` has been heard for two measurements at -30 dB or more, the last two before included. */
  hears(hz, seconds = 15) {
    const key = String(hz), before = this.levels(key).length;
    return until(`the SIP phone hears ${hz} Hz`, () => {
      const levels = this.levels(key).slice(Math.max(0, before - 2));
      return levels.some((level, i) => i > 0 && level > -30 && levels[i - 1] > -30);
    }, seconds).catch((error) => { throw new Error(`${error.message}: ${JSON.stringify(this.events.slice(-3))}`); });
  }

  /** The levels of the tone `hz`, each of a second. */
  levels(hz) {
    return this.events.filter((each) => each.event === 'heard').map((each) => each.levels[String(hz)]);
  }

  lastLevels() {
    return this.events.filter((each) => each.event === 'heard').at(-1)?.levels ?? {};
  }
}

/** baresip with one codec, which plays a sine and records what it hears. `answer`: false, true or its answermode;
 * `trace`: SIP messages stand in `output`; `account`: more parameters of its account; `contact`: whom it sends text. */
export class Baresip {
  static async start(t, { codec, hz, answer = false, transport = 'udp', encryption = null, ptime = 20, config = [],
    account = '', contact = null, trace = false, register = null }) { // {user, password, port}: an extension of the gateway at that port
    const phone = Object.assign(new Baresip(), { name: `tone${hz}` });
    phone.directory = mkdtempSync(join(tmpdir(), 'switchroom-baresip-'));
    phone.control = await freePort();
    phone.port = await freePort(2); // it listens for TLS on the next one
    const rtp = 12000 + (phone.port % 4000);
    writeFileSync(join(phone.directory, 'config'), [
      `sip_listen 127.0.0.1:${phone.port}`, 'call_local_timeout 120', 'call_max_calls 4',
      `audio_source ausine,${hz}`, 'audio_player aubridge,nobody', 'audio_alert aubridge,nobody', 'audio_level no',
      'ausrc_srate 48000', 'ausrc_channels 2',
      `rtp_ports ${rtp}-${rtp + 40}`, 'rtp_stats yes', 'audio_buffer 20-160', 'net_interface 127.0.0.1',
      'module_path /usr/lib/baresip/modules', 'module g711.so', 'module g722.so', 'module opus.so',
      'module ausine.so', 'module aubridge.so', 'module sndfile.so', `snd_path ${phone.directory}`,
      ...(encryption ? ['module srtp.so'] : []), ...config,
      'module_tmp account.so', 'module_app contact.so', 'module_app menu.so', 'module_app ctrl_tcp.so',
      `ctrl_tcp_listen 127.0.0.1:${phone.control}`, ''].join('\n'));
    writeFileSync(join(phone.directory, 'accounts'),
      (register ? `<sip:${register.user}@127.0.0.1:${register.port};transport=${transport}>;auth_pass=${register.password};regint=60`
        : `<sip:tone${hz}@127.0.0.1:${phone.port};transport=${transport}>;regint=0`) + `;audio_codecs=${baresipCodecs[codec]}` +
      `;ptime=${ptime}${encryption ? `;mediaenc=${encryption}` : ''}${answer ? `;answermode=${answer === true ? 'auto' : answer}` : ''}${account}\n`);
    writeFileSync(join(phone.directory, 'contacts'), contact ? `"Contact" <${contact}>\n` : '');
    phone.run(t, trace);
    await until('baresip is ready', () => /baresip is ready/.test(phone.output) || phone.exited, 10);
    return phone;
  }

  run(t, trace) {
    this.output = '';
    this.child = spawn('baresip', ['-f', this.directory, '-v', ...(trace ? ['-s'] : [])], { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (data) => (this.output += data));
    this.exit = new Promise((resolve) => this.child.once('close', (code) => resolve({ code })));
    this.exit.then((result) => (this.exited = result));
    t.after(async () => {
      if (!this.exited) await this.quit();
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  async dial(uri) {
    await this.command('dial', uri);
    await until('baresip has its call established', () => /Call established/i.test(this.output), 15)
      .catch((error) => { throw new Error(`${error.message}: ${this.output.slice(-400)}`); });
  }

  /** Sends a command of its menu through ctrl_tcp (a netstring of JSON) and waits until it was taken. */
  command(command, params = '') {
    const text = JSON.stringify({ command, params });
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.control, '127.0.0.1', () => socket.write(`${Buffer.byteLength(text)}:${text},`));
      socket.once('data', () => (socket.destroy(), resolve()));
      socket.once('error', reject);
      socket.setTimeout(30000, () => socket.destroy(new Error('baresip does not answer')));
    });
  }

  /** Ends its calls and itself. */
  async quit() {
    await this.command('hangup').catch(() => {});
    await sleep(300);
    this.child.kill('SIGTERM');
    await ended(this.child, this.exit, 5);
  }

  /** What it heard, decoded, once it has recorded enough: samples and rate; `skip` and `take` in seconds. */
  heard(skip = 1, take = 2) {
    return until(`baresip has heard ${skip + take} s`, () => this.recorded(skip, take), 20);
  }

  /** The recordings of what it heard, one for each call, by their size. */
  get recordings() {
    const files = readdirSync(this.directory).filter((name) => name.endsWith('-dec.wav')).map((name) => join(this.directory, name));
    return files.filter((path) => statSync(path).size > 100).sort((a, b) => statSync(b).size - statSync(a).size);
  }

  /** Waits until the last half second of its newest recording is `hz`; null: until it hears nothing. */
  hears(hz, seconds = 15) {
    const newest = () => ({ path: this.recordings.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0] });
    return hearsTone('baresip', newest, hz, seconds);
  }

  /** The last `seconds` of its newest recording, decoded; null when there is less. */
  last(seconds) {
    const path = this.recordings.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
    return path ? lastSamples(path, seconds) : null;
  }

  /** Waits until the strongest frequency of a second is `hz`, within 5 Hz, and above -30 dB. */
  async hearsPeak(hz) {
    let heard = null;
    await until('a peak', () => {
      const last = this.last(1);
      heard = last && peak(last.samples, last.rate);
      return heard && Math.abs(heard.hz - hz) <= 5 && heard.db > -30;
    }).catch((error) => { throw new Error(`${error.message}: baresip hears ${JSON.stringify(heard)}, not ${hz} Hz`); });
  }

  recorded(skip, take) {
    const path = this.recordings[0];
    if (!path) return null;
    const { rate, samples } = readWav(path);
    return samples.length >= (skip + take) * rate && { rate, samples: samples.subarray(skip * rate, (skip + take) * rate) };
  }
}
