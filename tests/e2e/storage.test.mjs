// Trunks and rules made through the API, and what outlives the process.
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, until } from './lib/tap.mjs';
import { hold } from './lib/database.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { freePort } from './lib/ports.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';
import { runProgram } from './lib/program.mjs';

const admin = async (t, gateway) => {
  const grants = { video: { roomCreate: true, roomList: true, roomAdmin: true, roomJoin: true }, sip: { admin: true, call: true } };
  const rpc = await Rpc.connect(gateway.ws, gateway.token('admin', grants));
  t.after(() => rpc.close());
  return rpc;
};

const database = (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-db-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'a.db');
};

const local = { numbers: ['100'], allowed_addresses: ['127.0.0.0/8'] };
const withTrunk = (path) => ({ storage: { path }, trunks: [{ name: 'file', ...local }] });
const inviteTo = async (t, gateway, user) => (await RawCall.open(t, gateway, user)).invite();

test('a trunk and a rule made through the API take calls at once, and are gone when they are deleted', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, withTrunk(':memory:'));
  const rpc = await admin(t, gateway);
  t.equal((await inviteTo(t, gateway, '200')).status, 404, 'before');
  const { trunk } = await rpc.call('trunk.create', { name: 'api', ...local, numbers: ['200'], auth_password: 'secret-of-the-trunk', auth_username: 'u' });
  t.ok(/^ST_/.test(trunk.sip_trunk_id) && trunk.read_only === false, JSON.stringify(trunk));
  t.ok(!JSON.stringify(trunk).includes('secret-of-the-trunk'), 'the password is not shown');
  await rpc.call('trunk.update', { sip_trunk_id: 'api', auth_password: null, auth_username: null });
  const { dispatch_rule: rule } = await rpc.call('dispatch_rule.create', { name: 'to-desk', trunks: ['api'], type: 'direct', room_name: 'desk' });
  const phone = SipPhone.call(t, gateway.sip('200'));
  await phone.event('answered');
  t.equal((await rpc.call('room.get', { room: 'desk' })).participants.length, 1, 'who is in the room');
  const [call] = (await rpc.call('call.list')).calls;
  t.equal([call.trunk_id, call.rule_id], [trunk.sip_trunk_id, rule.sip_dispatch_rule_id], 'the ids of the call');
  for (const [wanted, n] of [['api', 1], [trunk.sip_trunk_id, 1], ['file', 0], ['nobody', 0]])
    t.equal((await rpc.call('call.list', { trunk_id: wanted, ended: true })).calls.length, n, `calls of the trunk ${wanted}`);
  const inUse = await rpc.fails('trunk.delete', { sip_trunk_id: 'api' });
  t.equal(inUse.data.code, 'failed_precondition', inUse.message);
  await rpc.call('dispatch_rule.update', { id: rule.sip_dispatch_rule_id, trunks: [] });
  await rpc.call('trunk.delete', { sip_trunk_id: trunk.sip_trunk_id });
  t.equal((await rpc.call('trunk.list')).trunks.map((entry) => [entry.name, entry.read_only]), [['file', true]], 'trunks');
  t.equal((await inviteTo(t, gateway, '200')).status, 404, 'after');
  t.equal((await rpc.call('call.list')).calls.length, 1, 'the running call goes on');
  await phone.bye();
});

