// Every answer of Twirp that a test sees, in JSON or protobuf, is held against LiveKit's own description of it
// (@livekit/protocol), which is not what the gateway was made with. What does not fit fails the test at its end.
import * as protocol from '@livekit/protocol';
import { Empty } from '@bufbuild/protobuf';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseProto } from './proto.mjs';
import { complain } from './schema.mjs';

/** What is answered to each method. */
export const answers = {
  RoomService: { CreateRoom: 'Room', ListRooms: 'ListRoomsResponse', DeleteRoom: 'DeleteRoomResponse', UpdateRoomMetadata: 'Room',
    ListParticipants: 'ListParticipantsResponse', GetParticipant: 'ParticipantInfo', RemoveParticipant: 'RemoveParticipantResponse',
    MoveParticipant: 'MoveParticipantResponse', MutePublishedTrack: 'MuteRoomTrackResponse', UpdateParticipant: 'ParticipantInfo', SendData: 'SendDataResponse' },
  SIP: { CreateSIPInboundTrunk: 'SIPInboundTrunkInfo', CreateSIPOutboundTrunk: 'SIPOutboundTrunkInfo',
    UpdateSIPInboundTrunk: 'SIPInboundTrunkInfo', UpdateSIPOutboundTrunk: 'SIPOutboundTrunkInfo',
    GetSIPInboundTrunk: 'GetSIPInboundTrunkResponse', GetSIPOutboundTrunk: 'GetSIPOutboundTrunkResponse',
    ListSIPInboundTrunk: 'ListSIPInboundTrunkResponse', ListSIPOutboundTrunk: 'ListSIPOutboundTrunkResponse',
    ListSIPTrunk: 'ListSIPTrunkResponse', DeleteSIPTrunk: 'SIPTrunkInfo', CreateSIPDispatchRule: 'SIPDispatchRuleInfo',
    UpdateSIPDispatchRule: 'SIPDispatchRuleInfo', ListSIPDispatchRule: 'ListSIPDispatchRuleResponse',
    DeleteSIPDispatchRule: 'SIPDispatchRuleInfo', CreateSIPParticipant: 'SIPParticipantInfo', TransferSIPParticipant: 'Empty' },
};

/* Error words and their statuses: Twirp's specification, version 7. */
const statuses = { canceled: 408, unknown: 500, invalid_argument: 400, malformed: 400, deadline_exceeded: 408, not_found: 404,
  bad_route: 404, already_exists: 409, permission_denied: 403, unauthenticated: 401, resource_exhausted: 429,
  failed_precondition: 412, aborted: 409, out_of_range: 400, unimplemented: 501, internal: 500, unavailable: 503, data_loss: 503 };

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const { messages: ours } = parseProto(readFileSync(join(root, 'signaling/core/livekit.proto'), 'utf8'));

/** What has been answered in this run: method and format. */
export const seen = new Set();

/* The same with names in order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (!value || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, each]) => [name, sorted(each)]));
}

/* protobuf-es writes every field that it knows; those that livekit.proto does not have are not said. */
function cut(message, name, said) {
  const fields = ours[name];
  if (!fields || !message || typeof message !== 'object') return message;
  const kept = {};
  for (const { name: field, type, isRepeated } of fields) {
    const value = message[field], isGiven = said[field] !== null && said[field] !== undefined;
    if (value === undefined) {
      if (said[field] === null) kept[field] = null; // a message that is not there is null
    } else if (!ours[type] || type === 'Duration') kept[field] = value;
    else if (isRepeated) kept[field] = value.map((each, index) => cut(each, type, isGiven ? said[field][index] ?? {} : {}));
    else kept[field] = isGiven ? cut(value, type, said[field]) : value;
  }
  return kept;
}

function wrongJson(type, text) {
  const said = JSON.parse(text);
  const message = type.fromJson(said, { ignoreUnknownFields: false });
  const again = type === Empty ? {} : cut(message.toJson({ emitDefaultValues: true, useProtoFieldName: true }), type.typeName.split('.').at(-1), said);
  const [given, wanted] = [JSON.stringify(sorted(said)), JSON.stringify(sorted(again))];
  return given === wanted ? null : `it is ${given}, and read and written again ${wanted}`;
}

/* Fields that the description does not have are kept aside by protobuf-es, in messages within messages too. */
function hasUnknown(message) {
  return message.getType().runtime.bin.listUnknownFields(message).length > 0 || message.getType().fields.list().some((field) => {
    const value = field.oneof ? (message[field.oneof.localName].case === field.localName ? message[field.oneof.localName].value : null) : message[field.localName];
    return field.kind === 'message' && value && [value].flat().some(hasUnknown);
  });
}

function wrongProtobuf(type, bytes) {
  const message = type.fromBinary(bytes);
  if (hasUnknown(message)) return 'fields that are not described';
  const size = message.toBinary().length;
  return size === bytes.length ? null : `${bytes.length} bytes, and read and written again ${size}`;
}

function wrongError(status, text) {
  const error = JSON.parse(text);
  const others = Object.keys(error).filter((name) => !['code', 'msg', 'meta'].includes(name));
  if (others.length > 0 || typeof error.msg !== 'string' || error.msg.length < 6) return `an error ${text}`;
  if (statuses[error.code] !== status) return `${error.code} with status ${status}`;
  const isText = error.meta === undefined || (error.meta && Object.values(error.meta).every((value) => typeof value === 'string'));
  return isText ? null : `meta that is not of texts: ${text}`;
}

function wrong(path, status, type, body) {
  const [, service, method] = /^\/twirp\/livekit\.(\w+)\/(\w+)$/.exec(path) ?? [];
  const name = answers[service === 'SIPService' ? 'SIP' : service]?.[method];
  if (status !== 200) return type === 'application/json' ? wrongError(status, body.toString()) : `an error of type ${type}`;
  if (!name) return 'it answers to what is not described';
  seen.add(`${method} ${type.replace('application/', '')}`);
  const message = name === 'Empty' ? Empty : protocol[name];
  if (type === 'application/json') return wrongJson(message, body.toString());
  return type === 'application/protobuf' ? wrongProtobuf(message, new Uint8Array(body)) : `the type ${type}`;
}

/** Holds one answer against its description. */
export function checkTwirp(url, status, type, body) {
  const { port, pathname } = new URL(url);
  let text;
  try {
    text = wrong(pathname, status, type, body);
  } catch (error) {
    text = String(error);
  }
  if (text) complain(port, `${pathname}: ${text}`, body.toString('latin1'));
}

/* fetch is what livekit-server-sdk and the tests ask with. */
const ask = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const response = await ask(input, init), url = String(input?.url ?? input);
  if (!new URL(url).pathname.startsWith('/twirp/')) return response;
  const body = Buffer.from(await response.arrayBuffer());
  checkTwirp(url, response.status, response.headers.get('content-type'), body);
  return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
};
