// LiveKit's API further on: its definitions against ours, changes as its server takes them, what other languages send.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RoomServiceClient, SipClient, WebhookReceiver } from 'livekit-server-sdk';
import * as protocol from '@livekit/protocol';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { parseProto } from './lib/proto.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';
import { expect, peer } from './lib/transferpeer.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const withTrunk = { trunks: [{ name: 'file', numbers: ['100'], allowed_addresses: ['127.0.0.0/8'] }] };
const clients = (gateway) => {
  const { key, secret } = gateway.keys;
  const options = { requestTimeout: 60 }; // seconds
  return { rooms: new RoomServiceClient(gateway.url, key, secret, options), sip: new SipClient(gateway.url, key, secret, options) };
};
const failure = (promise) => promise.then(() => ({ code: 'it succeeded' }), (error) => error);

test('livekit.proto says what LiveKit\'s own definitions say', {}, async (t) => {
  const ours = parseProto(readFileSync(join(root, 'signaling/core/livekit.proto'), 'utf8'));
  const scalars = { 3: 'int64', 4: 'uint64', 5: 'int32', 8: 'bool', 9: 'string', 12: 'bytes', 13: 'uint32' };
  const typeOf = (field) => field.kind === 'map' ? 'map' : field.kind === 'scalar' ? scalars[field.T] : field.T.typeName.split('.').at(-1);
  let n = 0;
  for (const [name, fields] of Object.entries(ours.messages)) {
    if (name === 'Duration' || name === 'Empty') continue; // google.protobuf's; each empty answer has a name of its own
    t.ok(protocol[name], `there is no ${name}`);
    for (const { name: field, number, type, isRepeated } of fields) {
      const theirs = protocol[name].fields.list().find((each) => each.name === field);
      t.ok(theirs, `${name} has no ${field}`);
      t.equal([number, type, isRepeated], [theirs.no, typeOf(theirs), Boolean(theirs.repeated)], `${name}.${field}`);
      n++;
    }
  }
  for (const [name, words] of Object.entries(ours.enums)) {
    if (name === 'SendDataRequest_Kind') continue; // of DataPacket, in their file
    for (const [word, number] of Object.entries(words)) {
      const prefix = name.split('_').at(-1).replace(/[A-Z]/g, (letter, at) => (at ? '_' : '') + letter).toUpperCase();
      t.equal(protocol[name][word] ?? protocol[name][word.replace(`${prefix}_`, '')], number, `${name}.${word}`);
    }
  }
  t.ok(n > 150, `${n} fields`);
});

test('livekit-server-sdk: permissions, data, and phones that are removed', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const { rooms } = clients(gateway);
  t.equal(await rooms.listParticipants('nowhere'), [], 'who is in a room that is not there');
  const ada = SipPhone.call(t, gateway.sip('desk'), '--user', 'ada', '--tone', 500);
  const bob = SipPhone.call(t, gateway.sip('desk'), '--user', 'bob', '--tone', 0, '--listen', 500);
  for (const phone of [ada, bob]) await phone.event('answered');
  const hearsNothing = (phone) => until('it hears nothing', () => {
    const heard = phone.events.filter((each) => each.event === 'heard').slice(-2);
    return heard.length === 2 && heard.every((each) => each.levels['500'] < -50);
  });
  await bob.hears(500);
  const people = await until('both are heard', async () => {
    const list = await rooms.listParticipants('desk');
    return list.length === 2 && list.every(({ tracks }) => tracks.length > 0) && list;
  });
  const who = (name) => people.find(({ identity }) => identity.includes(name)).identity;
  const may = async (identity, permission) => (await rooms.updateParticipant('desk', identity, { permission })).permission;
  const all = { canPublish: true, canSubscribe: true, canPublishData: true };
  const silenced = await may(who('ada'), { ...all, canPublish: false });
  t.equal([silenced.canPublish, silenced.canSubscribe, silenced.canPublishData], [false, true, true], 'what ada may');
  const [track] = (await rooms.getParticipant('desk', who('ada'))).tracks;
  t.equal(track.muted, true, 'ada is muted');
  await hearsNothing(bob);
  t.equal((await failure(rooms.mutePublishedTrack('desk', who('ada'), track.sid, false))).code, 'permission_denied', 'unmuted');
  t.equal((await may(who('ada'), all)).canPublish, true, 'ada may speak again');
  t.equal((await rooms.getParticipant('desk', who('ada'))).tracks[0].muted, false, 'and is not muted');
  await bob.hears(500);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('watcher'));
  t.after(() => rpc.close());
  const gain = (gain_db) => rpc.call('participant.set_gain', { room: 'desk', identity: who('ada'), listener: who('bob'), gain_db });
  t.equal((await may(who('bob'), { ...all, canSubscribe: false })).canSubscribe, false, 'bob may not hear');
  await gain(-6);
  const { length } = bob.events;
  await hearsNothing({ get events() { return bob.events.slice(length); } });
  await may(who('bob'), all);
  const level = await until('bob hears ada again', () => {
    const [before, last] = bob.events.filter((each) => each.event === 'heard').slice(-2).map((each) => each.levels['500']);
    return before > -50 && Math.abs(last - before) < 1 && last;
  });
  await gain(0);
  await until('and as loud as ever when the gain is taken away', () => bob.events.findLast((each) => each.event === 'heard').levels['500'] > level + 5);

  await rpc.call('room.watch', { name: 'desk' });
  const bytes = new Uint8Array([0, 255, 1]);
  await rooms.sendData('desk', bytes, 0, { destinationIdentities: [who('bob')], topic: 'bits' });
  const event = await until('the data', () => rpc.events.find(({ type }) => type === 'message_received'));
  t.equal([event.data, event.topic, event.destination_identities, event.content_type],
    [Buffer.from(bytes).toString('base64'), 'bits', [who('bob')], 'application/octet-stream'], JSON.stringify(event));
  await rooms.sendData('desk', new TextEncoder().encode('hi'), 0, { destinationSids: [people[0].sid] });
  const text = await until('the text', () => rpc.events.find((each) => each.type === 'message_received' && each.text === 'hi'));
  t.equal(text.destination_identities, [people[0].identity], 'for whom');

  await rooms.removeParticipant('desk', who('ada'));
  await ada.event('ended');
  t.equal((await failure(rooms.removeParticipant('desk', who('ada')))).code, 'not_found', 'once more');
  t.equal((await failure(rooms.deleteRoom('nowhere'))).code, 'not_found', 'a room that is not there');
});