test('trunk.create says what is wrong, and the file wins', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, withTrunk(':memory:'));
  const rpc = await admin(t, gateway);
  for (const [method, params, code, field] of [
    ['trunk.create', { name: 'a', nummers: [] }, 'invalid_argument', 'nummers'],
    ['trunk.create', { name: 'a', numbers: ['1 2'] }, 'invalid_argument', 'numbers'],
    ['trunk.create', { name: 'file', numbers: ['1'] }, 'invalid_argument', 'name'],
    ['trunk.create', { id: 'ST_mine', name: 'a', numbers: ['1'] }, 'invalid_argument', 'id'],
    ['trunk.update', { sip_trunk_id: 'file', numbers: ['1'] }, 'failed_precondition'],
    ['trunk.delete', { sip_trunk_id: 'file' }, 'failed_precondition'],
    ['trunk.delete', { sip_trunk_id: 'nobody' }, 'not_found'],
    ['dispatch_rule.create', { type: 'direct', room: 'x', trunks: ['nobody'] }, 'invalid_argument', 'trunks'],
  ]) {
    const error = await rpc.fails(method, params);
    t.equal([error.data.code, error.data.field], [code, field], `${method} ${JSON.stringify(params)}: ${error.message}`);
    t.ok(!/config.yaml|\[\d\]\./.test(error.text), `speaks of what was sent: ${error.text}`);
  }
  const caller = await Rpc.connect(gateway.ws, gateway.token('caller', { sip: { admin: false } }));
  t.after(() => caller.close());
  t.equal((await caller.fails('trunk.list')).data.code, 'permission_denied', 'without sip.admin');
});

test('a file that takes the names of trunks made through the API leaves them out, and the others can be changed', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, withTrunk(database(t)));
  const rpc = await admin(t, gateway);
  const names = async () => (await rpc.call('trunk.list')).trunks.map((entry) => entry.name);
  const text = 'é 😀 \u2028 \ufeff "\\';
  const made = await rpc.call('trunk.create', { name: 'a', ...local, numbers: ['201'], metadata: text });
  t.equal(made.trunk.metadata, text, 'every character comes back');
  const { trunk: b } = await rpc.call('trunk.create', { name: 'b', ...local, numbers: ['202'] });
  await rpc.call('trunk.create', { name: 'c', ...local, numbers: ['203'] });
  await rpc.call('dispatch_rule.create', { name: 'of-c', trunks: ['c'], type: 'direct', room: 'desk' });
  const file = { ...gateway.config, trunks: ['file', 'a', 'b'].map((name, i) => ({ name, ...local, numbers: [String(100 + i)] })) };
  writeFileSync(join(gateway.directory, 'config.yaml'), JSON.stringify(file));
  gateway.process.kill('SIGHUP');
  await until('a and b are those of the file', async () => (await rpc.call('trunk.list')).trunks.filter((entry) => entry.read_only).length === 3);
  t.equal(await names(), ['file', 'a', 'b', 'c'], 'of the API, c is left');
  await rpc.call('trunk.create', { name: 'd', ...local, numbers: ['204'] });
  await rpc.call('trunk.update', { sip_trunk_id: 'c', metadata: 'changed' });
  t.equal((await rpc.fails('trunk.delete', { sip_trunk_id: 'c' })).data.code, 'failed_precondition', 'a rule still names it');
  await rpc.call('trunk.update', { sip_trunk_id: b.sip_trunk_id, name: 'b2' });
  t.equal(await names(), ['file', 'a', 'b', 'b2', 'c', 'd'], 'with another name it is back');
  await rpc.call('trunk.delete', { sip_trunk_id: made.trunk.sip_trunk_id });
  t.equal(await names(), ['file', 'a', 'b', 'b2', 'c', 'd'], 'one that is left out can be deleted');
});

