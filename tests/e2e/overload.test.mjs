// Past its limits the gateway takes no new calls; those that are up go on, and afterwards new ones come in again.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, until, sleep } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';
import { stalledSince } from './lib/stalls.mjs';

const OPUS = ['m=audio PORT RTP/AVP 96', 'a=rtpmap:96 opus/48000/2'];
const MOST = 250; // phones: some 60 take a quarter of a core
const offer = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=rtcp-mux',
  'a=mid:0', 'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=setup:actpass', 'a=sendrecv', 'a=msid:s t',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=rtpmap:111 opus/48000/2', ''].join('\r\n');

/** Encodes with all its effort, and takes whatever comes. */
const settings = (workers) => ({
  media: { workers, opus_complexity: 10, opus_complexity_min: 10, timeout: '5m' }, // the phones only listen
  rtp_port: { start: 16100, end: 20999 }, // more than the others have, below what they choose from
  logging: { level: 'info' },
  limits: { invites_per_second_per_source: 0, max_cpu_utilization: 0, max_tick_lateness: 0 },
});

async function connect(t, gateway, identity) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token(identity));
  t.after(() => rpc.close());
  return rpc;
}

/** A phone in `room` that hears a tone, encoded for it alone; null: it was refused. */
async function listener(t, gateway, rpc, room) {
  const phone = await RawCall.open(t, gateway, room, 'lea');
  if ((await phone.invite(sdp(phone.mediaPort, OPUS))).status !== 200) return null;
  await rpc.call('participant.play', { room_name: room, identity: 'sip_lea', tone: 'dial', loop: true });
  return phone;
}

/** Phones in `rooms`, so many that they take `share` of a core: {phones, stats}. */
async function fill(t, gateway, rpc, rooms, share) {
  const phones = [];
  for (let wanted = 16; ;) {
    while (phones.length < wanted)
      phones.push(...await Promise.all(rooms.slice(phones.length, Math.min(wanted, phones.length + 8)).map((room) => listener(t, gateway, rpc, room))));
    t.ok(!phones.includes(null), 'somebody was refused');
    await sleep(1200);
    const seconds = []; // loads are those of a whole second, and one of them alone may be a peak
    for (let i = 0; i < 3; i++) {
      await sleep(1100);
      const stats = await rpc.call('server.stats');
      seconds.push({ stats, load: stats.workers.reduce((sum, worker) => sum + worker.load, 0) });
    }
    const { stats, load } = seconds.reduce((least, each) => (each.load < least.load ? each : least));
    if (load >= share) return { phones, stats };
    t.ok(wanted < rooms.length, `${wanted} phones take ${load} of a core`);
    wanted = Math.min(rooms.length, Math.max(wanted + 4, Math.ceil(1.15 * wanted * share / Math.max(load, 0.02))));
  }
}

/** Has the file read again, with other `limits`. */
async function limit(gateway, limits) {
  const config = { ...gateway.config, limits: { ...gateway.config.limits, ...limits } };
  writeFileSync(join(gateway.directory, 'config.yaml'), Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join(''));
  gateway.process.kill('SIGHUP');
  await gateway.line(/Configuration read again/);
}

const STANDSTILL = 15; // packets: 300 ms of the gateway's, of which a worker makes up for 100

/* RTCP for a phone comes to the port beside its own, where another one's media may be. */
const isMedia = (packet) => packet[1] < 200 || packet[1] > 207;

/** Each of `phones` hears on, for two seconds: it comes all the time, and nothing is missing. */
async function hearOn(t, phones, when) {
  const heard = phones.map(({ packets }) => ({ packets, from: packets.length }));
  for (let part = 0, last = heard.map(() => 0); part < 2; part++) {
    const begun = performance.now();
    await sleep(1000);
    const due = (performance.now() - begun) / 20, stalled = stalledSince(begun) / 20;
    const waited = stalledSince(begun - 3000) / 20; // what came while this process stood still is read later
    const counts = heard.map(({ packets, from }) => packets.slice(from).filter(isMedia).length);
    const odd = counts.map((count, i) => count - last[i])
      .filter((came) => came < 0.7 * due - stalled - STANDSTILL || came > 1.3 * due + waited + 5);
    t.equal(odd, [], `${when}: packets for a phone when ${due.toFixed(0)} were due`);
    last = counts;
  }
  const numbers = heard.map(({ packets, from }) => packets.slice(from).filter(isMedia).map((packet) => packet.readUInt16BE(2)));
  t.equal(numbers.flatMap((each) => each.filter((number, i) => i && number !== ((each[i - 1] + 1) & 0xffff))), [], `${when}: what came after a missing one`);
}