test('livekit-server-sdk: a PIN taken away, trunks of a rule by their ids, what was deleted is told', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, withTrunk);
  const { sip } = clients(gateway);
  const asks = () => gateway.lines(/"asksForPin":true|asksForPin=true/).length;
  const rule = await sip.createSipDispatchRule({ type: 'direct', roomName: 'safe', pin: '4711' }, { name: 'safe', attributes: { a: '1', b: '2' } });
  t.equal(rule.rule.rule.value.pin, '****', 'a PIN is not shown');
  const change = (fields) => sip.updateSipDispatchRuleFields(rule.sipDispatchRuleId, fields);
  const direct = (pin) => ({ rule: { rule: { case: 'dispatchRuleDirect', value: { roomName: 'safe', pin } } } });
  t.equal((await change(direct('****'))).rule.rule.value.pin, '****', 'written as it was read: it stays');
  await (await RawCall.open(t, gateway, '100')).invite();
  await until('it is asked for', () => asks() === 1);
  t.equal((await change(direct(''))).rule.rule.value.pin, '', 'an empty one takes it away');
  await (await RawCall.open(t, gateway, '100')).invite();
  await gateway.line(/Participant joined.* room=safe/); // which is told after it
  t.equal(asks(), 1, 'it is not asked for any more');

  const trunk = await sip.createSipInboundTrunk('in', ['200'], { allowedAddresses: ['127.0.0.1'] });
  const [file] = (await sip.listSipInboundTrunk()).filter(({ name }) => name === 'file');
  const list = (more) => ({ trunkIds: { set: [], add: [], remove: [], ...more } });
  t.equal((await change(list({ add: [file.sipTrunkId, trunk.sipTrunkId] }))).trunkIds, [file.sipTrunkId, trunk.sipTrunkId], 'two trunks');
  t.equal((await change(list({ remove: [file.sipTrunkId] }))).trunkIds, [trunk.sipTrunkId], 'one of them');
  t.equal((await change({ attributes: { a: '', c: '3' } })).attributes, { b: '2', c: '3' }, 'attributes');
  t.equal((await failure(change(list({ set: ['x'], add: ['y'] })))).code, 'invalid_argument', 'set and changed');
  const gone = await sip.deleteSipDispatchRule(rule.sipDispatchRuleId);
  t.equal([gone.name, gone.trunkIds], ['safe', [trunk.sipTrunkId]], 'the rule that was deleted');
  t.equal((await sip.deleteSipTrunk(trunk.sipTrunkId)).name, 'in', 'the trunk that was deleted');
  t.equal((await failure(sip.deleteSipDispatchRule(rule.sipDispatchRuleId))).code, 'not_found', 'once more');
});

