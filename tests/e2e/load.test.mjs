// Loads with SIPp: calls set up and torn down at a rate, and many at once with audio. They run with --long, on a machine
// that has nothing else to do.
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, until, sleep } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { ulawTone } from './lib/audio.mjs';
import { sipp } from './lib/sipp.mjs';
import { Rpc } from './lib/rpc.mjs';

const settings = {
  sip: { bind: ['127.0.0.1'] },
  rtp_port: { start: 40000, end: 47999 },
  logging: { level: 'info' },
  limits: { invites_per_second_per_source: 0, max_cpu_utilization: 0 },
  trunks: [{ name: 'load', direction: 'inbound', allowed_addresses: ['127.0.0.1/32'] }],
  dispatch_rules: [{ name: 'load', type: 'callee' }],
};

/* Seconds of CPU that the process has used. */
const cpu = (gateway) => {
  const fields = readFileSync(`/proc/${gateway.process.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

async function start(t, more = {}) {
  const gateway = await Gateway.start(t, { ...settings, ...more });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  return { gateway, rpc };
}

async function rate(t, transport, time) {
  const { gateway, rpc } = await start(t);
  const before = cpu(gateway);
  const calls = 200 * time;
  const { done } = await sipp(t, gateway, 'load_call', { calls, rate: 200, together: 4000, seconds: 180, transport, more: ['-d', '1000'] });
  await done;
  const used = cpu(gateway) - before;
  await until('no call is left', async () => (await rpc.call('server.stats')).calls === 0, 20);
  const stats = await rpc.call('server.stats');
  t.note(`${((1000 * used) / calls).toFixed(2)} ms of CPU a call (load average ${loadavg()[0].toFixed(1)}), ${((100 * used) / time).toFixed(0)} % of a core; RSS ${(gateway.rssKb() / 1024).toFixed(0)} MiB`);
  t.equal([stats.calls_total, stats.calls_failed], [calls, 0], 'calls');
}

for (const [transport, time] of [['udp', 60], ['tcp', 20]])
  test(`load: 200 calls a second over ${transport}, none fails`, { alone: true, long: true, timeout: 300 }, (t) => rate(t, transport, time));

/** A phone that is always busy, as host:port. */
async function busyPhone(t) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 22 });
  t.after(() => socket.close());
  socket.on('message', (data, { port, address }) => {
    const lines = data.toString().split('\r\n');
    if (!lines[0].startsWith('INVITE')) return;
    const same = lines.filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line))
      .map((line) => (/^To:/i.test(line) ? `${line};tag=busy` : line));
    socket.send(['SIP/2.0 486 Busy Here', ...same, 'Content-Length: 0', '', ''].join('\r\n'), port, address);
  });
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return `127.0.0.1:${socket.address().port}`;
}

test('load: 200 calls a second are dialled, each answered when its record is on the disk', { alone: true, long: true, timeout: 120 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-load-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const { gateway, rpc } = await start(t, { storage: { path: join(directory, 'a.db') } });
  const hostname = await busyPhone(t), calls = 4000, answers = [], took = [];
  const dial = async (n) => {
    const began = performance.now();
    await rpc.call('participant.create', { room_name: `room${n % 50}`, participant_identity: `p${n}`, sip_call_to: '100', trunk: { hostname } });
    took.push(performance.now() - began);
  };
  const before = cpu(gateway), began = performance.now();
  for (let n = 0; n < calls; n++) {
    await sleep(Math.max(began + n * 5 - performance.now(), 0));
    answers.push(dial(n));
  }
  await Promise.all(answers);
  const seconds = (performance.now() - began) / 1000, used = cpu(gateway) - before;
  took.sort((a, b) => a - b);
  t.note(`answered after ${[0.5, 0.99].map((part) => took[Math.floor(part * calls)].toFixed(1)).join(' ms, 99 % after ')} ms, `
    + `${((1000 * used) / calls).toFixed(2)} ms of CPU a call (load average ${loadavg()[0].toFixed(1)})`);
  t.ok(seconds < calls / 200 + 5, `${calls} calls took ${seconds.toFixed(1)} s`);
});

test('load: 1000 calls at once with audio both ways', { alone: true, long: true, timeout: 300 }, async (t) => {
  const { gateway, rpc } = await start(t);
  const files = { 'tone.ul': ulawTone(500) };
  const side = (port) => sipp(t, gateway, 'load_rtp', { calls: 500, rate: 50, together: 500, seconds: 180, files,
    more: ['-d', '40000', '-mp', String(port)] });
  const sides = [await side(48000), await side(52000)];
  await until('1000 calls', async () => (await rpc.call('server.stats')).calls === 1000, 30);
  const before = cpu(gateway);
  await sleep(10000);
  t.note(`${((cpu(gateway) - before) * 10).toFixed(0)} % of a core (load average ${loadavg()[0].toFixed(1)}), RSS ${(gateway.rssKb() / 1024).toFixed(0)} MiB`);
  await Promise.all(sides.map(({ done }) => done));
  await until('no call is left', async () => (await rpc.call('server.stats')).calls === 0, 20);
  await until('their summaries', () => gateway.lines(/Call summary/).length >= 1000);
  const summaries = gateway.lines(/Call summary/).map((line) => Object.fromEntries([...line.matchAll(/(\w+)=(\S+)/g)]
    .map(([, name, value]) => [name, Number(value)])));
  const sum = (name) => summaries.reduce((total, each) => total + each[name], 0);
  const worst = Math.min(...summaries.map((each) => each.mosIn));
  t.note(`${sum('packetsIn')} packets in, ${sum('lostIn')} lost, jitter ${(sum('jitterIn') / 1000).toFixed(1)} ms; `
    + `${sum('packetsOut')} out; worst MOS ${worst}`);
  t.equal(summaries.length, 1000, 'calls');
  t.ok(summaries.every((each) => each.packetsIn > 45 * each.duration && each.packetsOut > 45 * each.duration), 'calls without audio');
  t.ok(sum('lostIn') < 0.001 * sum('packetsIn'), `${sum('lostIn')} packets lost`);
});

/* The limit is low, so that the generator, which shares the machine, stays well below its own. */
test('overload: past capacity calls are refused, those that are up lose nothing', { alone: true, long: true, timeout: 300 }, async (t) => {
  const gateway = await Gateway.start(t, { ...settings, media: { workers: 1 },
    limits: { ...settings.limits, max_cpu_utilization: 0.08 } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const files = { 'tone.ul': ulawTone(500) };
  const many = (port) => sipp(t, gateway, 'load_rtp', { calls: 600, rate: 20, together: 600, seconds: 120, files,
    more: ['-d', '30000', '-mp', String(port)] });
  const sides = [many(48000), many(52000)];
  let worst = 0;
  await until('an overload', async () => (await gateway.status('/readyz')) === 503, 120);
  const at = (await rpc.call('server.stats')).workers[0];
  t.note(`refusing at ${at.legs} legs: load ${at.load.toFixed(2)}, p99 of lateness ${at.tick_late_p99_ms.toFixed(1)} ms`);
  for (let i = 0; i < 20; i++) {
    await sleep(500);
    worst = Math.max(worst, (await rpc.call('server.stats')).workers[0].tick_late_p99_ms);
  }
  await Promise.allSettled((await Promise.all(sides)).map(({ done }) => done));
  await until('no call is left', async () => (await rpc.call('server.stats')).calls === 0, 60);
  const summaries = gateway.lines(/Call summary/).map((line) => Object.fromEntries([...line.matchAll(/(\w+)=(\S+)/g)]
    .map(([, name, value]) => [name, Number(value)])));
  const sum = (name) => summaries.reduce((total, each) => total + (each[name] || 0), 0);
  t.note(`${summaries.length} calls, ${gateway.lines(/Call refused.*status=503/).length} refused; ${sum('packetsIn')} packets in, `
    + `${sum('lostIn')} lost; worst p99 of lateness ${worst.toFixed(1)} ms`);
  t.ok(gateway.lines(/Call refused.*status=503/).length > 0, 'none refused');
  t.ok(sum('lostIn') < 0.001 * sum('packetsIn'), `${sum('lostIn')} packets lost`);
});