/** Calls, sessions and calls out are refused, all with `reason`. */
async function refuses(t, gateway, rpc, room, reason) {
  const refusal = await (await RawCall.open(t, gateway, room)).invite();
  t.equal([refusal.status, refusal.headers['retry-after']], [503, ['5']], 'a call');
  const join = await rpc.fails('session.join', { room, identity: 'eve', sdp: offer });
  const dial = await rpc.fails('participant.create', { room_name: room, sip_call_to: '1', trunk: { hostname: '127.0.0.1:9' } });
  t.equal([join.data.code, dial.data.code], ['resource_exhausted', 'resource_exhausted'], 'session.join, participant.create');
  t.ok(reason.test(join.message) && reason.test(dial.message), `${join.message} / ${dial.message}`);
}

/** Keeps the main thread of `gateway` busy with requests until `stop()`. */
async function hammer(t, gateway) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('hammer'));
  const busy = { stopped: false };
  const one = async () => {
    while (!busy.stopped) await rpc.call('server.stats');
  };
  const all = Promise.all(Array.from({ length: 16 }, one));
  busy.stop = async () => {
    busy.stopped = true;
    await all;
    rpc.close();
  };
  t.after(() => (busy.stopped = true));
  return busy;
}

test('overload: new calls and sessions are refused, running ones go on, then new ones are taken', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t, { media: { timeout: '5m' }, limits: { max_cpu_utilization: 0.025 } });
  const rpc = await connect(t, gateway, 'operator');
  const taken = (room) => until(`a call to room ${room} is taken`, async () => { // its start is work for a gateway too
    const phone = await listener(t, gateway, rpc, room);
    if (!phone) await sleep(500);
    return phone;
  });
  const running = [await taken('a')];
  await sleep(500);
  await hearOn(t, running, 'before');

  const busy = await hammer(t, gateway);
  await until('/readyz is 503', async () => (await gateway.status('/readyz')) === 503, 30);
  await refuses(t, gateway, rpc, 'b', /the main thread is overloaded \(cpu\)/);
  t.equal((await rpc.call('server.stats')).main.refusing, 'main_cpu', 'server.stats');
  await gateway.line(/Overloaded: new calls are refused.*thread=main reason=cpu/);

  await busy.stop();
  await hearOn(t, running, 'while it still refuses');
  await until('/readyz is 200', async () => (await sleep(500), await gateway.status('/readyz')) === 200, 30); // asking is work too
  await gateway.line(/Load is back to normal/);
  await taken('c');
  await hearOn(t, running, 'afterwards');
});

/** The gateway on one core. */
function pinned(t) {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-core-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const binary = join(directory, 'switchroom');
  writeFileSync(binary, `#!/bin/bash\ncores=$(taskset -cp $$)\nexec taskset -c "$(grep -o '[0-9]*$' <<< "$cores")" "${t.options.binary}" "$@"\n`);
  chmodSync(binary, 0o755);
  return Object.create(t, { options: { value: { ...t.options, binary } } });
}

/** Keeps `gateway` from its cores again and again, for less than a media worker makes up for, until the test ends or `stop()`. */
function disturb(t, gateway) {
  const timer = setInterval(() => {
    gateway.process.kill('SIGSTOP');
    setTimeout(() => gateway.process.kill('SIGCONT'), 40);
  }, 400);
  const stop = () => {
    clearInterval(timer);
    gateway.process.kill('SIGCONT');
  };
  t.after(stop);
  return stop;
}

/* Calls take `share` of a core, and the limits are such that this is too much. A late worker is overloaded from a quarter on. */
const CASES = [
  { reason: 'worker_late', workers: 1, share: 0.3, limits: () => ({ max_tick_lateness: '5ms' }), disturbed: true,
    said: /every media worker is overloaded \(late\): later than limits\.max_tick/, thread: 'media-0' },
  { reason: 'worker_cpu', workers: 1, share: 0.12, limits: ({ workers }) => ({ max_cpu_utilization: 0.75 * workers[0].load }),
    said: /every media worker is overloaded \(cpu\): busier than limits\.max_cpu/, thread: 'media-0' },
  { reason: 'process_cpu', workers: 2, share: 0.12, limits: ({ process }) => ({ max_cpu_utilization: 0.75 * process.load }), start: pinned,
    said: /the cores of the process are overloaded \(cpu\)/, thread: 'process' },
];

for (const { reason, workers, share, limits, disturbed, said, thread, start = (t) => t } of CASES)
  test(`overload: ${reason} by calls: no more are taken, each of them goes on, then more are taken`, { timeout: 90 }, async (t) => {
    const gateway = await Gateway.start(start(t), settings(workers));
    const rpc = await connect(t, gateway, 'operator');
    const { phones, stats } = await fill(t, gateway, rpc, Array.from({ length: MOST }, (_, i) => `r${i}`), share);
    if (reason === 'worker_cpu' && stats.process.cores < 2) return t.note('left out: with less than two cores the process is full first');
    await limit(gateway, limits(stats));
    const stop = disturbed ? disturb(t, gateway) : () => {};
    await gateway.line(new RegExp(`Overloaded: new calls are refused.*thread=${thread} reason=${reason.split('_')[1]}`), 30);
    await refuses(t, gateway, rpc, 'new', said);
    t.equal([(await rpc.call('server.stats')).main.refusing, await gateway.status('/readyz')], [reason, 503], 'server.stats, /readyz');
    await hearOn(t, phones, 'overloaded');
    stop();
    for (const phone of phones.slice(1)) phone.request('BYE');
    await until('/readyz is 200', async () => (await sleep(200), await gateway.status('/readyz')) === 200);
    await gateway.line(/Load is back to normal/);
    await hearOn(t, [phones[0], await listener(t, gateway, rpc, 'afterwards')], 'afterwards');
    t.note(`${phones.length} phones, ${JSON.stringify(stats.workers.map(({ load }) => load))} of a core`);
  });

