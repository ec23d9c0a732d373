// The load generator: everybody is heard, and what a network takes away is told.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { runProgram } from './lib/program.mjs';

const settings = {
  sip: { bind: ['127.0.0.1'] },
  rtc: { bind: ['127.0.0.1'] },
  logging: { level: 'info' },
  limits: { invites_per_second_per_source: 0, max_cpu_utilization: 0, max_tick_lateness: 0 },
  trunks: [{ name: 'load', direction: 'inbound', allowed_addresses: ['127.0.0.1/32'] }],
  dispatch_rules: [{ name: 'load', type: 'callee' }],
};

/** Runs tools/load on `gateway`; resolves with its report and exit status. */
function load(t, gateway, ...args) {
  const program = join(dirname(dirname(t.options.binary)), 'tools', 'load', 'switchroom-load');
  const child = spawn(program, ['--gateway', `127.0.0.1:${gateway.config.sip_port}`, '--api', gateway.relayed,
    '--api-key', gateway.keys.key, '--api-secret', gateway.keys.secret, '--pid', String(gateway.process.pid), '--json', ...args]);
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  t.after(() => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      try {
        resolve({ code, ...JSON.parse(out) });
      } catch {
        reject(new Error(`switchroom-load ended with ${code}: ${err} ${out.slice(0, 500)}`));
      }
    });
  });
}

test('tools/load: 20 calls and 10 WebRTC participants, nothing is lost and the delay is told', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, settings);
  const { code, setup, groups, gateway: cost } = await load(t, gateway, '--sip', '20', '--webrtc', '10', '--rooms', '10',
    '--webrtc-codec', 'PCMU,opus', '--settle', '0.5', '--windows', '1', '--window', '2.5');
  t.equal([code, setup.participants, setup.failed, setup.failures], [0, 30, 0, []], 'how they came up');
  for (const [kind, wanted] of [['sip', 20], ['webrtc', 10]]) {
    const group = groups[kind];
    t.equal([group.up, group.lost, group.reported_lost], [wanted, 0, 0], `${kind}: up, lost, lost on the way to the gateway`);
    t.ok(group.sent > 0 && group.received > 0, `${kind}: ${group.sent} packets sent, ${group.received} received`);
    t.ok(group.delay_ms.n >= wanted / 2 && group.delay_ms.p50 > 0, `${kind}: ${JSON.stringify(group.delay_ms)}`);
  }
  t.ok(cost.cpu_percent > 0 && cost.rss_kb > 1000, `cost ${JSON.stringify(cost)}`);
  t.note(`delay ${JSON.stringify(groups.sip.delay_ms)}, ${cost.cpu_percent_per_participant.toFixed(3)} % of a core each`);
});

test('the gateway takes as many descriptors as it may have', { timeout: 60 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-limit-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const binary = join(directory, 'switchroom');
  writeFileSync(binary, `#!/bin/bash\nulimit -Sn 300\nulimit -Hn 600\nexec "${t.options.binary}" "$@"\n`);
  chmodSync(binary, 0o755);
  const gateway = await Gateway.start(Object.create(t, { options: { value: { ...t.options, binary } } }), settings);
  const limits = readFileSync(`/proc/${gateway.process.pid}/limits`, 'utf8');
  t.equal(/Max open files\s+(\d+)\s+(\d+)/.exec(limits).slice(1), ['600', '600'], 'soft and hard limit');
});

test('tools/load: what the network loses and delays is told', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, settings);
  const { code, groups } = await load(t, gateway, '--sip', '10', '--rooms', '5', '--sdes', 'cm', '--settle', '0.5',
    '--windows', '1', '--window', '3', '--loss', '10', '--delay', '60', '--reorder', '10', '--duplicate', '10', '--network', 'down');
  const { sip } = groups;
  t.equal([code, sip.up], [0, 10], 'up');
  t.ok(sip.loss_percent > 5 && sip.loss_percent < 16, `${sip.loss_percent} % of 10 % were found lost`);
  t.ok(sip.duplicates > 0 && sip.reordered > 0, `${sip.duplicates} of 10 % came twice, ${sip.reordered} of 10 % behind others`);
  t.ok(sip.delay_ms.n > 0 && sip.delay_ms.p50 >= 59, `delay ${JSON.stringify(sip.delay_ms)} of 60 ms`);
});

test('tools/load: who was refused is told, and why', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { ...settings, dispatch_rules: [{ name: 'other', type: 'callee', trunks: ['other'] }],
    trunks: [...settings.trunks, { name: 'other', direction: 'inbound', numbers: ['1'] }] });
  const { code, setup } = await load(t, gateway, '--sip', '2', '--settle', '0', '--windows', '1', '--window', '0.2');
  t.equal([code, setup.failed], [1, 2], 'refused calls');
  t.ok(/^sip 0: answered with [45]\d\d$/.test(setup.failures[0]), setup.failures[0]);
});

test('tools/load: what cannot be run is refused with the option that is wrong', {}, async (t) => {
  const program = join(dirname(dirname(t.options.binary)), 'tools', 'load', 'switchroom-load');
  const cases = [
    [[], /^--sip, --webrtc, --janus-participants, --relay: must be one participant/],
    [['--sip', '-4'], /^--sip: must be 0 to/],
    [['--sip', '1', 'more'], /^"more" is no option/],
    [['--webrtc', '1'], /^--api-secret: must be given/],
    [['--relay', '1'], /^--relay-port: must be given/],
    [['--sip', '1', '--loss', '100'], /^--loss: must be 0 to 99/],
    [['--sip', '1', '--loss', '5', '--burst', '-3'], /^--burst: must be 1 to/],
    [['--sip', '1', '--delay', '900', '--jitter', '200'], /^--delay, --jitter: must be/],
    [['--sip', '1', '--reorder', '80'], /^--reorder, --duplicate: must be/],
    [['--sip', '1', '--spurt', '2'], /^--spurt, --pause: must be given both/],
    [['--sip', '1', '--windows', '1000'], /^--windows: must be 1 to 100/],
    [['--sip', '1', '--gateway', 'nowhere'], /^--gateway: must be a numeric address/],
  ];
  for (const [args, wanted] of cases) {
    const { status, stderr } = await runProgram(program, args, { timeout: 10000 });
    t.ok(status === 2 && wanted.test(stderr.replace(/^switchroom-load: /, '')), `${args.join(' ')}: ${status}, ${stderr.trim()}`);
  }
});
