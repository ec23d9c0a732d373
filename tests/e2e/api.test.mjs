// The JSON-RPC core over real sockets: tokens, grants, errors in words, events and their replay.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Rpc } from './lib/rpc.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { SipPhone } from './lib/phone.mjs';
import { signedToken } from './lib/token.mjs';

const connect = async (t, gateway, identity = 'operator', grants = {}) => {
  const rpc = await Rpc.connect(gateway.ws, gateway.token(identity, grants));
  t.after(() => rpc.close());
  return rpc;
};

test('bad tokens are refused with 401', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const { key, secret } = gateway.keys;
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: key, sub: 'eve', exp: now + 60, video: { roomJoin: true } };
  const good = signedToken(secret, claims);
  const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${good.split('.')[1]}.`;
  for (const [what, token] of [
    ['none at all', null], ['an empty one', ''], ['no JWT', 'abc'], ['alg none', unsigned],
    ['another secret', signedToken('wrong-secret-wrong-secret-wrong-secret', claims)],
    ['another key', signedToken(secret, { ...claims, iss: 'nobody' })],
    ['expired', signedToken(secret, { ...claims, exp: now - 60 })],
    ['not yet valid', signedToken(secret, { ...claims, nbf: now + 600 })],
    ['without exp', signedToken(secret, { ...claims, exp: undefined })],
    ['trailing bytes', `${good}AA`], ['truncated', good.slice(0, -4)],
    ['another algorithm', signedToken(secret, claims, { alg: 'HS512', typ: 'JWT' })],
  ]) {
    const error = await Rpc.connect(gateway.ws, token).then(() => null, (caught) => caught);
    t.equal(error?.status, 401, what);
  }
  const rpc = await Rpc.connect(gateway.ws, good);
  t.equal((await rpc.call('server.info')).name, 'Switchroom', 'server.info');
  await rpc.close();
  t.ok(!gateway.output.includes(good.split('.')[2]), 'a token is in the log');
});

test('a token does what it grants and nothing else', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const operator = await connect(t, gateway);
  await operator.call('room.create', { name: 'mine' });
  await operator.call('room.create', { name: 'theirs' });
  const nothing = { roomJoin: false, roomAdmin: false, roomCreate: false, roomList: false };
  const guest = await connect(t, gateway, 'guest', { video: { ...nothing, roomJoin: true, room: 'mine' }, sip: { admin: false, call: false } });
  await guest.call('room.get', { name: 'mine' });
  for (const [method, params] of [
    ['room.get', { name: 'theirs' }], ['room.watch', { name: 'theirs' }], ['room.watch', { name: '*' }],
    ['room.list', {}], ['room.create', { name: 'x' }], ['room.delete', { name: 'mine' }],
    ['participant.list', { room: 'mine' }], ['participant.remove', { room: 'mine', identity: 'a' }],
    ['participant.create', { room: 'mine', sip_call_to: 'sip:a@127.0.0.1' }], ['call.list', {}],
    ['session.join', { room: 'theirs', sdp: 'v=0' }],
  ])
    t.equal((await guest.fails(method, params)).data.code, 'permission_denied', method);
});

test('requests that are wrong get JSON-RPC errors in words', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway);
  for (const [text, code] of [
    ['{', -32700], ['\u0001', -32700], ['[]', -32600], ['{}', -32600], ['1', -32600],
    ['{"jsonrpc":"2.0","id":1,"id":2,"method":"server.info"}', -32700],
    [`{"jsonrpc":"2.0","id":1,"method":"server.info","params":${'['.repeat(100)}${']'.repeat(100)}}`, -32700],
  ]) {
    const before = rpc.raw.length;
    rpc.send(text);
    const answer = await until(`an answer to ${text}`, () => rpc.raw[before]);
    const error = (Array.isArray(answer) ? answer[0] : answer).error;
    t.ok([code, -32600, -32700].includes(error.code) && error.message.length > 5, `${text}: ${JSON.stringify(error)}`);
  }
  t.equal((await rpc.fails('no.such', {})).code, -32601, 'unknown method');
  const unknown = await rpc.fails('room.create', { name: 'a', colour: 'red' });
  t.equal([unknown.code, unknown.data.field], [-32602, 'colour'], 'unknown parameter');
  t.equal((await rpc.fails('room.create', {})).data.field, 'name', 'missing parameter');
  t.equal((await rpc.fails('room.get', { name: 'nowhere' })).data.code, 'not_found', 'no such room');
  t.equal((await rpc.fails('call.get', { sip_call_id: 'SCL_x' })).data.code, 'not_found', 'no such call');
  t.equal((await rpc.fails('session.leave', {})).data.code, 'failed_precondition', 'leave without a session');
  t.equal((await rpc.fails('session.join', { room: 'a', sdp: 'v=0\r\nnonsense' })).data.code, 'invalid_argument', 'bad SDP');
  t.ok(!(await rpc.call('room.list')).rooms.some((room) => room.name === 'a'), 'a refused join left a room behind');
});

test('a batch is answered as one', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway);
  rpc.send(JSON.stringify([
    { jsonrpc: '2.0', id: 'a', method: 'server.info' },
    { jsonrpc: '2.0', method: 'server.info' },
    { jsonrpc: '2.0', id: 'b', method: 'room.get', params: { name: 'nowhere' } },
  ]));
  const answers = await until('the answers', () => rpc.raw[0]);
  t.equal(answers.map((answer) => [answer.id, Boolean(answer.result)]), [['a', true], ['b', false]], 'answers');
});

test('server.methods describes every method', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway);
  const { methods } = await rpc.call('server.methods');
  for (const name of ['server.info', 'server.stats', 'room.create', 'room.list', 'room.get', 'room.delete', 'room.update',
    'room.watch', 'participant.list', 'participant.get', 'participant.remove', 'participant.mute', 'participant.create',
    'call.list', 'call.get', 'call.trace', 'call.hangup', 'session.join', 'session.offer', 'session.candidate', 'session.mute', 'session.leave'])
    t.ok(methods[name]?.params?.type === 'object' && methods[name].description, `${name} is not described`);
});

/* While nobody watches, nobody is told who speaks. */
test('who speaks is told to who watches later', { timeout: 20 }, async (t) => {
  const gateway = await Gateway.start(t);
  const phones = ['one', 'two'].map((room) => SipPhone.call(t, gateway.sip(room)));
  for (const phone of phones) await phone.event('answered');
  for (const name of ['one', '*']) {
    const rpc = await connect(t, gateway, `watcher of ${name}`);
    await until('a second of each call', async () => {
      const { calls } = await rpc.call('call.list');
      const all = await Promise.all(calls.map(({ sip_call_id }) => rpc.call('call.get', { sip_call_id })));
      return all.length === 2 && all.every(({ call }) => call.media.in.packets > 50);
    });
    await rpc.call('room.watch', { name });
    const room = name === '*' ? 'two' : name;
    const event = await until(`who speaks in ${room}`, () => rpc.events.find((e) => e.type === 'active_speakers' && e.room === room));
    t.equal(event.speakers.length, 1, 'speakers');
  }
});

test('rooms end by their timeouts, and every step is an event with a number', { timeout: 30 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway);
  const { epoch } = await rpc.call('room.watch', { name: 'short' });
  await rpc.call('room.create', { name: 'short', empty_timeout: 1, departure_timeout: 1 });
  await until('the empty room ended', () => rpc.events.some((event) => event.type === 'room_finished'), 5);
  await rpc.call('room.create', { name: 'short', departure_timeout: 1 });
  const phone = SipPhone.call(t, gateway.sip('short'));
  await phone.event('answered');
  const { room, participants } = await rpc.call('room.get', { name: 'short' });
  t.equal([room.num_participants, participants[0].kind], [1, 'SIP'], 'the room');
  await phone.bye();
  await until('the room ended', () => rpc.events.filter((event) => event.type === 'room_finished').length === 2, 6);
  const numbers = rpc.events.filter((event) => event.type !== 'active_speakers').map((event) => event.seq);
  t.equal(numbers, numbers.map((_, index) => numbers[0] + index), 'numbers without a gap');
  t.ok(rpc.events.every((event) => event.epoch === epoch && event.room === 'short' && event.time), 'epoch, room and time');
  const types = rpc.events.map((event) => event.type);
  for (const type of ['room_started', 'participant_joined', 'track_published', 'call_status', 'track_unpublished', 'participant_left'])
    t.ok(types.includes(type), `no ${type} in ${types}`);

  const late = await connect(t, gateway, 'late');
  await late.call('room.watch', { name: 'short', from_seq: numbers[2], epoch });
  await until('the replay', () => late.events.length >= numbers.length - 3);
  t.equal(late.events.map((event) => event.seq), numbers.slice(3), 'replayed numbers');
  const trusting = await connect(t, gateway, 'trusting');
  t.equal((await trusting.call('room.watch', { name: 'short', from_seq: numbers[2] })).gap, undefined, 'without an epoch it is the present one');
  await until('the replay', () => trusting.events.length >= numbers.length - 3);
  const foreign = await late.call('room.watch', { name: 'short', from_seq: 1, epoch: 'EP_other' });
  t.equal([foreign.gap, foreign.snapshot.participants], [true, []], 'a foreign epoch is a gap');
});

test('participants are listed, muted and removed', { timeout: 30 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway);
  const phone = SipPhone.call(t, gateway.sip('desk'));
  await phone.event('answered');
  const { participants } = await rpc.call('participant.list', { room: 'desk' });
  t.equal(participants.length, 1, 'participants');
  const { identity, attributes } = participants[0];
  for (const name of ['sip.callID', 'sip.callIDFull', 'sip.callStatus', 'sip.phoneNumber', 'sip.hostname', 'sip.ruleID'])
    t.ok(attributes[name], `no attribute ${name} in ${JSON.stringify(attributes)}`);
  const muted = await rpc.call('participant.mute', { room: 'desk', identity, muted: true });
  t.equal(muted.participant.tracks[0].muted, true, 'muted');
  const { calls } = await rpc.call('call.list', { room: 'desk' });
  t.equal([calls.length, calls[0].status, calls[0].participant_identity], [1, 'active', identity], 'call.list');
  await rpc.call('room.watch', { name: 'desk' });
  await rpc.call('participant.remove', { room: 'desk', identity });
  t.equal((await phone.event('ended')).by, 'remote', 'who hung up');
  const told = await until('that it is over', () => rpc.events.find(({ type, status }) => type === 'call_status' && status === 'hangup'));
  const over = await until('the finished call', async () =>
    (await rpc.call('call.list', { room: 'desk', ended: true })).calls.find((call) => call.status === 'hangup' && call.media));
  t.ok(over.ended_at && over.end.reason === 'removed' && over.timeline.length > 2, JSON.stringify(over));
  t.equal(told.call.ended_at, over.ended_at, 'when it ended, told and kept');
  await gateway.line(/Call summary/);
});

test('room and room_name, identity and participant_identity stand for one another in every method', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway);
  const { methods } = await rpc.call('server.methods');
  for (const [name, { params }] of Object.entries(methods)) {
    const has = (key) => key in params.properties;
    t.equal(has('room'), has('room_name'), `${name}: room and room_name`);
    t.equal(has('identity'), has('participant_identity'), `${name}: identity and participant_identity`);
  }
  await rpc.call('room.create', { room_name: 'a' });
  for (const params of [{ name: 'a' }, { room: 'a' }, { room_name: 'a' }, { room: 'a', name: 'a' }])
    t.equal((await rpc.call('room.get', params)).room.name, 'a', JSON.stringify(params));
  const error = await rpc.fails('room.get', { name: 'a', room: 'b' });
  t.equal([error.code, error.data.field], [-32602, 'room'], error.message);
});

test('participant.create: attributes are checked, the Call-ID is known at once, secrets are in no answer', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway);
  const { port } = await RawCall.open(t, gateway); // takes INVITEs and says nothing
  const create = { room: 'out', sip_call_to: '100', trunk: { hostname: `127.0.0.1:${port}`, auth_username: 'u', auth_password: 'topsecret' } };
  const many = (n, value = 'x') => Object.fromEntries(Array.from({ length: n }, (_, i) => [`a${i}`, value]));
  for (const [attributes, words] of [[{ a: 1 }, /participant_attributes.a: must be a string/],
    [{ 'sip.callID': 'x' }, /sip\.\*/], [{ a: 'x'.repeat(5000) }, /too long/], [many(257), /256 at most/]])
    t.ok(words.test((await rpc.fails('participant.create', { ...create, participant_attributes: attributes })).text), String(words));
  await rpc.call('room.watch', { name: 'out' });
  const created = await rpc.call('participant.create', { ...create, participant_attributes: { colour: 'red' } });
  const { participant } = await rpc.call('participant.get', { room_name: 'out', participant_identity: created.participant_identity });
  const { call } = await rpc.call('call.get', { sip_call_id: created.sip_call_id });
  t.ok(call.sip_call_id_full.length > 8, `sip_call_id_full ${call.sip_call_id_full}`);
  t.equal([participant.attributes.colour, participant.attributes['sip.callIDFull']], ['red', call.sip_call_id_full], 'attributes');
  const update = (attributes) => ({ room: 'out', identity: created.participant_identity, attributes });
  for (const value of ['x', 'y', '']) await rpc.call('participant.update', update(many(200, value))); // made, changed, taken away
  t.ok(/256 at most/.test((await rpc.fails('participant.update', update(many(256)))).text), 'as many as may be beside those that are there');
  const odd = await rpc.call('participant.create', { room: 'out', sip_call_to: `sip:%ff%0a@127.0.0.1:${port}` });
  t.equal(odd.participant_identity, 'sip_%ff%0a', 'a user part that is no text');
  t.equal((await rpc.call('participant.list', { room: 'out' })).participants.length, 2, 'participants');
  await rpc.call('room.delete', { name: 'out' });
  const said = gateway.output + JSON.stringify([rpc.events, await rpc.call('call.list', { ended: true })]);
  t.ok(!/topsecret/.test(said), 'a password is said');
});

test('a watch of a room that is not there yet outlives many others; one connection watches 100 at most', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await connect(t, gateway);
  const busy = await connect(t, gateway, 'busy');
  await rpc.call('room.watch', { name: 'later' });
  await rpc.call('room.watch', { name: '*' });
  for (let i = 0; i < 1100; i++) {
    busy.call('room.create', { name: `room${i}` });
    await busy.call('room.delete', { name: `room${i}` });
  }
  await busy.call('room.create', { name: 'later' });
  await until('the event', () => rpc.events.some((event) => event.room === 'later'));
  t.equal(rpc.events.filter((event) => event.room === 'later').length, 1, 'room_started, told once to whom watches twice');
  for (let i = 0; i < 99; i++) await rpc.call('room.watch', { name: `w${i}` });
  await rpc.call('room.watch', { name: 'w5' });
  t.equal((await rpc.fails('room.watch', { name: 'one more' })).data.code, 'resource_exhausted', 'the 101st');
});