test('overload: who is on a media worker that is overloaded stays, others come to the other one', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t, settings(2));
  const rpc = await connect(t, gateway, 'operator');
  const rooms = Array.from({ length: 2 * MOST }, (_, i) => `r${i}`); // on the workers in turn
  await Promise.all(rooms.map((name) => rpc.call('room.create', { name })));
  const [full, free] = [0, 1].map((worker) => rooms.filter((_, i) => i % 2 === worker));
  const move = (identity, room_name, to_room, way = 'call') => rpc[way]('participant.move', { room_name, identity, to_room });
  const [ada, bob] = [await connect(t, gateway, 'ada'), await connect(t, gateway, 'bob')];
  await ada.call('session.join', { room: free[0], sdp: offer });
  await bob.call('session.join', { room: free[0], sdp: offer });
  const { phones, stats } = await fill(t, gateway, rpc, full, 0.12);
  if (stats.process.cores < 2) return t.note('left out: with less than two cores the process is full first');
  const outside = await listener(t, gateway, rpc, free[1]);
  t.equal((await move('ada', free[0], full[0])).moved, false, 'ada is to join the other room, when it was not full yet');

  await limit(gateway, { max_cpu_utilization: 0.8 * stats.workers[0].load });
  await gateway.line(/Overloaded: new calls are refused.*thread=media-0 reason=cpu/, 30);
  const now = await rpc.call('server.stats');
  t.equal([now.workers.map(({ refusing }) => refusing), now.main.refusing, await gateway.status('/readyz')], [['cpu', null], null, 200], 'who refuses');
  await refuses(t, gateway, rpc, full[1], /the media worker of this room is overloaded \(cpu\)/);
  for (const [who, room] of [['bob', free[0]], ['sip_lea', free[1]]]) {
    t.equal((await move(who, room, full[1], 'fails')).data.code, 'resource_exhausted', `${who} is moved there`);
    t.equal((await rpc.call('participant.get', { room, identity: who })).participant.identity, who, 'who stays');
  }
  t.equal(bob.notifications.filter(({ method }) => /^session\.(moved|closed)$/.test(method)), [], 'what bob is told');
  t.ok((await ada.call('session.join', { room: full[0], sdp: offer })).participant, 'ada, who was sent there before');
  t.equal((await move('sip_lea', full[0], full.at(-1))).moved, true, 'from a room of the worker to another of it');
  t.ok(await listener(t, gateway, rpc, 'new'), 'a call to a new room');
  const many = now.workers[0].legs + now.workers[0].rooms; // were it not full, some of them would be there
  await Promise.all(Array.from({ length: many }, (_, i) => rpc.call('room.create', { name: `new${i}` })));
  const gained = async () => (await rpc.call('server.stats')).workers.map((worker, i) => worker.rooms - now.workers[i].rooms);
  await until('the workers have the new rooms', async () => (await gained()).reduce((sum, rooms) => sum + rooms) === many + 1);
  t.equal(await gained(), [0, many + 1], 'new rooms of each');
  await hearOn(t, [...phones, outside], 'overloaded');
  t.note(`${phones.length} phones, ${stats.workers[0].load} of a core`);
});

test('a standstill of the process is told as long as it was, and refuses nobody', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { media: { timeout: '5m' }, limits: { max_cpu_utilization: 0, max_tick_lateness: '500ms' } });
  const rpc = await connect(t, gateway, 'operator');
  const phone = await listener(t, gateway, rpc, 'a');
  await sleep(500);
  gateway.process.kill('SIGSTOP');
  await sleep(2500);
  gateway.process.kill('SIGCONT');
  const seen = [];
  for (const end = performance.now() + 3000; performance.now() < end; await sleep(100)) {
    const { workers: [worker], main } = await rpc.call('server.stats');
    seen.push({ worst: worker.tick_late_ms, p99: worker.tick_late_p99_ms, refusing: main.refusing, ready: await gateway.status('/readyz') });
  }
  t.ok(Math.max(...seen.map(({ worst }) => worst)) > 2300 && Math.max(...seen.map(({ p99 }) => p99)) > 2300, JSON.stringify(seen));
  t.equal(seen.filter(({ refusing, ready }) => refusing || ready !== 200), [], 'refused meanwhile');
  await hearOn(t, [phone], 'afterwards');
});
