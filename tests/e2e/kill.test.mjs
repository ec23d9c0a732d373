// kill -9 at any moment, under load: nothing that was acknowledged is missing afterwards.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, until, sleep } from './lib/tap.mjs';
import { ask } from './lib/database.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';

const N_WRITERS = 4, N_CALLERS = 3, N_DIALERS = 2, STAY_MOST = 500; // a gateway has room for 1000 trunks
const local = { allowed_addresses: ['127.0.0.0/8'] };
const config = (path) => ({
  storage: { path },
  trunks: [{ name: 'file', numbers: ['100'], ...local }],
  dispatch_rules: [{ name: 'calls', trunks: ['file'], type: 'callee' }],
});

/** What a database must hold: by name, what was acknowledged (null: deleted) and what was asked for but not answered. */
class Model {
  constructor() {
    this.entries = new Map();
    this.calls = new Map(); // id of a call that was told to be over -> its end
    this.dialled = []; // ids of calls that participant.create was answered with
    this.next = 0;
    this.nStay = this.nHungUp = 0;
  }

  /** One change: `value` is what `name` is after it. */
  async change(rpc, name, value, method, params) {
    const entry = this.entries.get(name) ?? { acknowledged: null };
    this.entries.set(name, Object.assign(entry, { asked: value, isAsked: true }));
    await rpc.call(method, params);
    Object.assign(entry, { acknowledged: value, isAsked: false });
  }

  async write(rpc, random) {
    const n = this.next++;
    const [trunk, rule, number] = [`t${n}`, `r${n}`, String(1000 + n)];
    await this.change(rpc, trunk, 'one', 'trunk.create', { name: trunk, numbers: [number], metadata: 'one', ...local });
    await this.change(rpc, rule, 'a', 'dispatch_rule.create', { name: rule, trunks: [trunk], type: 'direct', room: 'a' });
    await this.change(rpc, trunk, 'two', 'trunk.update', { sip_trunk_id: trunk, metadata: 'two' });
    await this.change(rpc, rule, 'b', 'dispatch_rule.update', { sip_dispatch_rule_id: rule, room: 'b' });
    if (random() < 0.3 && this.nStay < STAY_MOST) {
      this.nStay++;
      return;
    }
    await this.change(rpc, rule, null, 'dispatch_rule.delete', { sip_dispatch_rule_id: rule });
    await this.change(rpc, trunk, null, 'trunk.delete', { sip_trunk_id: trunk });
  }

  /** One that hangs up, or is hung up: then whoever was told so knows why, however soon the kill comes. */
  async call(t, gateway, rpc, random) {
    const phone = await RawCall.open(t, gateway, '100');
    await phone.invite();
    if (random() < 0.5) {
      const { calls } = await rpc.call('call.list', { direction: 'inbound', limit: 100 });
      const { sip_call_id: id } = calls.find((call) => call.sip_call_id_full === phone.callId);
      await rpc.call('call.hangup', { sip_call_id: id });
      this.calls.set(id, 'api');
      this.nHungUp++;
      return;
    }
    await phone.final(phone.request('BYE'));
    await until('it is told to be over', async () => {
      const { calls } = await rpc.call('call.list', { ended: true, limit: 20 });
      for (const { sip_call_id: id, end, media } of calls) if (end && media) this.calls.set(id, end.cause); // whole: it is on the disk
      return calls.some((call) => call.sip_call_id_full === phone.callId && call.end && call.media);
    });
  }

  /** Nobody listens there: the call ends soon, or is cut. The id is often all that the client has at the kill. */
  async dial(rpc) {
    const call = await rpc.call('participant.create', { room_name: 'out', sip_call_to: '100', trunk: { hostname: '127.0.0.1:9' } });
    this.dialled.push(call.sip_call_id);
  }

