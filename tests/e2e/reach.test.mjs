// What a token for one room reaches when its participant, or a phone that it follows, is taken to another room.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';

const offer = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=rtcp-mux',
  'a=mid:0', 'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=setup:actpass', 'a=sendrecv', 'a=msid:s t',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=rtpmap:111 opus/48000/2', ''].join('\r\n');

async function connect(t, gateway, identity, video = {}) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token(identity, { video }));
  t.after(() => rpc.close());
  return rpc;
}

const told = (rpc, method) => rpc.notifications.filter((each) => each.method === method).map(({ params }) => params);

/** Whether `rpc`, which watches room red for good, hears of what happens in `room`. */
async function hears(rpc, operator, room) {
  rpc.events = [];
  for (const [name, text] of [[room, 'anybody there?'], ['red', 'the last word']]) await operator.call('room.send_message', { room: name, text });
  await until('the last word', () => rpc.events.some(({ text }) => text === 'the last word'));
  return rpc.events.some((event) => event.room === room && event.text === 'anybody there?');
}

for (const workers of [1, 2])
  test(`a participant who is moved is the same person, and reaches one room more, with ${workers} media worker${workers > 1 ? 's' : ''}`, {}, async (t) => {
    const gateway = await Gateway.start(t, { media: { workers } });
    const operator = await connect(t, gateway, 'operator');
    let ada = await connect(t, gateway, 'ada', { room: 'red', roomAdmin: false });
    for (const name of ['red', 'blue', 'green']) await operator.call('room.create', { name }); // on the workers in turn
    const join = (room) => ada.call('session.join', { room, sdp: offer });
    await join('red');
    await ada.call('room.watch', { name: 'red' });
    await operator.call('participant.update', { room: 'red', identity: 'ada', name: 'Ada L.', metadata: 'm', attributes: { a: '1' },
      permission: { can_publish: false, can_subscribe: false } });
    const move = async (from, to) => {
      await operator.call('participant.move', { room: from, identity: 'ada', to_room: to });
      const { rejoin } = await until('session.moved', () => told(ada, 'session.moved').find(({ room }) => room === to));
      if (rejoin) await join(to);
      return rejoin;
    };
    const rejoined = await move('red', 'blue');
    t.equal(rejoined, workers === 2, 'joined anew');
    const { participant } = await operator.call('participant.get', { room: 'blue', identity: 'ada' });
    t.equal(participant.permission, { can_publish: false, can_subscribe: false, can_publish_data: true }, 'what was taken away');
    t.equal([participant.name, participant.metadata, participant.attributes, participant.tracks[0].muted], ['Ada L.', 'm', { a: '1' }, true], 'who it is');
    t.equal((await ada.fails('session.mute', { muted: false })).data.code, 'permission_denied', 'it may not speak');
    await operator.call('participant.update', { room: 'blue', identity: 'ada', permission: { can_publish: true, can_subscribe: true } });
    await ada.call('session.mute', { muted: false });

    ada.drop(); // a token for the room that it came from is good for where it was taken to
    const resume = { resume: participant.sid };
    const other = await connect(t, gateway, 'ada', { room: 'green' });
    t.equal((await other.fails('session.join', resume)).data.code, 'not_found', 'resumed by a token for a third room');
    ada = await connect(t, gateway, 'ada', { room: 'red', roomAdmin: false });
    t.equal((await ada.call('session.join', resume)).participant.permission.can_publish, true, 'resumed');
    for (const name of ['red', 'blue']) await ada.call('room.watch', { name });
    t.equal([await hears(ada, operator, 'blue'), await hears(ada, operator, 'red')], [true, true], 'where it is, and what its token is for');
    await move('blue', 'green');
    t.equal(told(ada, 'room.watch_ended'), [{ room: 'blue', reason: 'left' }], 'told of the watch');
    t.equal([await hears(ada, operator, 'blue'), await hears(ada, operator, 'red')], [false, true], 'after the next move');
    t.equal((await ada.fails('room.get', { name: 'blue' })).data.code, 'permission_denied', 'the room that it left');
    await ada.call('room.watch', { name: 'green' });
    await operator.call('participant.remove', { room: 'green', identity: 'ada' });
    await until('the watch is over', () => told(ada, 'room.watch_ended').some(({ room }) => room === 'green'));
    t.equal(await hears(ada, operator, 'green'), false, 'after it was removed');
    for (const [method, params] of [['room.watch', { name: 'green' }], ['session.join', { room: 'green', sdp: offer }], ['session.join', { room: 'blue', sdp: offer }]])
      t.equal((await ada.fails(method, params)).data.code, 'permission_denied', `${method} of ${params.name ?? params.room}`);
    const { participant: again } = await join('red');
    t.equal(again.permission.can_publish, true, 'what its token says');
  });

