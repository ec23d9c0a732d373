// LiveKit's API method by method, in JSON and in protobuf: each answer is what LiveKit's own description of it says.
import * as protocol from '@livekit/protocol';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { complaints } from './lib/schema.mjs';
import { answers, checkTwirp, seen } from './lib/twirp.mjs';

const { Room, SIPDispatchRule, TrackSource, SIPHeaderOptions, SIPMediaEncryption } = protocol;

/** Asks `SERVICE/METHOD` in one of the two formats; gives the answer as LiveKit's message. */
async function ask(gateway, format, path, fields) {
  const method = path.split('/')[1];
  const requests = { GetParticipant: 'RoomParticipantIdentity', RemoveParticipant: 'RoomParticipantIdentity', MutePublishedTrack: 'MuteRoomTrackRequest' };
  const message = new protocol[requests[method] ?? `${method}Request`](fields);
  const response = await fetch(`${gateway.url}/twirp/livekit.${path}`, { method: 'POST',
    headers: { 'Content-Type': `application/${format}`, Authorization: `Bearer ${gateway.token('caller')}` },
    body: format === 'json' ? message.toJsonString() : message.toBinary() });
  if (response.status !== 200) throw new Error(`${path} in ${format}: ${await response.text()}`);
  const [service] = path.split('/'), type = protocol[answers[service][method]];
  if (!type) return {};
  return format === 'json' ? type.fromJson(await response.json()) : type.fromBinary(new Uint8Array(await response.arrayBuffer()));
}

const rule = new SIPDispatchRule({ rule: { case: 'dispatchRuleIndividual', value: { roomPrefix: 'call-', pin: '4711' } } });
const more = { metadata: 'é', headers: { 'X-A': 'b' }, headersToAttributes: { 'X-B': 'b' }, attributesToHeaders: { c: 'X-C' },
  includeHeaders: SIPHeaderOptions.SIP_X_HEADERS, mediaEncryption: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_ALLOW };

async function rooms(t, gateway, to) {
  const name = 'desk', room = await to('RoomService/CreateRoom', { name, emptyTimeout: 77, maxParticipants: 9, metadata: 'm' });
  t.equal([room.emptyTimeout, room.maxParticipants, room.metadata], [77, 9, 'm'], 'CreateRoom');
  const call = await RawCall.open(t, gateway, name);
  t.equal((await call.invite()).status, 200, 'a phone');
  t.equal((await to('RoomService/ListRooms', { names: [name] })).rooms.map(({ numParticipants }) => numParticipants), [1], 'ListRooms');
  const [{ identity, tracks }] = await until('its track', async () => {
    const { participants } = await to('RoomService/ListParticipants', { room: name });
    return participants[0]?.tracks.length > 0 && participants;
  });
  t.equal(tracks[0].source, TrackSource.MICROPHONE, 'its track');
  t.equal((await to('RoomService/MutePublishedTrack', { room: name, identity, trackSid: tracks[0].sid, muted: true })).track.muted, true, 'MutePublishedTrack');
  const permission = { canPublish: true, canSubscribe: true, canPublishData: false };
  const changed = await to('RoomService/UpdateParticipant', { room: name, identity, name: 'Ada', attributes: { a: 'b' }, permission });
  t.equal([changed.name, changed.attributes.a, changed.permission.canPublishData], ['Ada', 'b', false], 'UpdateParticipant');
  t.equal((await to('RoomService/GetParticipant', { room: name, identity })).name, 'Ada', 'GetParticipant');
  t.equal((await to('RoomService/UpdateRoomMetadata', { room: name, metadata: 'new' })).metadata, 'new', 'UpdateRoomMetadata');
  await to('RoomService/SendData', { room: name, data: new Uint8Array([0, 255]), topic: 'bits' });
  await to('RoomService/MoveParticipant', { room: name, identity, destinationRoom: 'other' });
  t.equal((await to('RoomService/ListParticipants', { room: 'other' })).participants.map((each) => each.name), ['Ada'], 'MoveParticipant');
  await to('RoomService/RemoveParticipant', { room: 'other', identity });
  call.remoteTag = null; // it is told to hang up, and does not answer
  await to('RoomService/DeleteRoom', { room: name });
}

async function trunks(t, to, kind, fields) {
  const made = await to(`SIP/CreateSIP${kind}Trunk`, { trunk: { name: kind, ...more, ...fields } });
  const id = made.sipTrunkId;
  if (kind === 'Inbound')
    t.equal([made.authRealm, made.media.onlyListedCodecs, made.media.codecs.map((codec) => codec.name)], ['switchroom', true, ['PCMA']], 'its media');
  t.equal([made.name, made.metadata, made.headers, made.includeHeaders, made.mediaEncryption], [kind, 'é', more.headers, 1, 1], kind);
  t.equal(JSON.stringify((await to(`SIP/GetSIP${kind}Trunk`, { sipTrunkId: id })).trunk), JSON.stringify(made), `the same ${kind} trunk`);
  const change = { case: 'update', value: { metadata: 'new', numbers: { add: ['+15550199'] } } };
  t.equal((await to(`SIP/UpdateSIP${kind}Trunk`, { sipTrunkId: id, action: change })).numbers, ['+15550100', '+15550199'], 'updated');
  t.equal((await to(`SIP/ListSIP${kind}Trunk`, {})).items.length, 1, 'the list');
  return id;
}

