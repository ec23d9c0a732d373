// LiveKit's own server SDK, unmodified, drives the gateway; and the same in protobuf, as its other SDKs speak.
import http from 'node:http';
import { RoomServiceClient, SipClient, AccessToken, WebhookReceiver } from 'livekit-server-sdk';
import { CreateRoomRequest, ListParticipantsRequest, ListParticipantsResponse, Room, SIPTransport, WebhookEvent } from '@livekit/protocol';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { freePort } from './lib/ports.mjs';
import { Rpc } from './lib/rpc.mjs';

const clients = (gateway) => {
  const { key, secret } = gateway.keys;
  const options = { requestTimeout: 60 }; // seconds
  return { rooms: new RoomServiceClient(gateway.url, key, secret, options), sip: new SipClient(gateway.url, key, secret, options) };
};

const withTrunk = { trunks: [{ name: 'file', numbers: ['100'], allowed_addresses: ['127.0.0.0/8'] }] };

/** What a promise of the SDK fails with. */
const failure = (promise) => promise.then(() => ({ code: 'it succeeded' }), (error) => error);

test('livekit-server-sdk: rooms and participants', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const { rooms } = clients(gateway);
  const room = await rooms.createRoom({ name: 'desk', emptyTimeout: 77, maxParticipants: 5, metadata: '{"a":1}' });
  t.equal([room.name, room.emptyTimeout, room.maxParticipants, room.metadata], ['desk', 77, 5, '{"a":1}'], 'the room');
  t.ok(/^RM_/.test(room.sid) && room.creationTime > 1700000000n, `${room.sid} ${room.creationTime}`);
  t.ok(room.creationTimeMs / 1000n === room.creationTime && !room.activeRecording, `in milliseconds ${room.creationTimeMs}`);
  t.ok(room.version.unixMicro / 1000n >= room.creationTimeMs, `version ${room.version?.unixMicro}`);
  const phone = SipPhone.call(t, gateway.sip('desk'));
  await phone.event('answered');
  const list = await until('somebody is in the room', async () => {
    const participants = await rooms.listParticipants('desk');
    return participants[0]?.tracks[0]?.mimeType === 'audio/PCMU' && participants; // as soon as it has spoken
  });
  const [participant] = list;
  t.equal([list.length, participant.kind, participant.attributes['sip.callStatus']], [1, 3, 'active'], 'the phone');
  t.equal((await rooms.listRooms(['desk', 'nobody'])).map((entry) => [entry.name, entry.numParticipants]), [['desk', 1]], 'rooms');
  const muted = await rooms.mutePublishedTrack('desk', participant.identity, participant.tracks[0].sid, true);
  t.equal([muted.sid, muted.muted], [participant.tracks[0].sid, true], 'the track');
  const since = (before, after) => (after.unixMicro - before.unixMicro) || BigInt(after.ticks - before.ticks);
  t.ok(since(participant.tracks[0].version, muted.version) > 0n, `version of the track, then muted: ${muted.version.unixMicro}`);
  t.equal((await failure(rooms.mutePublishedTrack('desk', participant.identity, 'TR_no', true))).code, 'not_found', 'another track');
  const updated = await rooms.updateParticipant('desk', participant.identity, { metadata: 'm', name: 'Ada', attributes: { role: 'agent' } });
  t.equal([updated.name, updated.metadata, updated.attributes.role], ['Ada', 'm', 'agent'], 'updated');
  t.equal((await rooms.getParticipant('desk', participant.identity)).name, 'Ada', 'getParticipant');
  t.ok(updated.version >= participant.version + 2, `its version counts: ${participant.version}, muted and updated ${updated.version}`);
  const [joined] = await rooms.listRooms(['desk']);
  t.ok(since(room.version, joined.version) > 0n, `version of the room, then joined: ${joined.version.unixMicro}`);
  t.equal((await rooms.updateRoomMetadata('desk', 'later')).metadata, 'later', 'updateRoomMetadata');
  t.equal((await rooms.updateRoomMetadata('desk', '')).metadata, '', 'an empty text takes it away');
  const rpc = await Rpc.connect(gateway.ws, gateway.token('watcher'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: 'desk' });
  await rooms.sendData('desk', new TextEncoder().encode('hello'), 0, {});
  await until('the message', () => rpc.events.some((event) => event.type === 'message_received' && event.text === 'hello'));
  t.equal((await failure(rooms.getParticipant('desk', 'nobody'))).code, 'not_found', 'nobody');
  await rooms.removeParticipant('desk', participant.identity);
  await phone.event('ended');
  await rooms.deleteRoom('desk');
  t.equal(await rooms.listRooms(), [], 'no rooms');
});

