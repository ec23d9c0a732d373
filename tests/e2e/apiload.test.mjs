// The API under load beside calls with audio. With --long, on a machine that has nothing else to do.
import http from 'node:http';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { test, until, sleep } from './lib/tap.mjs';
import { ulawTone } from './lib/audio.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Rpc } from './lib/rpc.mjs';
import { sipp } from './lib/sipp.mjs';
import { stalledSince } from './lib/stalls.mjs';
import { parse, valueOf } from './lib/prometheus.mjs';
import { checkTwirp } from './lib/twirp.mjs';
import { Watcher, requestOf, watchers } from './lib/watcher.mjs';

const settings = {
  sip: { bind: ['127.0.0.1'] },
  rtp_port: { start: 40000, end: 44999 },
  logging: { level: 'info' },
  limits: { invites_per_second_per_source: 0, max_cpu_utilization: 0, max_tick_lateness: 0 },
  trunks: [{ name: 'load', direction: 'inbound', allowed_addresses: ['127.0.0.1/32'] }],
  dispatch_rules: [{ name: 'load', type: 'callee' }],
};

const mainCpu = ({ process: { pid } }) => Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
const metrics = async (gateway) => parse(await (await fetch(`${gateway.url}/metrics`)).text());

/** `rate` requests a second on one connection for `seconds`, of several methods; gives the times to the answers, and how many
 * were answered a second until the last one, without what this process stood still for while it waited for it. */
async function paced(gateway, calls, rate, seconds) {
  const client = await Watcher.connect(gateway.ws, gateway.token('busy'));
  const methods = [['server.info'], ['call.get', { sip_call_id: calls[0].sip_call_id }], ['room.get', { name: calls[1].room_name }],
    ['participant.list', { room: calls[2].room_name }], ['call.list', { room: calls[4].room_name }], ['room.update', { name: calls[3].room_name, metadata: 'm' }]];
  const begun = [], times = [];
  let failed = 0, last;
  client.onMessage = (payload) => {
    const { id, error } = JSON.parse(payload);
    last = performance.now();
    times.push(last - begun[id]);
    if (error) failed++;
  };
  const start = performance.now();
  for (let now = 0; now < seconds * 1000; now = performance.now() - start) {
    const due = [];
    while (begun.length < (now * rate) / 1000) {
      due.push(requestOf(begun.length, ...methods[begun.length % methods.length]));
      begun.push(performance.now());
    }
    if (due.length) client.send(...due);
    await sleep(1);
  }
  const asked = performance.now();
  await until('all answers', () => times.length === begun.length, 20);
  client.drop();
  return { answered: (1000 * times.length) / (last - start - stalledSince(asked)), failed, times: times.sort((a, b) => a - b) };
}

/** Posts over `width` connections that stay open, each waiting for its answer, for `seconds`. */
async function posts(gateway, path, body, width, seconds) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: width });
  const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length, Authorization: `Bearer ${gateway.token('posts')}` };
  const end = performance.now() + seconds * 1000;
  let answered = 0;
  const all = []; // looked at afterwards
  const one = () => new Promise((resolve, reject) => {
    const request = http.request(`${gateway.url}${path}`, { method: 'POST', agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => (all.push([response, chunks]), response.statusCode === 200 ? resolve() : reject(new Error(`${path}: ${response.statusCode}`))));
    });
    request.on('error', reject);
    request.end(body);
  });
  await Promise.all(Array.from({ length: width }, async () => {
    for (; performance.now() < end; answered++) await one();
  }));
  agent.destroy();
  for (const [{ statusCode, headers: { 'content-type': type } }, chunks] of all)
    checkTwirp(`${gateway.url}${path}`, statusCode, type, Buffer.concat(chunks));
  return answered / seconds;
}

async function loaded(t, { calls, idle, rate, seconds }) {
  const gateway = await Gateway.start(t, settings);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await watchers(t, gateway, idle, null);
  const side = (port) => sipp(t, gateway, 'load_rtp', { calls: calls / 2, rate: 50, together: calls / 2, seconds: seconds + 90,
    files: { 'tone.ul': ulawTone(500) }, more: ['-d', String((seconds + 25) * 1000), '-mp', String(port)] });
  const sides = [await side(48000), await side(52000)];
  const active = async () => (await rpc.call('call.list', { limit: 1000 })).calls.filter((call) => call.status === 'active');
  const list = await until(`${calls} calls`, async () => ((list) => list.length === calls && list)(await active()), 60);
  const before = mainCpu(gateway), skipped = valueOf(await metrics(gateway), 'switchroom_media_ticks_skipped_total');
  const { answered, failed, times } = await paced(gateway, list, rate, seconds);
  const used = mainCpu(gateway) - before;
  t.note(`${calls} calls, ${idle} idle connections, ${answered.toFixed(0)} requests/s answered: main thread ${((100 * used) / seconds).toFixed(0)} % of a core, `
    + `answers after ${at(times, 0.5).toFixed(1)} ms (half), ${at(times, 0.99).toFixed(1)} ms (99 %); load average ${loadavg()[0].toFixed(1)}`);
  const families = await metrics(gateway);
  const late = Math.max(...families.get('switchroom_media_tick_late_p99_seconds').samples.map(({ value }) => value));
  t.note(`media ticks: 99 % within ${(1000 * late).toFixed(1)} ms, ${valueOf(families, 'switchroom_media_ticks_skipped_total') - skipped} skipped; `
    + `the main thread stood still ${valueOf(families, 'switchroom_main_stalls_total')} times, for ${valueOf(families, 'switchroom_main_stalled_seconds_total').toFixed(1)} s; `
    + `${valueOf(families, 'switchroom_websocket_paused_total')} times a client was not read from`);
  const posted = await posts(gateway, '/twirp/livekit.RoomService/ListRooms', '{"names":["x"]}', 8, 3);
  t.note(`Twirp's ListRooms over 8 connections kept alive: ${Math.round(posted)} a second, beside the calls`);
  await Promise.all(sides.map(({ done }) => done));
  await until('no call is left', async () => (await rpc.call('server.stats')).calls === 0, 30);
  const over = await metrics(gateway);
  const lost = valueOf(over, 'switchroom_call_packets_lost_total', { way: 'in' });
  const packets = valueOf(over, 'switchroom_call_packets_total', { way: 'in' });
  t.note(`${packets} packets in, ${lost} lost`);
  t.equal(failed, 0, 'requests that failed');
  t.ok(answered >= 0.99 * rate, `${answered} requests were answered a second, of ${rate}`);
  t.equal(valueOf(over, 'switchroom_calls_ended_total', { result: 'answered' }), calls, 'calls');
  t.ok(packets > 45 * seconds * calls, `only ${packets} packets`);
  t.equal(lost, 0, 'packets lost');
}

test('2000 requests a second on one connection, 500 idle ones, 200 calls with audio: no packet is lost',
  { alone: true, long: true, timeout: 240 }, (t) => loaded(t, { calls: 200, idle: 500, rate: 2000, seconds: 20 }));