test('livekit-server-sdk: a transfer that the phone declines, and one that goes through', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const { rooms, sip } = clients(gateway);
  const phone = await peer(t, gateway.config.sip_port, 'desk');
  await phone.call();
  const declined = failure(sip.transferSipParticipant('desk', 'sip_peer', 'tel:+15550100', { headers: { 'X-Why': 'test' } }));
  const refer = await expect(phone, 'REFER');
  t.equal([refer.get('refer-to'), refer.get('x-why')], ['<tel:+15550100>', 'test'], 'REFER');
  phone.answer(refer, '603 Decline');
  const { code, metadata } = await declined;
  t.equal([code, metadata?.sip_status_code, metadata?.sip_status], ['permission_denied', '603', 'Decline'], 'declined');
  const through = sip.transferSipParticipant('desk', 'sip_peer', 'sip:bob@192.0.2.1').then(() => 'done', String);
  phone.answer(await expect(phone, 'REFER'), '202 Accepted');
  await phone.notify('terminated;reason=noresource', 'SIP/2.0 200 OK');
  phone.answer(await expect(phone, 'BYE'), '200 OK');
  phone.remoteTag = null;
  t.equal(await through, 'done', 'transferred');
  t.equal(await rooms.listParticipants('desk'), [], 'who is left');
});

/* What requests.post does, for a Python that has no such module. */
const requests = `
import json as _json, urllib.request
class _Response:
    def __init__(self, body): self.body = body
    def json(self): return _json.loads(self.body)
def post(url, headers, json):
    with urllib.request.urlopen(urllib.request.Request(url, _json.dumps(json).encode(), headers)) as answer:
        return _Response(answer.read())
`;

const script = (url, token) => `
import requests

response = requests.post(
    "${url}/twirp/livekit.SIPService/CreateSIPParticipant",
    headers={
        "Authorization": "Bearer ${token}",
        "Content-Type": "application/json"
    },
    json={
        "sip_trunk_id": "telnyx",
        "sip_call_to": "+15551234567",
        "room_name": "test-room",
        "participant_identity": "sip-user"
    }
)
print(response.json())
`;

test('a Python script of few lines calls a number by a trunk\'s name', { timeout: 60 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-python-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const phone = await SipPhone.answer(t);
  const gateway = await Gateway.start(t, { trunks: [{ name: 'telnyx', outbound_address: `127.0.0.1:${phone.port}`, numbers: ['+15559876543'],
    auth_username: 'your_telnyx_username', auth_password: 'your_telnyx_password' }] });
  writeFileSync(join(directory, 'requests.py'), requests);
  writeFileSync(join(directory, 'call.py'), script(gateway.url, gateway.token('script')));
  const output = await new Promise((resolve, reject) => execFile('/usr/bin/python3', ['call.py'], { cwd: directory },
    (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout))));
  t.ok(/'participant_identity': 'sip-user', 'room_name': 'test-room', 'sip_call_id': 'SCL_/.test(output), output);
  await phone.event('answered');
  const { rooms } = clients(gateway);
  const [callee] = await rooms.listParticipants('test-room');
  t.equal([callee.identity, callee.attributes['sip.phoneNumber']], ['sip-user', '+15551234567'], 'who is in the room');
});

test('webhooks: a receiver that hangs keeps nobody waiting, and hears later how many it missed', { timeout: 60 }, async (t) => {
  const seen = [], held = [];
  let hangs = true;
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ body: Buffer.concat(chunks).toString(), authorization: request.headers.authorization });
      if (hangs) held.push(response);
      else response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  const gateway = await Gateway.start(t, { webhook: { urls: [`http://127.0.0.1:${server.address().port}/`] } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const n = 1100; // the queue takes 1000
  const names = Array.from({ length: n }, (_, i) => `room-${i}`);
  await Promise.all(names.map((name) => rpc.call('room.create', { name })));
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  const waiting = Number(/^switchroom_webhooks_waiting (\d+)$/m.exec(metrics)[1]);
  t.ok(waiting >= 999 && waiting <= 1000, `${waiting} wait`);
  hangs = false;
  for (const response of held) response.end();
  const order = () => seen.map(({ body }) => JSON.parse(body).room.name).filter((name, i, all) => name !== all[i - 1]); // the first one again, when it was held for long
  await until('what waited is sent', () => order().length >= 1000, 60);
  await rpc.call('room.create', { name: 'last' });
  const last = await until('the last one', () => seen.find(({ body }) => body.includes('"last"')));
  const receiver = new WebhookReceiver(gateway.keys.key, gateway.keys.secret);
  const event = await receiver.receive(last.body, last.authorization);
  t.ok(event.numDropped >= n - 1001 && event.numDropped <= n - 1000 + 1, `${event.numDropped} were dropped`);
  t.equal(order().slice(0, 1000), names.slice(0, 1000), 'in order');
});