test('livekit-server-sdk: trunks and dispatch rules', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { ...withTrunk, sip: { tls: { port: await freePort() } } });
  const { sip } = clients(gateway);
  const inbound = await sip.createSipInboundTrunk('in', ['+15550100'], { allowedAddresses: ['127.0.0.1'], metadata: 'm', krispEnabled: true, headers: { 'X-Hello': 'yes' } });
  t.ok(/^ST_/.test(inbound.sipTrunkId), inbound.sipTrunkId);
  t.equal([inbound.name, inbound.numbers, inbound.allowedAddresses, inbound.metadata, inbound.headers],
    ['in', ['+15550100'], ['127.0.0.1'], 'm', { 'X-Hello': 'yes' }], 'the inbound trunk');
  t.equal(inbound.ringingTimeout, undefined, 'a duration that was not given');
  const limited = await (await fetch(`${gateway.url}/twirp/livekit.SIP/UpdateSIPInboundTrunk`, { method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${gateway.token('x')}` },
    body: JSON.stringify({ sipTrunkId: inbound.sipTrunkId, replace: { name: 'in', numbers: inbound.numbers, allowedAddresses: ['127.0.0.1'], ringingTimeout: '30s', maxCallDuration: '3600s' } }) })).json();
  t.equal([limited.ringing_timeout, limited.max_call_duration], ['30s', '3600s'], 'durations');
  const outbound = await sip.createSipOutboundTrunk('out', 'sip.example.com', ['+15550111'], { transport: SIPTransport.SIP_TRANSPORT_TCP, authUsername: 'u', authPassword: 'a-secret' });
  t.equal([outbound.address, outbound.transport, outbound.numbers, outbound.authUsername], ['sip.example.com', 2, ['+15550111'], 'u'], 'the outbound trunk');
  const secure = await sip.createSipOutboundTrunk('secure', 'sip.example.com', ['+15550112'], { transport: SIPTransport.SIP_TRANSPORT_TLS });
  t.equal(secure.transport, 3, 'the first trunk with TLS');
  await gateway.line(/Listening for SIP over TLS/);
  await sip.deleteSipTrunk(secure.sipTrunkId);
  t.equal((await sip.listSipInboundTrunk()).map((trunk) => trunk.name), ['file', 'in'], 'inbound trunks');
  t.equal((await sip.listSipOutboundTrunk()).map((trunk) => trunk.name), ['out'], 'outbound trunks');
  const made = inbound.createdAt?.toDate().getTime();
  t.ok(Math.abs(Date.now() - made) < 60000 && inbound.updatedAt.toDate().getTime() === made, `made at ${made}`);
  const more = await sip.updateSipInboundTrunkFields(inbound.sipTrunkId, { name: 'in2', numbers: { add: ['+15550101'], remove: [], set: [] } });
  t.equal([more.name, more.numbers], ['in2', ['+15550100', '+15550101']], 'updated');
  t.ok(more.createdAt.toDate().getTime() === made && more.updatedAt.toDate().getTime() > made, `changed at ${more.updatedAt?.toDate()}`);
  t.equal((await sip.listSipInboundTrunk()).map((trunk) => trunk.createdAt?.toDate().getTime()), [undefined, made], 'when they were made');
  t.equal((await sip.updateSipOutboundTrunkFields(outbound.sipTrunkId, { transport: SIPTransport.SIP_TRANSPORT_AUTO })).transport, 0, 'any transport');
  const replaced = await sip.updateSipOutboundTrunk(outbound.sipTrunkId, { ...outbound, address: 'sip.example.org', numbers: [] });
  t.equal([replaced.address, replaced.numbers], ['sip.example.org', []], 'replaced');

  const rule = await sip.createSipDispatchRule({ type: 'individual', roomPrefix: 'call-' }, { name: 'each', trunkIds: [inbound.sipTrunkId], attributes: { a: 'b' }, hidePhoneNumber: false });
  t.ok(/^SDR_/.test(rule.sipDispatchRuleId), rule.sipDispatchRuleId);
  t.ok(rule.createdAt.toDate().getTime() > made && rule.updatedAt, `the rule was made at ${rule.createdAt?.toDate()}`);
  t.equal([rule.trunkIds, rule.rule.rule.case, rule.rule.rule.value.roomPrefix, rule.attributes],
    [[inbound.sipTrunkId], 'dispatchRuleIndividual', 'call-', { a: 'b' }], 'the rule');
  const direct = await sip.updateSipDispatchRuleFields(rule.sipDispatchRuleId, { rule: { rule: { case: 'dispatchRuleDirect', value: { roomName: 'desk', pin: '' } } } });
  t.equal([direct.rule.rule.case, direct.rule.rule.value.roomName, direct.trunkIds], ['dispatchRuleDirect', 'desk', [inbound.sipTrunkId]], 'another kind');
  t.equal((await sip.listSipDispatchRule()).length, 1, 'rules');
  const phone = SipPhone.call(t, gateway.sip('+15550101'));
  await phone.event('answered');
  const { rooms } = clients(gateway);
  const participants = await until('the call is in the room', async () => {
    const list = await rooms.listParticipants('desk').catch(() => []);
    return list.length > 0 && list;
  });
  t.equal([participants[0].attributes['sip.trunkID'], participants[0].attributes['sip.ruleID'], participants[0].attributes.a],
    [inbound.sipTrunkId, rule.sipDispatchRuleId, 'b'], 'attributes of the call');
  await phone.bye();

  for (const [what, code, act] of [
    ['a trunk in use', 'failed_precondition', () => sip.deleteSipTrunk(inbound.sipTrunkId)],
    ['no such trunk', 'not_found', () => sip.deleteSipTrunk('ST_nobody')],
    ['a trunk that takes everything', 'invalid_argument', () => sip.createSipInboundTrunk('open', [])],
    ['a wrong number', 'invalid_argument', () => sip.createSipInboundTrunk('bad', ['1 2 3'])],
  ]) t.equal((await failure(act())).code, code, what);
  await sip.deleteSipDispatchRule(rule.sipDispatchRuleId);
  await sip.deleteSipTrunk(inbound.sipTrunkId);
  await sip.deleteSipTrunk(outbound.sipTrunkId);
  t.equal((await sip.listSipInboundTrunk()).map((trunk) => trunk.name), ['file'], 'what is left');
  t.ok(!gateway.output.includes('a-secret'), 'no secrets in the log');
});

test('livekit-server-sdk: calls out, answered and refused; a transfer of nobody', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const { sip } = clients(gateway);
  const machine = await SipPhone.answer(t, '--ring', 1);
  const trunk = await sip.createSipOutboundTrunk('machine', `127.0.0.1:${machine.port}`, ['+15550111'], {});
  const info = await sip.createSipParticipant(trunk.sipTrunkId, '+15550100', 'out', { participantIdentity: 'callee', waitUntilAnswered: true, ringingTimeout: 20 });
  t.equal([info.participantIdentity, info.roomName, /^SCL_/.test(info.sipCallId)], ['callee', 'out', true], 'the participant');
  await machine.event('answered');
  t.equal((await failure(sip.transferSipParticipant('out', 'nobody', 'tel:+15550199'))).code, 'not_found', 'transfer');
  const busy = await SipPhone.answer(t, '--status', 486, '--reason', 'Busy Here');
  const toBusy = await sip.createSipOutboundTrunk('busy', `127.0.0.1:${busy.port}`, ['+15550111'], {});
  const refused = await failure(sip.createSipParticipant(toBusy.sipTrunkId, '+15550100', 'out', { waitUntilAnswered: true }));
  t.equal([refused.code, refused.metadata?.sip_status_code, refused.metadata?.sip_status], ['resource_exhausted', '486', 'Busy Here'], refused.message);
});

test('LiveKit\'s API in protobuf and by plain requests: formats, routes, tokens', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { trunks: [{ ...withTrunk.trunks[0], numbers: ['binary'] }] });
  const token = gateway.token('caller');
  const post = (path, type, body, authorization = `Bearer ${token}`) =>
    fetch(`${gateway.url}/twirp/${path}`, { method: 'POST', headers: { 'Content-Type': type, ...(authorization && { Authorization: authorization }) }, body });
  const created = await post('livekit.RoomService/CreateRoom', 'application/protobuf', new CreateRoomRequest({ name: 'binary', metadata: 'é' }).toBinary());
  t.equal([created.status, created.headers.get('content-type')], [200, 'application/protobuf'], 'CreateRoom');
  t.equal(Room.fromBinary(new Uint8Array(await created.arrayBuffer())).metadata, 'é', 'the room');
  const phone = SipPhone.call(t, gateway.sip('binary'));
  await phone.event('answered');
  const list = await post('livekit.RoomService/ListParticipants', 'application/protobuf', new ListParticipantsRequest({ room: 'binary' }).toBinary());
  const [participant] = ListParticipantsResponse.fromBinary(new Uint8Array(await list.arrayBuffer())).participants;
  t.equal([participant.kind, participant.attributes['sip.callStatus']], [3, 'active'], 'the phone');
  t.ok(participant.version > 0 && participant.tracks[0].version.unixMicro / 1000n >= participant.joinedAtMs, 'versions');

  const json = 'application/json';
  for (const [path, type, body, authorization, status, code] of [
    ['livekit.RoomService/ListRooms', json, '{}', undefined, 200],
    ['livekit.RoomService/ListRooms', `${json}; charset=utf-8`, '', undefined, 200],
    ['livekit.RoomService/Fly', json, '{}', undefined, 404, 'bad_route'],
    ['livekit.NoService/ListRooms', json, '{}', undefined, 404, 'bad_route'],
    ['livekit.RoomService/ListRooms', 'text/plain', '{}', undefined, 404, 'bad_route'],
    ['livekit.RoomService/ListRooms', json, '{', undefined, 400, 'malformed'],
    ['livekit.RoomService/ListRooms', json, '{"names":"a"}', undefined, 400, 'malformed'],
    ['livekit.RoomService/ListRooms', 'application/protobuf', '\n\x05a', undefined, 400, 'malformed'],
    ['livekit.RoomService/ListRooms', json, '{}', '', 401, 'unauthenticated'],
    ['livekit.RoomService/ListRooms', json, '{}', 'Bearer a.b.c', 401, 'unauthenticated'],
    ['livekit.RoomService/ListRooms', json, '{}', `Bearer ${gateway.token('x', { video: { roomList: false } })}`, 403, 'permission_denied'],
    ['livekit.SIP/GetSIPInboundTrunk', json, '{"sip_trunk_id":"nobody"}', undefined, 404, 'not_found'],
    ['livekit.SIP/GetSIPInboundTrunk', json, '{"sipTrunkId":"file"}', undefined, 200],
    ['livekit.SIP/GetSIPOutboundTrunk', json, '{"sip_trunk_id":"file"}', undefined, 404, 'not_found'],
    ['livekit.SIP/ListSIPInboundTrunk', json, '{}', `Bearer ${gateway.token('x', { sip: { admin: false } })}`, 403, 'permission_denied'],
    ['livekit.RoomService/SendData', json, '{"room":"binary","data":"aGk="}', `Bearer ${gateway.token('x', { video: { roomAdmin: false } })}`, 403, 'permission_denied'],
    ['livekit.RoomService/SendData', json, '{"room":"binary","data":"aGk="}', `Bearer ${gateway.token('x', { video: { room: 'binary', roomJoin: false } })}`, 200],
    ['livekit.SIPService/CreateSIPParticipant', json, '{"sip_trunk_id":"telnyx","sip_call_to":"+15551234567","room_name":"test-room","participant_identity":"sip-user"}', undefined, 404, 'not_found'],
  ]) {
    const response = await post(path, type, body, authorization);
    const answer = await response.json();
    t.equal([response.status, answer.code, response.headers.get('content-type')], [status, code, json], `${path} ${type} ${body}: ${JSON.stringify(answer)}`);
  }
  t.equal((await fetch(`${gateway.url}/twirp/livekit.RoomService/ListRooms`)).status, 404, 'GET');
  const minted = new AccessToken(gateway.keys.key, gateway.keys.secret, { identity: 'ada' });
  minted.addGrant({ roomList: true });
  const answered = await post('livekit.RoomService/ListRooms', json, '{}', `Bearer ${await minted.toJwt()}`);
  const { rooms } = await answered.json();
  t.equal([rooms[0].name, typeof rooms[0].creation_time, rooms[0].active_recording], ['binary', 'string', false], 'snake_case, int64 as text, defaults');
});

/** A server that takes webhooks; `answer` gives the status of the n-th request. */
async function receiver(t, answer = () => 200) {
  const seen = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ body: Buffer.concat(chunks).toString(), authorization: request.headers.authorization, type: request.headers['content-type'] });
      response.statusCode = answer(seen.length);
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections?.() ?? server.close());
  t.after(() => server.close());
  return { seen, url: `http://127.0.0.1:${server.address().port}/hook` };
}

test('webhooks: LiveKit\'s WebhookReceiver takes them, in order; a receiver that fails is tried again', { timeout: 60 }, async (t) => {
  const good = await receiver(t), shaky = await receiver(t, (n) => (n === 1 ? 503 : 200)), rude = await receiver(t, () => 400);
  const gateway = await Gateway.start(t, { webhook: { urls: [good.url, shaky.url, `${rude.url}?token=hidden`, 'http://127.0.0.1:1/'] } });
  const phone = SipPhone.call(t, gateway.sip('desk'));
  await phone.event('answered');
  await until('the track is told of', () => good.seen.some(({ body }) => body.includes('track_published')));
  await phone.bye();
  await until('that it left is told', () => good.seen.some(({ body }) => body.includes('participant_left')));
  const hooks = new WebhookReceiver(gateway.keys.key, gateway.keys.secret);
  const events = [];
  for (const { body, authorization, type } of good.seen) {
    t.equal(type, 'application/webhook+json', 'Content-Type');
    events.push(await hooks.receive(body, authorization));
    const said = JSON.parse(body), again = WebhookEvent.fromJson(said, { ignoreUnknownFields: false }).toJson();
    t.equal([Object.keys(again).sort(), Object.keys(again.room).sort()], [Object.keys(said).sort(), Object.keys(said.room).sort()], body);
  }
  t.equal(events.map(({ event }) => event), ['room_started', 'participant_joined', 'track_published', 'track_unpublished', 'participant_left'], 'the events');
  const [started, joined, published, , left] = events;
  t.ok(/^RM_/.test(started.room.sid) && started.room.name === 'desk' && /^EV_/.test(started.id), JSON.stringify(started));
  t.equal([joined.participant.kind, joined.room.sid], [3, started.room.sid], 'who joined');
  t.equal([published.participant.identity, published.track.type, /^TR_/.test(published.track.sid)], [joined.participant.identity, 0, true], 'the track');
  t.equal([left.participant.disconnectReason, left.participant.state], [1, 3], 'how it left');
  const forged = good.seen[0].body.replace('desk', 'dusk');
  t.equal((await hooks.receive(forged, good.seen[0].authorization).catch((error) => error)).message, 'sha256 checksum of body does not match', 'a forged one');
  await until('the shaky one has them all', () => shaky.seen.length === 6);
  t.equal(shaky.seen[0].body, shaky.seen[1].body, 'tried again');
  await until('the rude one was asked once for each', () => rude.seen.length === 5);
  const line = await gateway.line(/A webhook was not taken .*status=400/);
  t.ok(!gateway.output.includes('hidden'), `no secret in the log: ${line}`);
});

test('LiveKit\'s API: an update keeps a PIN, a token without grants learns nothing', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, withTrunk);
  const { sip } = clients(gateway);
  const rule = await sip.createSipDispatchRule({ type: 'direct', roomName: 'safe', pin: '4711' }, { name: 'safe' });
  t.equal((await sip.updateSipDispatchRule(rule.sipDispatchRuleId, { ...rule, metadata: 'new' })).metadata, 'new', 'read, changed, written');
  t.ok(!gateway.output.includes('4711'), 'no PIN in the log');
  const call = await RawCall.open(t, gateway, '100');
  t.equal((await call.invite()).status, 200, 'answered to ask for it');
  await gateway.line(/"asksForPin":true|asksForPin=true/); // the PIN is still asked for
  const post = async (method, body, grants) => {
    const response = await fetch(`${gateway.url}/twirp/livekit.SIP/${method}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${gateway.token('x', grants)}` },
      body: JSON.stringify(body),
    });
    return (await response.json()).code;
  };
  const poor = { video: { roomJoin: true, room: 'desk' }, sip: { admin: false, call: false } };
  for (const [method, body] of [
    ['UpdateSIPInboundTrunk', { sip_trunk_id: 'file', update: {} }],
    ['UpdateSIPInboundTrunk', { sip_trunk_id: 'nobody', update: {} }],
    ['CreateSIPDispatchRule', {}],
    ['CreateSIPParticipant', { sip_trunk_id: 'file', sip_call_to: '1', room_name: 'desk' }],
  ]) t.equal(await post(method, body, poor), 'permission_denied', `${method} ${JSON.stringify(body)}`);
});

