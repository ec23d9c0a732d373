// Linphone's console phone (linphonec) without display and sound card: it plays a sine from a file and records what it
// hears into another. Everything it writes stays in a directory of its own; STUN, ICE, presence and video are off.
// With KEEP_LOGS=DIRECTORY in the environment its log, with all SIP messages, is copied there at the end.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, writeFileSync, rmSync, mkdirSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.mjs';
import { hearsTone, writeTone } from './audio.mjs';
import { until, sleep } from './tap.mjs';

const codecs = {
  PCMU: { mime: 'PCMU', rate: 8000, channels: 1 }, PCMA: { mime: 'PCMA', rate: 8000, channels: 1 },
  G722: { mime: 'G722', rate: 8000, channels: 1 }, opus: { mime: 'opus', rate: 48000, channels: 2 },
};

const ini = (sections) => Object.entries(sections)
  .map(([name, keys]) => `[${name}]\n${Object.entries(keys).map(([key, value]) => `${key}=${value}\n`).join('')}`).join('\n');

/* What the phone reads at its start. */
function settings(phone, { codec, name, encryption, info, timer, transport, gateway, password, extra }) {
  const port = (kind) => (kind === transport ? phone.port : 0);
  const result = {
    sip: {
      sip_port: port('udp'), sip_tcp_port: port('tcp'), sip_tls_port: port('tls'), bind_address: '127.0.0.1',
      use_ipv6: 0, ipv6_migration_done: 1,
      contact: `sip:${name}@127.0.0.1:${phone.port}`, guess_hostname: 0, register_only_when_network_is_up: 0, auto_net_state_mon: 0,
      use_info: info ? 1 : 0, use_rfc2833: info ? 0 : 1, inc_timeout: 60, publish_presence: 0,
      media_encryption: encryption ? 'srtp' : 'none', media_encryption_mandatory: encryption === 'mandatory' ? 1 : 0,
      verify_server_certs: 0, verify_server_cn: 0, keepalive_period: 60000, ...(timer ? { session_expires_enabled: 1,
        session_expires_value: timer, session_expires_min_value: timer } : {}), ...extra.sip,
    },
    rtp: { audio_rtp_port: `${phone.media}-${phone.media + 7}`, ...extra.rtp },
    net: { firewall_policy: 0, dns_srv_enabled: 0, mtu: 1300 },
    sound: { echocancellation: 0, echolimiter: 0, ...extra.sound },
    video: { capture: 0, display: 0, enabled: 0 },
    storage: { backend: 'sqlite3', uri: join(phone.directory, 'linphone.db') },
    misc: { add_missing_audio_codecs: 0, call_logs_db_uri: 'null', send_imdn_delivered: 0, send_imdn_displayed: 0 },
    lime: { enabled: 0 },
    audio_codec_0: { ...codecs[codec], enabled: 1 },
  };
  if (gateway) {
    const route = `<sip:127.0.0.1:${gateway.config.sip_port};transport=${transport};lr>`;
    result.sip.default_proxy = 0;
    result.proxy_0 = { reg_proxy: route, reg_route: route, reg_identity: `sip:${name}@127.0.0.1:${gateway.config.sip_port}`,
      reg_expires: 60, reg_sendregister: password ? 1 : 0, publish: 0, quality_reporting_enabled: 0, ...extra.proxy };
  }
  if (password) result.auth_info_0 = { username: name, userid: name, passwd: password, realm: 'switchroom', domain: '127.0.0.1' };
  return ini(result);
}