test('trunks, rules and calls survive a crash; a call that was cut off says so', { timeout: 90 }, async (t) => {
  const path = database(t);
  const gateway = await Gateway.start(t, withTrunk(path));
  const rpc = await admin(t, gateway);
  const { trunk } = await rpc.call('trunk.create', { name: 'api', ...local, numbers: ['200'] });
  await rpc.call('dispatch_rule.create', { type: 'callee', room_prefix: 'call-' });
  const done = SipPhone.call(t, gateway.sip('200'));
  await done.event('answered');
  await done.bye();
  await until('the call is over', async () => (await rpc.call('call.list')).calls.length === 0);
  const cut = SipPhone.call(t, gateway.sip('200'));
  await cut.event('answered');
  const [running] = (await rpc.call('call.list', { ended: true })).calls; // with those of the disk, which has this one then
  await gateway.kill();

  const again = await Gateway.start(t, withTrunk(path));
  const after = await admin(t, again);
  t.ok(trunk.created_at && trunk.updated_at === trunk.created_at, `made at ${trunk.created_at}`);
  t.equal((await after.call('trunk.list')).trunks[1], trunk, 'the trunk, with its times');
  t.equal((await after.call('dispatch_rule.list')).dispatch_rules.length, 1, 'rules');
  const first = await after.call('call.list', { ended: true, limit: 1, trunk_id: trunk.sip_trunk_id });
  t.equal([first.calls[0].sip_call_id, first.calls[0].end.reason], [running.sip_call_id, 'gateway_died'], 'the newest');
  const second = await after.call('call.list', { ended: true, limit: 1, page_token: first.next_page_token });
  t.ok(second.calls[0].room_name === 'call-200' && second.calls[0].media, JSON.stringify(second));
  const { call } = await after.call('call.get', { sip_call_id: second.calls[0].sip_call_id });
  t.ok(call.timeline.length > 0 && call.ended_at, JSON.stringify(call));
  t.equal((await after.call('call.list', { ended: true, number: '300' })).calls, [], 'nobody called 300');
});

test('a trunk of the API that takes calls from anywhere is warned of at every start and reload', { timeout: 60 }, async (t) => {
  const path = database(t);
  const gateway = await Gateway.start(t, withTrunk(path));
  const rpc = await admin(t, gateway);
  await rpc.call('trunk.create', { name: 'open', numbers: ['300'] });
  const warned = /Configuration warning .*trunks\[1\]: .*open.* takes calls from any address/;
  gateway.process.kill('SIGHUP');
  await gateway.line(warned);
  await gateway.stop(t);

  const again = await Gateway.start(t, { ...withTrunk(path), prompts: { pin_wrong: '/nowhere/wrong.wav' } });
  await again.line(warned);
  await again.line(/Configuration warning .*config.yaml:\d+: prompts.pin_wrong: .*No such file/);
  t.equal(again.lines(/Configuration warning/).length, 2, 'once each');
});

test('a database that cannot be written refuses a trunk, and no call', { timeout: 90 }, async (t) => {
  const path = database(t), phone = createSocket('udp4'), heard = [];
  t.after(() => phone.close());
  phone.on('message', (data) => heard.push(data.toString().split(' ')[0]));
  await new Promise((resolve) => phone.bind(0, '127.0.0.1', resolve));
  const gateway = await Gateway.start(t, withTrunk(path));
  const rpc = await admin(t, gateway);
  const release = await hold(t, path);
  const error = await rpc.fails('trunk.create', { name: 'api', ...local, numbers: ['200'] });
  t.ok(/cannot be written: database is locked/.test(error.message), error.message);
  const { sip_call_id: id } = await rpc.call('participant.create', { room_name: 'out', sip_call_to: '100',
    trunk: { hostname: `127.0.0.1:${phone.address().port}` } });
  await until('the INVITE', () => heard.includes('INVITE'), 30);
  t.equal((await rpc.call('call.get', { sip_call_id: id })).call.status, 'dialing', 'the call');
  await gateway.line(/The record of a call was not written.*database is locked/, 30);
  await release();
  await rpc.call('call.hangup', { sip_call_id: id });
  await until('its end is written', async () => (await rpc.call('call.list', { ended: true })).calls.some((call) => call.sip_call_id === id && call.end), 60);
});

test('a database that is in use ends the start with one clear line', { timeout: 60 }, async (t) => {
  const path = database(t);
  const gateway = await Gateway.start(t, withTrunk(path));
  const file = join(gateway.directory, 'second.yaml');
  writeFileSync(file, JSON.stringify({ ...gateway.config, http: { bind: '127.0.0.1', port: await freePort() }, sip_port: await freePort() }));
  const second = await runProgram(t.options.binary, ['--config', file], { timeout: 30000 });
  t.equal(second.status, 1, 'status');
  t.ok(/^switchroom: .*second\.yaml:1: storage.path: .*a\.db is in use by another Switchroom/m.test(second.stderr), second.stderr.slice(0, 500));
});
