// Many connections that watch, and some that do not read.
import { readFileSync } from 'node:fs';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Rpc } from './lib/rpc.mjs';
import { Watcher, requestOf, watchers } from './lib/watcher.mjs';

/* CPU time of the main thread, in microseconds. */
const mainCpu = ({ process: { pid } }) => Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;

/* What an event takes on the wire: its text as short as JSON can be, behind the head of its frame (RFC 6455 5.2). */
function sizeOf(event) {
  const size = Buffer.byteLength(JSON.stringify({ jsonrpc: '2.0', method: 'event', params: event }));
  return size + (size < 126 ? 2 : size < 65536 ? 4 : 10);
}

/* µs of the main thread for a request: the least of four rounds, since what else runs on the machine costs too. */
async function requestCost(gateway, rpc, count) {
  const rounds = [];
  for (let round = 0; round < 4; round++) {
    const before = mainCpu(gateway);
    for (let i = 0; i < count; i++) await rpc.call('server.info');
    rounds.push((mainCpu(gateway) - before) / count);
  }
  return Math.min(...rounds);
}

async function many(t, count, rooms) {
  const gateway = await Gateway.start(t, { logging: { level: 'info' } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const alone = await requestCost(gateway, rpc, count / 4);
  const rss = gateway.rssKb();
  const all = await watchers(t, gateway, count);
  await until('all watch', () => all.every((watcher) => watcher.messages === 1), 30);
  const memory = (gateway.rssKb() - rss) / count;
  const beside = await requestCost(gateway, rpc, count / 4);
  const seen = [all[0], all[count >> 1], all.at(-1)].map((watcher) => {
    const events = [];
    watcher.onMessage = (payload) => events.push(JSON.parse(payload).params);
    return events;
  });
  const told = (watcher) => watcher.bytes - watcher.controlBytes; // pings come when they come
  const bytes = all.map(told), before = mainCpu(gateway);
  for (let i = 0; i < rooms; i++) await rpc.call('room.create', { name: `room-${i}`, metadata: 'm'.repeat(500) });
  await until('everybody has seen every room', () => all.every((watcher) => watcher.messages === 1 + rooms), 60);
  const cost = (mainCpu(gateway) - before) / (rooms * count);
  for (const events of seen)
    t.equal(events.map(({ type, room, seq }) => [type, room, seq]), Array.from({ length: rooms }, (_, i) => ['room_started', `room-${i}`, 1]), 'events');
  const size = seen[0].reduce((sum, event) => sum + sizeOf(event), 0), after = (gateway.rssKb() - rss) / count;
  t.equal(all.filter((watcher, i) => told(watcher) - bytes[i] !== size).length, 0, `who was not sent ${size} bytes`);
  t.note(`${count} watchers: ${memory.toFixed(1)} kB of memory each, ${after.toFixed(1)} kB when they have seen the events; ${alone.toFixed(0)} µs a request without them, ${beside.toFixed(0)} µs beside them; `
    + `${cost.toFixed(1)} µs for each event of ${(size / rooms).toFixed(0)} bytes and watcher`);
  if (t.options.sanitized) return;
  t.ok(memory < 30 && after < 30, `${memory} kB of memory for each, then ${after} kB`);
  t.ok(!t.options.long || beside < 2 * alone, `a request costs ${beside} µs beside ${count} quiet connections, ${alone} µs without them`);
}

test('200 connections watch: each event reaches all, quiet ones cost nothing', {}, (t) => many(t, 200, 20));
test('1000 connections watch', { long: true, alone: true, timeout: 180 }, (t) => many(t, 1000, 200));

test('who does not read its events is cut off with a reason, others see all of them, and the replay says its gap', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { logging: { level: 'info' } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const { epoch } = await rpc.call('room.watch', { name: 'busy' });
  const [slow] = await watchers(t, gateway, 1, 'busy');
  await until('it watches', () => slow.messages === 1);
  slow.socket.pause();
  const metadata = 'm'.repeat(60000);
  const closed = () => gateway.lines(/Closed a connection whose client does not read/).length;
  let rounds = 0;
  for (; rounds < 400 && !closed(); rounds++) {
    await rpc.call('room.create', { name: 'busy', metadata });
    await rpc.call('room.delete', { name: 'busy' });
  }
  slow.socket.resume();
  await until('the close frame', () => slow.closeCode);
  t.equal(slow.closeCode, 1008, 'the code');
  t.ok(/^slow consumer: \d+ bytes are not read$/.test(slow.closeReason), slow.closeReason);
  t.equal(rpc.events.map(({ seq }) => seq), Array.from({ length: 2 * rounds }, (_, i) => i + 1), 'events of the one who reads');
  const back = await Rpc.connect(gateway.ws, gateway.token('back'));
  t.after(() => back.close());
  const missed = await back.call('room.watch', { name: 'busy', from_seq: 1, epoch });
  t.equal([missed.gap, missed.seq], [true, 2 * rounds], 'a replay from the first event');
  const late = await Rpc.connect(gateway.ws, gateway.token('late'));
  t.after(() => late.close());
  await late.call('room.watch', { name: 'busy', from_seq: 2 * rounds - 2, epoch });
  await until('the last two', () => late.events.length === 2);
  t.equal(late.events.map(({ seq }) => seq), [2 * rounds - 1, 2 * rounds], 'what was missed');
});

test('who sends requests faster than it reads has to wait, gets every answer, and nobody else notices', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { logging: { level: 'info' } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const greedy = await Watcher.connect(gateway.ws, gateway.token('greedy'));
  t.after(() => greedy.drop());
  const count = 250; // answers of 80 kB: above what the kernel takes
  greedy.socket.pause();
  greedy.send(...Array.from({ length: count }, (_, i) => requestOf(i, 'server.methods')));
  const paused = async () => Number(/^switchroom_websocket_paused_total (\d+)$/m.exec(await (await fetch(`${gateway.url}/metrics`)).text())[1]);
  await until('it is not read from', paused, 20);
  for (let i = 0; i < 20; i++) await rpc.call('server.info');
  t.equal([greedy.messages, greedy.isClosed], [0, undefined], 'it has not read yet');
  const ids = [];
  greedy.onMessage = (payload) => ids.push(Number(/"id": ?(\d+)/.exec(payload.subarray(0, 60).toString() + payload.subarray(-60).toString())[1]));
  greedy.socket.resume();
  await until('all answers', () => ids.length === count, 40);
  t.equal(ids, Array.from({ length: count }, (_, i) => i), 'their order');
});