export class Linphone {
  /** Starts it; resolves when it takes commands. `gateway` is its outbound proxy when given; `encryption`: SDES-SRTP,
   * "optional" or "mandatory"; `info`: digits go by INFO instead of RFC 4733; `timer`: seconds of Session-Expires;
   * `password`: it registers at the gateway as the extension `name`; `extra`: more keys of its configuration. */
  static async start(t, { codec = 'PCMU', hz, name = `lin${hz}`, answer = false, encryption = null, info = false,
    timer = 0, transport = 'udp', gateway = null, password = null, extra = {} }) {
    const phone = Object.assign(new Linphone(), { name, hz, output: '', position: 0 });
    phone.directory = mkdtempSync(join(tmpdir(), 'switchroom-linphone-'));
    phone.port = await freePort();
    phone.media = await freePort(8);
    mkdirSync(join(phone.directory, 'home'));
    writeFileSync(join(phone.directory, 'rc'), settings(phone, { codec, name, encryption, info, timer, transport, gateway,
      password, extra }));
    writeTone(join(phone.directory, 'tone.wav'), hz, 60);
    phone.run(t, answer);
    await until('linphonec is ready', () => phone.output.includes('linphonec>') || phone.exited, 15);
    await phone.command('soundcard use files', /Using wav files/);
    await phone.command(`play ${join(phone.directory, 'tone.wav')}`);
    await phone.command(`record ${join(phone.directory, 'heard.wav')}`);
    return phone;
  }

  run(t, answer) {
    const home = join(this.directory, 'home');
    this.child = spawn('linphonec', ['-c', join(this.directory, 'rc'), '-d', '6', '-l', join(this.directory, 'log'),
      ...(answer ? ['-a'] : [])], {
      cwd: this.directory, stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, LC_ALL: 'C.UTF-8' },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (data) => (this.output += data));
    this.child.stdin.on('error', () => {});
    this.exit = new Promise((resolve) => this.child.once('close', (code) => resolve({ code })));
    this.exit.then((result) => (this.exited = result));
    t.after(async () => {
      await this.quit();
      if (process.env.KEEP_LOGS) cpSync(join(this.directory, 'log'), join(process.env.KEEP_LOGS, `${this.name}.log`));
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  /** Types a line; with `shown` waits until what it prints from then on matches. */
  async command(line, shown = null, seconds = 10) {
    const from = this.output.length;
    this.child.stdin.write(`${line}\n`);
    return shown && this.shows(shown, seconds, from);
  }

  /** Waits until it has printed `pattern`, from the place `from` of its output on. */
  shows(pattern, seconds = 10, from = 0) {
    return until(`linphonec prints ${pattern}`, () => {
      if (this.exited) throw new Error(`linphonec ended: ${this.output.slice(-500)}`);
      return pattern.exec(this.output.slice(from));
    }, seconds).catch((error) => { throw new Error(`${error.message}: ${this.output.slice(-600)}`); });
  }

  /** Calls `uri` and waits for the answer and the media; gives the number it has for the call. */
  async dial(uri) {
    const [, id] = await this.command(`call ${uri}`, /assigned id (\d+)[^]*Media streams established/, 15);
    return Number(id);
  }

  /** The next call that comes in, once media flows (it answers by itself with `answer`); gives its number. */
  async called(from = 0) {
    const [, id] = await this.shows(/new incoming call from .*, assigned id (\d+)[^]*Media streams established/, 15, from);
    return Number(id);
  }

  /** What it wrote into its own log: every SIP message that it sent and got. */
  get log() {
    const path = join(this.directory, 'log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** What it heard in the newest call; its rate is that of the codec and stands in its log only. */
  get recording() {
    const path = join(this.directory, 'heard.wav');
    const opened = [...this.log.matchAll(/MSFileRec:\w+ from rate \[\d+\] to rate \[(\d+)\] and from channel \[\d\] to channel \[(\d)\]/g)];
    if (!opened.length || !existsSync(path)) return null;
    const [, rate, channels] = opened.at(-1).map(Number);
    return { path, format: { rate, channels } };
  }

  /** Waits until the strongest tone of the last half second is `hz`; null: until it hears nothing. */
  hears(hz, seconds = 15) {
    return hearsTone('linphonec', () => this.recording, hz, seconds);
  }

  async quit() {
    if (this.exited) return;
    this.child.stdin.write('terminate all\nquit\n');
    if (!(await Promise.race([this.exit, sleep(4000)]))) this.child.kill('SIGKILL');
    await this.exit;
  }
}