  /** Fails when what `rpc` tells is neither what was acknowledged nor what was asked for last. Takes it over. */
  async check(t, rpc, path) {
    const told = new Map();
    for (const { name, metadata, read_only: isFile } of (await rpc.call('trunk.list')).trunks)
      if (!isFile) told.set(name, metadata);
    for (const { name, room, room_name: other, read_only: isFile } of (await rpc.call('dispatch_rule.list')).dispatch_rules)
      if (!isFile) told.set(name, room ?? other);
    for (const [name, entry] of this.entries) {
      const now = told.get(name) ?? null;
      t.ok(now === entry.acknowledged || (entry.isAsked && now === entry.asked),
        `${name} is ${now}, acknowledged was ${entry.acknowledged}, asked for ${entry.isAsked ? entry.asked : 'nothing'}`);
      Object.assign(entry, { acknowledged: now, isAsked: false });
      told.delete(name);
    }
    t.equal([...told.keys()], [], 'entries that nobody made');
    const ended = new Map();
    for (let page = ''; page !== null;) {
      const answer = await rpc.call('call.list', { ended: true, limit: 100, ...(page && { page_token: page }) });
      for (const call of answer.calls) ended.set(call.sip_call_id, call.end?.cause);
      page = answer.next_page_token || null;
    }
    for (const [id, cause] of this.calls) t.equal(ended.get(id), cause, `the end of ${id}`);
    for (const id of this.dialled) {
      const { call } = await rpc.call('call.get', { sip_call_id: id });
      t.equal([call.sip_call_id, call.status], [id, 'hangup'], 'a call that was acknowledged');
    }
    t.equal(await ask(path, 'SELECT COUNT (*) FROM calls WHERE ended_us = 0'), [[0]], 'calls that are still up');
  }
}

/** Checks the file as the kill left it, in a copy: the gateway recovers the real one itself. */
async function checkFile(t, path) {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-copy-'));
  const copy = join(directory, 'a.db');
  try {
    for (const suffix of ['', '-wal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
    t.equal(await ask(copy, 'PRAGMA integrity_check'), [['ok']], 'the file');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Works on `gateway` until it is killed after a random time. */
async function load(t, gateway, rpc, model, random) {
  const before = model.next;
  let isOver = false;
  const loop = async (work) => {
    while (!isOver) await work();
  };
  const writers = Array.from({ length: N_WRITERS }, () => loop(() => model.write(rpc, random)));
  // A datagram of these phones may get lost: they send none again, but the next call.
  const callers = Array.from({ length: N_CALLERS }, () => loop(() => model.call(t, gateway, rpc, random).catch(() => {})));
  const dialers = Array.from({ length: N_DIALERS }, () => loop(() => model.dial(rpc)));
  const failures = [];
  for (const worker of [...writers, ...dialers]) worker.catch((error) => isOver || failures.push(error));
  await until('the first changes are acknowledged', () => failures.length > 0 || model.next > before + N_WRITERS, 30);
  await sleep(random() * 500);
  t.equal(failures.map(String), [], 'failures before the kill');
  isOver = true;
  await gateway.kill();
  rpc.drop();
}

/** Starts one; `onSpawned` gets it at once. */
const start = (t, settings, onSpawned) => Gateway.start(Object.assign(Object.create(t), { onSpawned }), settings);

/** Starts it and kills it, most often before it is ready. */
async function killAtStart(t, settings, random) {
  let killed;
  await start(t, settings, (gateway) => (killed = sleep(random() * 60).then(() => gateway.kill()))).catch(() => {});
  await killed; // before the next one wants the database
}

/** A generator of numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** `rounds` kills of one database. */
async function lane(t, rounds, seed) {
  const random = generator(seed), model = new Model();
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-db-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'a.db'), settings = config(path);
  try {
    for (let round = 0; round <= rounds; round++) {
      if (random() < 0.2) await killAtStart(t, settings, random);
      const gateway = await start(t, settings);
      const grants = { video: { roomCreate: true, roomList: true, roomAdmin: true }, sip: { admin: true, call: true } };
      const rpc = await Rpc.connect(gateway.ws, gateway.token('admin', grants));
      await model.check(t, rpc, path);
      if (round === rounds) {
        await rpc.close();
        return model;
      }
      await load(t, gateway, rpc, model, random);
      await checkFile(t, path);
    }
  } catch (error) {
    error.message += ` (seed ${seed})`;
    throw error;
  }
  return model;
}

async function lanes(t, n, rounds) {
  const seeds = Array.from({ length: n }, () => Math.floor(Math.random() * 2 ** 31));
  const models = await Promise.all(seeds.map((seed) => lane(t, rounds, seed)));
  const sum = (count) => models.reduce((all, model) => all + count(model), 0);
  const nDialled = sum((model) => model.dialled.length), nHungUp = sum((model) => model.nHungUp);
  t.note(`${n * rounds} kills, ${sum((model) => model.entries.size)} trunks and rules, ${sum((model) => model.calls.size)} calls (${nHungUp} hung up), ${nDialled} dialled`);
  t.ok(sum((model) => model.calls.size) > nHungUp && nHungUp > 0 && nDialled > n * rounds && sum((model) => model.entries.size) > n * rounds, 'there was a load');
}

test('20 kills under load: what was acknowledged is there', { timeout: 120 }, (t) => lanes(t, 4, 5));
test('200 kills under load: what was acknowledged is there', { timeout: 900, long: true }, (t) => lanes(t, 4, 50));