async function rules(t, to, trunk) {
  const made = await to('SIP/CreateSIPDispatchRule', { dispatchRule: { rule, name: 'each', trunkIds: [trunk], attributes: { a: 'b' },
    roomConfig: { emptyTimeout: 5, metadata: 'r' } } });
  const sipDispatchRuleId = made.sipDispatchRuleId;
  t.equal([made.trunkIds, made.rule.rule.value.pin, made.roomConfig?.emptyTimeout], [[trunk], '****', 5], 'CreateSIPDispatchRule');
  const change = { case: 'update', value: { name: 'other' } };
  t.equal((await to('SIP/UpdateSIPDispatchRule', { sipDispatchRuleId, action: change })).name, 'other', 'UpdateSIPDispatchRule');
  t.equal((await to('SIP/ListSIPDispatchRule', {})).items.map(({ name }) => name), ['other'], 'ListSIPDispatchRule');
  await to('SIP/DeleteSIPDispatchRule', { sipDispatchRuleId });
}

for (const format of ['json', 'protobuf'])
  test(`LiveKit's API: every method in ${format} answers as LiveKit describes it`, { timeout: 60 }, async (t) => {
    const gateway = await Gateway.start(t);
    const to = (path, fields) => ask(gateway, format, path, fields);
    await rooms(t, gateway, to);
    const inbound = await trunks(t, to, 'Inbound', { numbers: ['+15550100'], allowedAddresses: ['127.0.0.1'], maxCallDuration: { seconds: 90n },
      authUsername: 'u', authPassword: 'a-password-of-some-length', media: { onlyListedCodecs: true, codecs: [{ name: 'PCMA', rate: 8000 }] } });
    const outbound = await trunks(t, to, 'Outbound', { numbers: ['+15550100'], address: '127.0.0.1:9', transport: 1 });
    await rules(t, to, inbound);
    t.equal((await to('SIP/ListSIPTrunk', {})).items.map(({ kind }) => kind), [1, 2], 'ListSIPTrunk');
    const made = await to('SIP/CreateSIPParticipant', { sipTrunkId: outbound, sipCallTo: '+15550111', roomName: 'out', participantIdentity: 'callee' });
    t.equal([made.participantIdentity, made.roomName], ['callee', 'out'], 'CreateSIPParticipant');
    for (const sipTrunkId of [inbound, outbound]) await to('SIP/DeleteSIPTrunk', { sipTrunkId });
    const all = Object.values(answers).flatMap((service) => Object.keys(service));
    const elsewhere = ['TransferSIPParticipant']; // it needs a phone that takes it
    t.equal(all.filter((method) => !seen.has(`${method} ${format}`) && !elsewhere.includes(method)), [], 'what has not been asked');
  });

test('an answer that is not as LiveKit describes it is found', {}, async (t) => {
  const room = { ...new Room({ name: 'a', emptyTimeout: 5 }).toJson({ emitDefaultValues: true, useProtoFieldName: true }) };
  delete room.version;
  const bytes = [...new Room({ name: 'a' }).toBinary()];
  for (const [what, isRight, status, type, body] of [
    ['as it is', true, 200, 'json', room],
    ['a number that must be a text', false, 200, 'json', { ...room, creation_time: 5 }],
    ['a field that is missing', false, 200, 'json', { ...room, sid: undefined }],
    ['an unknown field', false, 200, 'json', { ...room, colour: 'red' }],
    ['another spelling', false, 200, 'json', { ...room, metadata: undefined, emptyTimeout: 5 }],
    ['an error', true, 404, 'json', { code: 'not_found', msg: 'no such room', meta: { argument: 'room' } }],
    ['an unknown word', false, 404, 'json', { code: 'not_there', msg: 'no such room' }],
    ['another status', false, 400, 'json', { code: 'not_found', msg: 'no such room' }],
    ['meta with a number', false, 404, 'json', { code: 'not_found', msg: 'no such room', meta: { n: 1 } }],
    ['in protobuf', true, 200, 'protobuf', bytes],
    ['an unknown number of a field', false, 200, 'protobuf', [...bytes, 0xf8, 0x7f, 1]],
    ['half of it', false, 200, 'protobuf', bytes.slice(0, -1)],
    ['a default that is written', false, 200, 'protobuf', [...bytes, 0x1a, 0]],
  ]) {
    checkTwirp('http://127.0.0.1:1/twirp/livekit.RoomService/CreateRoom', status, `application/${type}`,
      Buffer.from(type === 'json' ? JSON.stringify(body) : body));
    const found = complaints(1);
    t.equal(found.length === 0, isRight, `${what}: ${found}`);
  }
});