test('a browser is not sent to a full room of another media worker', {}, async (t) => {
  const gateway = await Gateway.start(t, { media: { workers: 2 } });
  const operator = await connect(t, gateway, 'operator');
  for (const room of [{ name: 'red' }, { name: 'blue', max_participants: 1 }]) await operator.call('room.create', room); // on the workers in turn
  const [ada, eve] = [await connect(t, gateway, 'ada'), await connect(t, gateway, 'eve')];
  await ada.call('session.join', { room: 'red', sdp: offer });
  await eve.call('session.join', { room: 'blue', sdp: offer });
  const move = { room: 'red', identity: 'ada', to_room: 'blue' };
  t.equal((await operator.fails('participant.move', move)).data.code, 'resource_exhausted', 'no place');
  t.equal([(await operator.call('participant.list', { room: 'red' })).participants.length, told(ada, 'session.closed')], [1, []], 'it stays');
  await eve.call('session.leave');
  t.equal((await operator.call('participant.move', move)).moved, false, 'sent there when there is a place');
  t.equal((await ada.call('session.join', { room: 'blue', sdp: offer })).participant.identity, 'ada', 'it joins');
});

test('who follows the log of a phone hears no more of it in a room that the token is not for', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const operator = await connect(t, gateway, 'operator');
  const phone = await RawCall.open(t, gateway, 'red');
  await phone.invite(sdp(phone.mediaPort));
  const [{ sip_call_id, participant_identity: identity }] = (await operator.call('call.list')).calls;
  const red = await connect(t, gateway, 'red', { room: 'red' }), green = await connect(t, gateway, 'green', { room: 'green' });
  const follow = (rpc) => rpc.call('call.logs', { sip_call_id, follow: true });
  const seen = (rpc, word) => told(rpc, 'log').some(({ line }) => JSON.stringify(line ?? '').includes(word));
  t.equal([(await follow(operator)).following, (await follow(red)).following], [true, true], 'following');
  t.equal((await green.fails('call.logs', { sip_call_id, follow: true })).data.code, 'not_found', 'another token');
  const { play_id } = await red.call('participant.play', { room: 'red', identity, tone: 'dial', loop: true });
  await green.call('room.watch', { name: 'green' });
  await operator.call('participant.move', { room: 'red', identity, to_room: 'green' });
  await operator.call('participant.mute', { room: 'green', identity });
  t.equal((await red.fails('participant.play_stop', { room: 'red', identity, play_id })).data.code, 'not_found', 'what is played to it, from the old room');
  await green.call('participant.play_stop', { room: 'green', identity, play_id });
  await until('play_ended', () => green.events.some((event) => event.type === 'play_ended' && event.play_id === play_id));
  await until('the operator reads on', () => seen(operator, 'Participant muted'));
  t.equal(told(red, 'log').at(-1), { sip_call_id, ended: true, reason: 'moved' }, 'the last that is told');
  t.ok(!seen(red, 'Participant muted'), 'lines of the other room');
  t.equal((await red.fails('call.logs', { sip_call_id })).data.code, 'not_found', 'asked again');
  t.equal((await follow(green)).following, true, 'where it is now');
  phone.request('BYE');
  await until('the end', () => told(green, 'log').some(({ ended }) => ended));
  t.equal(told(green, 'log').at(-1), { sip_call_id, ended: true }, 'no reason: the call is over');
});