test('clients that are gone, and a stop, while answers are awaited', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, withTrunk);
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${gateway.token('x')}` };
  const phones = {};
  for (const identity of ['a', 'b', 'c']) phones[identity] = await SipPhone.answer(t, '--ring', 60);
  const dial = (identity) => ({ trunk: { hostname: `127.0.0.1:${phones[identity].port}` }, sip_call_to: 'bob', room_name: 'desk', participant_identity: identity, wait_until_answered: true });
  const connection = new AbortController();
  const gone = fetch(`${gateway.url}/twirp/livekit.SIP/CreateSIPParticipant`, { method: 'POST', headers, body: JSON.stringify(dial('a')), signal: connection.signal }).catch((error) => error.name);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('watcher'));
  t.after(() => rpc.close());
  const ringing = (n) => until(`${n} calls`, async () => (await rpc.call('call.list')).calls.length === n);
  await ringing(1);
  const leaver = await Rpc.connect(gateway.ws, gateway.token('leaver'));
  leaver.call('participant.create', dial('b')).catch(() => {});
  await ringing(2);
  for (let i = 0; i < 20; i++) leaver.call('trunk.create', { ...withTrunk.trunks[0], name: `t${i}`, numbers: [String(200 + i)] }).catch(() => {});
  await until('trunks are made', async () => (await rpc.call('trunk.list')).trunks.length > 1);
  leaver.close();
  connection.abort();
  t.equal(await gone, 'AbortError', 'the client is gone');
  for (const call of (await rpc.call('call.list')).calls) await rpc.call('call.hangup', { sip_call_id: call.sip_call_id });
  await ringing(0);
  const last = fetch(`${gateway.url}/twirp/livekit.SIP/CreateSIPParticipant`, { method: 'POST', headers, body: JSON.stringify(dial('c')) })
    .then((response) => response.status, () => 'closed');
  await ringing(1);
  await gateway.stop(t);
  t.ok([409, 503, 'closed'].includes(await last), 'the stop answered or closed');
});
