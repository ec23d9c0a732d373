// Every method and every event of the API: with what it takes, what it refuses, and who may not. What it answers is
// checked by the client itself (lib/schema.mjs). The list is the gateway's own: a method or an event without a case fails.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Rpc } from './lib/rpc.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';

const connect = async (t, gateway, identity = 'operator', grants = {}) => {
  const rpc = await Rpc.connect(gateway.ws, gateway.token(identity, grants));
  t.after(() => rpc.close());
  return rpc;
};

const offer = (sections = 1) => {
  const mids = Array.from({ length: sections }, (_, index) => String(index));
  return ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${mids.join(' ')}`,
    ...mids.flatMap((mid) => ['m=audio 9 UDP/TLS/RTP/SAVPF 111 0', 'c=IN IP4 0.0.0.0', 'a=rtcp-mux', `a=mid:${mid}`,
      'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=setup:actpass', 'a=sendrecv', 'a=msid:s t',
      `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=rtpmap:111 opus/48000/2', 'a=rtpmap:0 PCMU/8000']),
    ''].join('\r\n');
};

/* A square wave of 500 Hz in PCMU. */
const loud = Buffer.from(Array.from({ length: 160 }, (_, index) => (index % 16 < 8 ? 0x90 : 0x10)));

/** A phone in room `hall`, which takes MESSAGE and whatever it is sent. */
async function phoneIn(t, gateway) {
  const phone = await RawCall.open(t, gateway, 'hall', 'phone');
  const cseq = phone.request('INVITE', sdp(phone.mediaPort),
    { extra: ['Allow: INVITE, ACK, BYE, MESSAGE, REFER', 'Supported: timer', 'Session-Expires: 1800;refresher=uac'] });
  const answer = await phone.final(cseq);
  phone.ack(cseq);
  phone.talk(answer.body, 0, loud);
  phone.onInvite = (invite) => phone.respond(invite, 200, 'OK', sdp(phone.mediaPort));
  return phone;
}

/* By method: what must be refused, as [params, word, field], after what must be answered. `s` has the operator's socket,
 * the phone and what earlier cases made. They run in this order. */
