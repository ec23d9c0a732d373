// Text between phones and a room, key presses by INFO, and what a subscriber of the roster is told.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';

const offer = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=rtcp-mux',
  'a=mid:0', 'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=setup:actpass', 'a=sendrecv', 'a=msid:s t',
  `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=rtpmap:111 opus/48000/2', ''].join('\r\n');

test('a phone and the room exchange messages, keys come by INFO, the roster is notified', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: 'lobby' });
  const phone = await RawCall.open(t, gateway);
  const events = (type) => rpc.events.filter((event) => event.type === type);

  const early = await RawCall.open(t, gateway);
  t.equal((await early.final(early.request('MESSAGE', 'hi', { type: 'text/plain' }))).status, 404, 'no such room');
  const cseq = phone.request('INVITE', `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${phone.mediaPort} RTP/AVP 0\r\n`,
    { extra: ['Allow: INVITE, ACK, BYE, MESSAGE'] });
  t.equal((await phone.final(cseq)).status, 200, 'answered');
  phone.ack(cseq);

  t.equal((await phone.final(phone.request('MESSAGE', 'Grüße', { type: 'text/plain' }))).status, 200, 'in the call');
  const outside = await RawCall.open(t, gateway, 'lobby', 'stranger');
  t.equal((await outside.final(outside.request('MESSAGE', 'hello', { type: 'text/plain' }))).status, 200, 'outside of it');
  await until('both messages', () => events('message_received').length === 2);
  t.equal(events('message_received').map(({ from, identity, text }) => `${from} ${identity} ${text}`).join(),
    'raw sip_raw Grüße,stranger null hello', 'what is told');

  const sending = rpc.call('room.send_message', { room: 'lobby', text: 'welcome' });
  const message = await phone.received('MESSAGE');
  t.equal(message.body, 'welcome', 'to the phone');
  phone.respond(message, 200, 'OK');
  t.equal(JSON.stringify(await sending), JSON.stringify({ delivered: 1, failed: [] }), 'result');

  t.equal((await phone.final(phone.request('INFO', 'Signal=5\r\nDuration=160\r\n', { type: 'application/dtmf-relay' }))).status, 200, 'INFO');
  await until('the key', () => events('dtmf_received').length === 1);
  t.equal(events('dtmf_received')[0].digit, '5', 'digit');

  const watcher = await RawCall.open(t, gateway, 'lobby', 'watcher');
  const notified = () => watcher.messages.filter((one) => one.first.startsWith('NOTIFY'));
  watcher.request('SUBSCRIBE', '', { extra: ['Event: conference'] });
  const first = await watcher.received('NOTIFY');
  t.ok(/state="full"[^]*sip:sip_raw@/.test(first.body), `roster: ${first.body}`);
  watcher.respond(first, 200, 'OK');
  t.equal((await phone.final(phone.request('BYE'))).status, 200, 'hung up');
  await until('the leave is told', () => notified().some((one) => /sip_raw@[^"]*" state="deleted"/.test(one.body)));
  for (const one of notified()) watcher.respond(one, 200, 'OK');
});

test('a text for some is told to them alone, also later; a guest speaks as itself', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const own = { video: { roomAdmin: false, room: 'hall' }, sip: { call: false, admin: false } };
  const people = {};
  for (const name of ['ada', 'bob', 'eve', 'operator', '']) {
    const rpc = people[name] = await Rpc.connect(gateway.ws, gateway.token(name, name === 'operator' ? undefined : own));
    t.after(() => rpc.close());
  }
  const guest = people[''];
  const { participant } = await guest.call('session.join', { room: 'hall', sdp: offer });
  for (const rpc of Object.values(people)) await rpc.call('room.watch', { name: 'hall' });
  await people.ada.call('room.send_message', { room: 'hall', text: 'psst', destination_identities: ['bob', participant.identity] });
  await guest.call('room.send_message', { room: 'hall', text: 'all', identity: participant.identity, destination_identities: [] });
  await guest.call('room.send_message', { room: 'hall', text: 'by whom' });
  t.equal((await guest.fails('room.send_message', { room: 'hall', text: 'x', identity: 'ada' })).data.code, 'permission_denied', 'as somebody else');
  const texts = (rpc) => rpc.events.filter(({ type }) => type === 'message_received').map(({ text }) => text);
  for (const [name, rpc] of Object.entries(people)) {
    await until('the last one', () => texts(rpc).includes('by whom'));
    t.equal(texts(rpc), name === 'eve' ? ['all', 'by whom'] : ['psst', 'all', 'by whom'], `what is told to ${name || 'the guest'}`);
  }
  t.equal(people.ada.events.findLast(({ type }) => type === 'message_received').identity, participant.identity, 'who says it');
  const { epoch } = people.eve.events[0];
  for (const name of ['bob', 'eve']) { // what they missed is told again
    const again = await Rpc.connect(gateway.ws, gateway.token(name, own));
    t.after(() => again.close());
    await again.call('room.watch', { name: 'hall', from_seq: 0, epoch });
    await until('the last one', () => texts(again).includes('by whom'));
    t.equal(texts(again), name === 'eve' ? ['all', 'by whom'] : ['psst', 'all', 'by whom'], `what is told again to ${name}`);
  }
});