const hall = { room: 'hall' }, who = { room: 'hall', identity: 'sip_phone' };
const nobody = { room: 'hall', identity: 'nobody' }, nowhere = { room: 'nowhere', identity: 'sip_phone' };
const cases = {
  'server.info': { ok: (s) => s.call({}) },
  'server.stats': { ok: (s) => s.call({}) },
  'server.methods': { ok: (s) => s.call({}) },
  'server.authenticate': {
    ok: (s) => s.call({ access_token: s.gateway.token('operator') }),
    bad: [[{}, 'invalid_argument', 'access_token'], [{ access_token: 'x' }, 'unauthenticated']],
  },
  'room.create': {
    ok: (s) => s.call({ name: 'made', empty_timeout: 300, metadata: 'm', codecs: ['PCMU'] }),
    bad: [[{}, 'invalid_argument', 'name'], [{ name: '*' }, 'invalid_argument'], [{ name: 'a', codecs: ['mp3'] }, 'invalid_argument'],
      [{ name: 'a', max_participants: -1 }, 'invalid_argument', 'max_participants']],
  },
  'room.list': { ok: (s) => s.call({}) },
  'room.get': { ok: (s) => s.call({ name: 'hall' }), bad: [[{ name: 'nowhere' }, 'not_found']] },
  'room.update': { ok: (s) => s.call({ name: 'made', metadata: 'n' }), bad: [[{ name: 'nowhere' }, 'not_found']] },
  'room.watch': {
    ok: async (s) => {
      const { epoch } = await s.call({ name: 'hall' });
      await s.call({ name: 'hall', from_seq: 0, epoch });
      s.t.ok((await s.call({ name: 'hall', from_seq: 1, epoch: 'EP_x' })).gap, 'a gap');
    },
    bad: [[{ name: '*', from_seq: 1 }, 'invalid_argument']],
  },
  'room.send_message': {
    ok: async (s) => {
      const sending = s.call({ ...hall, text: 'hello' });
      s.phone.respond(await s.phone.received('MESSAGE'), 200, 'OK');
      s.t.equal(await sending, { delivered: 1, failed: [] }, 'result');
      await s.event('message_received');
    },
    bad: [[{ ...hall, text: '' }, 'invalid_argument'], [{ room: 'nowhere', text: 'x' }, 'not_found']],
  },
  'room.play': {
    ok: async (s) => (s.played = (await s.call({ ...hall, tone: 'dial' })).play_id),
    bad: [[{ ...hall, tone: 'siren' }, 'invalid_argument', 'tone'], [hall, 'invalid_argument'],
      [{ ...hall, file: 'a.wav' }, 'failed_precondition'], [{ room: 'nowhere', tone: 'dial' }, 'not_found']],
  },
  'room.play_stop': {
    ok: async (s) => (await s.call({ ...hall, play_id: s.played }), s.event('play_ended')),
    bad: [[{ ...hall, play_id: 'PL_x' }, 'not_found']],
  },
  'participant.list': { ok: (s) => s.call(hall), bad: [[{ room: 'nowhere' }, 'not_found']] },
  'participant.get': { ok: (s) => s.call(who), bad: [[nobody, 'not_found'], [nowhere, 'not_found']] },
  'participant.mute': { ok: (s) => s.call({ ...who, muted: true }), bad: [[nobody, 'not_found'], [{ ...who, track_sid: 'TR_x' }, 'not_found']] },
  'participant.update': {
    ok: (s) => s.call({ ...who, name: 'Phone', attributes: { a: 'b' } }),
    bad: [[{ ...who, attributes: { 'sip.x': 'y' } }, 'invalid_argument'], [{ ...who, attributes: { a: 1 } }, 'invalid_argument', 'attributes.a'], [nobody, 'not_found']],
  },
  'participant.play': { ok: async (s) => (s.played = (await s.call({ ...who, tone: 'busy' })).play_id), bad: [[{ ...nobody, tone: 'busy' }, 'not_found']] },
  'participant.play_stop': { ok: (s) => s.call({ ...who, play_id: s.played }), bad: [[{ ...who, play_id: 'PL_x' }, 'not_found']] },
  'participant.send_dtmf': { ok: (s) => s.call({ ...who, digits: '1' }), bad: [[{ ...who, digits: 'x' }, 'invalid_argument'], [{ ...nobody, digits: '1' }, 'not_found']] },
  'participant.set_gain': { ok: (s) => s.call({ ...who, gain_db: -6 }), bad: [[{ ...who, gain_db: 99 }, 'invalid_argument', 'gain_db'], [{ ...nobody, gain_db: 0 }, 'not_found']] },
  'participant.hold': { ok: async (s) => (await s.call({ ...who, held: true }), s.call({ ...who, held: false })), bad: [[nobody, 'not_found']] },
  'participant.set_codecs': {
    ok: (s) => s.call({ ...who, codecs: ['PCMU'] }),
    bad: [[{ ...who, codecs: [] }, 'invalid_argument'], [{ ...who, codecs: ['mp3'] }, 'invalid_argument'], [{ ...nobody, codecs: ['PCMU'] }, 'not_found']],
  },
  'participant.create': {
    ok: async (s) => {
      const callee = await RawCall.open(s.t, s.gateway);
      callee.onInvite = (invite) => callee.respond(invite, 486, 'Busy Here');
      const trunk = { hostname: `127.0.0.1:${callee.port}` };
      s.created = await s.call({ room: 'out', sip_call_to: '100', trunk });
      const busy = await s.rpc.fails('participant.create', { room: 'out', sip_call_to: '101', trunk, wait_until_answered: true });
      s.t.equal([busy.data.code, busy.data.sip_status_code], ['resource_exhausted', 486], 'busy');
    },
    bad: [[hall, 'invalid_argument', 'sip_call_to'], [{ ...hall, sip_call_to: '1', sip_trunk_id: 'ST_x' }, 'not_found'],
      [{ ...hall, sip_call_to: '1', trunk: { colour: 'red' } }, 'invalid_argument', 'trunk.colour'],
      [{ ...hall, sip_call_to: '1', trunk: { hostname: 'a', transport: 'sctp' } }, 'invalid_argument', 'trunk.transport'],
      [{ ...hall, sip_call_to: '1', idempotency_key: '' }, 'invalid_argument', 'idempotency_key']],
  },
  'call.list': { ok: async (s) => (s.id = (await s.call({ ...hall, ended: true })).calls[0].sip_call_id), bad: [[{ since: 'yesterday' }, 'invalid_argument'], [{ page_token: 'x' }, 'invalid_argument'], [{ direction: 'up' }, 'invalid_argument', 'direction']] },
  'call.get': { ok: (s) => s.call({ sip_call_id: s.id }), bad: [[{ sip_call_id: 'SCL_x' }, 'not_found']] },
  'call.trace': { ok: (s) => s.call({ sip_call_id: s.id }), bad: [[{ sip_call_id: 'SCL_x' }, 'not_found'], [{}, 'invalid_argument']] },
  'participant.transfer': {
    ok: async (s) => {
      const pending = s.rpc.fails('participant.transfer', { ...who, transfer_to: 'tel:+15550100' });
      s.phone.respond(await s.phone.received('REFER'), 405, 'Method Not Allowed');
      s.t.equal((await pending).data.code, 'unimplemented', 'a phone without REFER');
      await s.event('transfer_status');
    },
    bad: [[{ ...nobody, transfer_to: 'tel:+1' }, 'not_found'], [who, 'invalid_argument', 'transfer_to']],
  },
  'participant.move': { ok: (s) => s.call({ ...who, to_room: 'other' }), bad: [[{ ...nobody, to_room: 'other' }, 'not_found']] },
  'call.hangup': { ok: (s) => s.call({ sip_call_id: s.id }), bad: [[{ sip_call_id: 'SCL_x' }, 'not_found']] },
  'participant.remove': {
    ok: async (s) => {
      await phoneIn(s.t, s.gateway);
      await s.call(who);
    },
    bad: [[nobody, 'not_found']],
  },
  'trunk.create': { ok: async (s) => (s.trunk = (await s.call({ name: 'api', direction: 'inbound', numbers: ['5'] })).trunk.sip_trunk_id), bad: [[{ name: 'x', colour: 'red' }, 'invalid_argument', 'colour'], [{ name: 'api', numbers: ['6'] }, 'invalid_argument', 'name']] },
  'trunk.update': { ok: (s) => s.call({ sip_trunk_id: s.trunk, numbers: ['7'] }), bad: [[{ sip_trunk_id: 'ST_x', numbers: ['7'] }, 'not_found']] },
  'trunk.list': { ok: (s) => s.call({}) },
  'dispatch_rule.create': { ok: async (s) => (s.rule = (await s.call({ name: 'api', type: 'direct', room: 'hall', trunks: ['api'] })).dispatch_rule.sip_dispatch_rule_id), bad: [[{ name: 'x', type: 'odd' }, 'invalid_argument']] },
  'dispatch_rule.update': { ok: (s) => s.call({ sip_dispatch_rule_id: s.rule, pin: '1234' }), bad: [[{ sip_dispatch_rule_id: 'SDR_x', pin: '1' }, 'not_found']] },
  'dispatch_rule.list': { ok: (s) => s.call({}) },
  'dispatch_rule.delete': { ok: (s) => s.call({ sip_dispatch_rule_id: s.rule }), bad: [[{ sip_dispatch_rule_id: 'SDR_x' }, 'not_found']] },
  'trunk.delete': { ok: (s) => s.call({ sip_trunk_id: s.trunk }), bad: [[{ sip_trunk_id: 'ST_x' }, 'not_found']] },
  'registration.list': { ok: (s) => s.call({}) },
  'registration.remove': {
    ok: async (s) => {
      const phone = await RawCall.open(s.t, s.gateway, 'desk', 'desk');
      s.t.equal((await phone.final(phone.request('REGISTER', '', { extra: ['Expires: 60'] }))).status, 200, 'registered');
      s.t.equal((await s.call({ username: 'desk' })).removed, 1, 'removed');
    },
    bad: [[{ username: 'nobody' }, 'not_found']],
  },
  'session.join': {
    ok: (s) => s.call({ room: 'web', sdp: offer(), subscribe: 'tracks' }),
    bad: [[{ room: 'web' }, 'invalid_argument', 'sdp'], [{ room: 'web', sdp: 'v=0', subscribe: 'all' }, 'invalid_argument', 'subscribe'],
      [{ resume: 'PA_x' }, 'not_found'], [{ room: 'web', sdp: 'v=0\r\nnonsense' }, 'invalid_argument']],
    badFirst: true,
  },
  'session.offer': { ok: (s) => s.call({ sdp: offer(2).replace('o=- 1 2', 'o=- 1 3') }), bad: [[{ sdp: 'v=0' }, 'invalid_argument']] },
  'session.candidate': { ok: (s) => s.call({ candidate: 'candidate:1 1 UDP 2130706431 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 }), bad: [[{}, 'invalid_argument', 'candidate']] },
  'session.mute': { ok: (s) => s.call({ muted: true }), bad: [[{ muted: 1 }, 'invalid_argument', 'muted']] },
  'session.leave': { ok: (s) => s.call({}), bad: [[{}, 'failed_precondition']] },
  'room.delete': { ok: (s) => s.call({ name: 'made' }), bad: [[{ name: 'nowhere' }, 'not_found']] },
};

/* What happens meanwhile must have told every one of the events. */
test('every method answers, refuses and says why; every event is told', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway), watcher = await connect(t, gateway, 'watcher');
  await watcher.call('room.watch', { name: '*' });
  const { methods, events } = await rpc.call('server.methods');
  t.equal(Object.keys(methods).filter((name) => !cases[name]), [], 'methods without a case: add them to `cases`');
  t.equal(Object.keys(cases).filter((name) => !methods[name]), [], 'cases of no method');

  const told = (type) => until(`the event ${type}`, () => watcher.events.some((event) => event.type === type));
  const scene = { t, gateway, rpc, event: told, phone: await phoneIn(t, gateway) };
  await told('active_speakers');
  scene.phone.request('INFO', 'Signal=5\r\nDuration=160\r\n', { type: 'application/dtmf-relay' });
  await told('dtmf_received');
  for (const [name, { ok, bad = [], badFirst }] of Object.entries(cases)) {
    const refuse = async () => {
      for (const [params, code, field] of bad) {
        const error = await rpc.fails(name, params);
        t.equal([error.data.code, field && error.data.field], [code, field], `${name} ${JSON.stringify(params)}: ${error.text}`);
      }
    };
    if (badFirst) await refuse();
    scene.call = (params) => rpc.call(name, params);
    await ok(scene);
    if (!badFirst) await refuse();
  }
  await until('everything is over', () => watcher.events.some((event) => event.type === 'room_finished'));
  t.equal(Object.keys(events).filter((type) => !watcher.events.some((event) => event.type === type)), [], 'events that were not told');
});
