// Transfers: REFER of a phone, participant.transfer, Replaces, moves and hold.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Baresip, SipPhone } from './lib/phone.mjs';
import { peer, watched, expect, notified, identities, waitFor } from './lib/transferpeer.mjs';

const replaces = (call) =>
  encodeURIComponent(`${call.callId};to-tag=${call.remoteTag};from-tag=${call.tag}`);

test('blind transfer by a phone: the target joins the room, the phone is told and leaves', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const other = SipPhone.call(t, gateway.sip('lobby'), '--user', 'other', '--tone', 700, '--listen', 900);
  await other.event('answered');
  const target = await SipPhone.answer(t, '--ring', 0.3, '--tone', 900, '--listen', 700);
  const phone = await peer(t, gateway.config.sip_port, 'lobby');
  await phone.call();
  const accepted = await phone.request('REFER', [`Refer-To: <sip:target@127.0.0.1:${target.port}>`,
    'Referred-By: <sip:phone@example.com>']);
  t.equal(accepted.status, 202, 'REFER');
  const told = await notified(phone);
  t.equal([told[0], told.at(-1)], ['SIP/2.0 100 Trying', 'SIP/2.0 200 OK'], 'first and last NOTIFY');
  const bye = await expect(phone, 'BYE');
  phone.answer(bye, '200 OK');
  phone.remoteTag = null;
  await target.hears(700);
  await other.hears(900);
  const status = await waitFor(rpc, 'transfer_status', (event) => event.state === 'successful');
  t.equal([status.by, status.participant_identity], ['phone', 'sip_peer'], 'event');
  const left = await waitFor(rpc, 'participant_left', (event) => event.participant.identity === 'sip_peer');
  t.equal(left.reason, 'transferred', 'reason');
  await until('the two others are in the room', async () => (await identities(rpc, 'lobby')).join() === 'sip_other,sip_target');
});

test('a transfer that fails, is not allowed or is malformed leaves the phone where it is', {}, async (t) => {
  const target = await peer(t, 0, 'target');
  const gateway = await Gateway.start(t, {
    trunks: [
      { name: 'pbx', direction: 'inbound', numbers: ['100'], allow_transfer: 'any' },
      { name: 'open', direction: 'inbound', numbers: ['200'] },
    ],
  });
  target.gatewayPort = gateway.config.sip_port;
  const rpc = await watched(t, gateway, '100');
  const phone = await peer(t, gateway.config.sip_port, '100');
  await phone.call();
  const to = `Refer-To: <sip:target@127.0.0.1:${target.port}?X-Note=hello&From=x>`;
  t.equal((await phone.request('REFER', [to, 'Referred-By: <sip:phone@example.com>'])).status, 202, 'REFER');
  const trying = await expect(phone, 'NOTIFY');
  phone.answer(trying, '200 OK');
  t.equal((await phone.request('REFER', [to])).status, 491, 'a second REFER meanwhile');
  const invite = await expect(target, 'INVITE');
  t.equal([invite.get('referred-by'), invite.get('x-note')], ['<sip:phone@example.com>', 'hello'], 'what is passed on');
  target.answer(invite, '486 Busy Here');
  t.equal((await notified(phone)).at(-1), 'SIP/2.0 486 Busy Here', 'last NOTIFY');
  await waitFor(rpc, 'transfer_status', (event) => event.state === 'failed' && event.sip_status_code === 486);
  t.equal(await identities(rpc, '100'), ['sip_peer'], 'who is in the room');

  const bad = async (headers) => (await phone.request('REFER', headers)).status;
  t.equal(await bad([]), 400, 'no Refer-To');
  t.equal(await bad(['Refer-To: <sip:a@b c>']), 400, 'malformed');
  t.equal(await bad(['Refer-To: <sip:a@127.0.0.1;method=BYE>']), 501, 'not INVITE');
  t.equal(await bad(['Refer-To: <https://example.com>']), 603, 'no phone');
  t.equal(await bad([to, 'Require: nonsense']), 420, 'Require');
  t.equal(await bad(['Refer-To: <tel:+15550100>']), 403, 'a number without a trunk to call through');
  const quiet = await phone.request('REFER', [to, 'Refer-Sub: false']);
  t.equal([quiet.status, quiet.get('refer-sub')], [202, 'false'], 'no subscription');
  target.tag = null;
  const again = await expect(target, 'INVITE');
  target.answer(again, '603 Decline');
  target.remoteTag = null;
  await waitFor(rpc, 'transfer_status', (event) => event.state === 'failed' && event.sip_status_code === 603);

  const stranger = await peer(t, gateway.config.sip_port, '200');
  await stranger.call();
  t.equal((await stranger.request('REFER', [to])).status, 403, 'by default nothing leaves the gateway');
  const outside = await peer(t, gateway.config.sip_port, '200');
  Object.assign(outside, { local: 'sip:x@127.0.0.1', remote: `sip:200@127.0.0.1`, tag: 'x', callId: 'outside' });
  t.equal((await outside.request('REFER', [to])).status, 403, 'outside of a call');
  outside.remoteTag = null;
});

test('blind transfer by baresip to another baresip', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const other = SipPhone.call(t, gateway.sip('lobby'), '--user', 'other', '--tone', 700, '--listen', 900);
  await other.event('answered');
  const target = await Baresip.start(t, { codec: 'PCMU', hz: 900, answer: true });
  const phone = await Baresip.start(t, { codec: 'PCMU', hz: 500 });
  await phone.dial(gateway.sip('lobby'));
  await phone.command('transfer', `sip:tone900@127.0.0.1:${target.port}`);
  await other.hears(900);
  await waitFor(rpc, 'transfer_status', (event) => event.state === 'successful');
  await until('only the two others are in the room', async () => (await identities(rpc, 'lobby')).join() === 'sip_other,sip_tone900');
});

test('participant.transfer: REFER, NOTIFY, BYE; errors and silence leave the phone in the call', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const phone = await peer(t, gateway.config.sip_port, 'lobby');
  await phone.call();
  const transfer = (extra = {}) => rpc.call('participant.transfer',
    { room_name: 'lobby', participant_identity: 'sip_peer', transfer_to: 'tel:+15550100', ...extra });
  const refused = async (promise) => promise.then(() => null, (error) => error);

  let pending = refused(transfer({ headers: { 'X-Why': 'test' } }));
  let refer = await expect(phone, 'REFER');
  t.equal([refer.get('refer-to'), refer.get('x-why')], ['<tel:+15550100>', 'test'], 'REFER');
  t.ok(/^<sip:/.test(refer.get('referred-by')), `Referred-By ${refer.get('referred-by')}`);
  const busy = await refused(transfer());
  t.equal(busy.data.code, 'failed_precondition', 'a second one meanwhile');
  phone.answer(refer, '405 Method Not Allowed');
  let error = await pending;
  t.equal([error.data.code, error.data.sip_status_code], ['unimplemented', 405], 'a phone without REFER');

  pending = refused(transfer({ transfer_to: '200' }));
  refer = await expect(phone, 'REFER');
  t.equal(refer.get('refer-to'), `<sip:200@127.0.0.1:${phone.port}>`, 'a plain number is at the other side');
  phone.answer(refer, '603 Decline');
  error = await pending;
  t.equal([error.data.code, error.data.sip_status_code], ['permission_denied', 603], 'declined');

  pending = refused(transfer({ ringing_timeout: 1 }));
  phone.answer(await expect(phone, 'REFER'), '202 Accepted');
  error = await pending;
  t.equal(error.data.code, 'deadline_exceeded', 'accepted, and nothing more');

  pending = refused(transfer());
  phone.answer(await expect(phone, 'REFER'), '202 Accepted');
  t.equal((await phone.notify('active;expires=60', 'SIP/2.0 180 Ringing')).status, 200, 'NOTIFY');
  await waitFor(rpc, 'transfer_status', (event) => event.state === 'ongoing' && event.sip_status_code === 180);
  await phone.notify('terminated;reason=noresource', 'SIP/2.0 486 Busy Here');
  error = await pending;
  t.equal([error.data.code, error.data.sip_status_code], ['resource_exhausted', 486], 'the target is busy');
  t.equal(await identities(rpc, 'lobby'), ['sip_peer'], 'the phone stays');

  const done = transfer();
  phone.answer(await expect(phone, 'REFER'), '202 Accepted');
  await phone.notify('active;expires=60', 'SIP/2.0 100 Trying');
  await phone.notify('terminated;reason=noresource', 'SIP/2.0 200 OK');
  t.equal(await done, { sip_status_code: 200, sip_status: 'OK' }, 'result');
  phone.answer(await expect(phone, 'BYE'), '200 OK');
  phone.remoteTag = null;
  const left = await waitFor(rpc, 'participant_left', () => true);
  t.equal(left.reason, 'transferred', 'reason');
});

test('participant.transfer: the phone hangs up by itself; a challenge is answered', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'out');
  const phone = await peer(t, gateway.config.sip_port, 'phone');
  const created = rpc.call('participant.create', { room_name: 'out', participant_identity: 'callee', sip_call_to: '100',
    wait_until_answered: true,
    trunk: { hostname: `127.0.0.1:${phone.port}`, auth_username: 'ann', auth_password: 'secret' } });
  phone.accept(await expect(phone, 'INVITE'));
  await created;
  const done = rpc.call('participant.transfer', { room_name: 'out', participant_identity: 'callee',
    transfer_to: 'sip:bob@example.com', play_dialtone: true });
  const first = await expect(phone, 'REFER');
  phone.answer(first, '407 Proxy Authentication Required', ['Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"']);
  const second = await expect(phone, 'REFER');
  t.ok(/username="ann"/.test(second.get('proxy-authorization')), 'no answer to the challenge');
  phone.answer(second, '202 Accepted');
  await phone.hangUp();
  phone.remoteTag = null;
  t.equal(await done, { sip_status_code: 202, sip_status: 'Accepted' }, 'result');
});

test('attended transfer of two calls of ours: the others end up in one room', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'a', 'b');
  const ann = SipPhone.call(t, gateway.sip('a'), '--user', 'ann', '--tone', 700, '--listen', 900);
  const bob = SipPhone.call(t, gateway.sip('b'), '--user', 'bob', '--tone', 900, '--listen', 700);
  await ann.event('answered');
  await bob.event('answered');
  const first = await peer(t, gateway.config.sip_port, 'a'), second = await peer(t, gateway.config.sip_port, 'b');
  await first.call();
  await second.call();
  const unknown = await first.request('REFER', [`Refer-To: <sip:b@127.0.0.1:${gateway.config.sip_port}?Replaces=`
    + `${encodeURIComponent('nothing;to-tag=a;from-tag=b')}>`]);
  t.equal(unknown.status, 481, 'a dialog that is not there');
  const to = `Refer-To: <sip:b@127.0.0.1:${gateway.config.sip_port}?Replaces=${replaces(second)}>`;
  t.equal((await first.request('REFER', [to])).status, 202, 'REFER');
  t.equal((await notified(first)).at(-1), 'SIP/2.0 200 OK', 'last NOTIFY');
  for (const phone of [first, second]) {
    phone.answer(await expect(phone, 'BYE'), '200 OK');
    phone.remoteTag = null;
  }
  await ann.hears(900);
  await bob.hears(700);
  t.equal(await identities(rpc, 'b'), ['sip_ann', 'sip_bob'], 'who is in the room');
});

test('INVITE with Replaces takes the place of a call; what matches nothing is refused', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const old = await peer(t, gateway.config.sip_port, 'lobby');
  await old.call();
  await rpc.call('participant.mute', { room: 'lobby', identity: 'sip_peer', muted: true });
  await rpc.call('participant.set_gain', { room: 'lobby', identity: 'sip_peer', gain_db: -6 });
  const held = rpc.call('participant.hold', { room: 'lobby', identity: 'sip_peer', held: true });
  old.answer(await expect(old, 'INVITE'), '200 OK', [], old.sdp);
  t.equal((await held).participant.attributes['sip.hold'], 'local', 'the one that will be replaced is held');
  const { participant } = await rpc.call('participant.get', { room: 'lobby', identity: 'sip_peer' });
  const call = async (header) => {
    const phone = await peer(t, gateway.config.sip_port, 'lobby');
    const answer = await phone.call([header, 'Require: replaces']);
    if (answer.status >= 300) phone.remoteTag = null;
    return answer.status;
  };
  const header = `Replaces: ${decodeURIComponent(replaces(old))}`;
  t.equal(await call('Replaces: nothing;to-tag=a;from-tag=b'), 481, 'no such dialog');
  t.equal(await call(`${header};early-only`), 486, 'only an early one was meant');
  t.equal(await call('Replaces: x;to-tag=a'), 400, 'malformed');
  t.equal(await call(header), 200, 'a dialog of ours');
  old.answer(await expect(old, 'BYE'), '200 OK');
  old.remoteTag = null;
  const now = await until('the new call is the participant', async () => {
    const { participants } = await rpc.call('participant.list', { room: 'lobby' });
    return participants.length === 1 && participants[0].attributes['sip.callID'] !== participant.attributes['sip.callID'] && participants[0];
  });
  t.equal([now.sid, now.identity, now.tracks[0].muted], [participant.sid, 'sip_peer', true], 'the participant');
  t.equal(now.attributes['sip.hold'], undefined, 'nobody holds the new phone');
  t.ok(!rpc.events.some((event) => event.type === 'participant_left'), 'it left');
  t.ok([481, 603].includes(await call(header)), 'a dialog that is over');

  await rpc.call('participant.mute', { room: 'lobby', identity: 'sip_peer', muted: false });
  await (await peer(t, gateway.config.sip_port, 'lobby')).call();
  const listener = (await rpc.call('participant.get', { room: 'lobby', identity: 'sip_peer_2' })).participant;
  const forwarded = async () => (await rpc.call('call.get', { sip_call_id: listener.attributes['sip.callID'] })).call.media;
  const first = await until('what the listener is sent', async () => (await forwarded()).out.packets > 20 && forwarded());
  t.equal(first.forwarding, false, 'untouched packets, though a gain was set for the one who was replaced');
  await rpc.call('participant.set_gain', { room: 'lobby', identity: 'sip_peer', gain_db: 0 });
  await until('untouched packets', async () => (await forwarded()).forwarding);
});

test('participant.move takes a phone to another room, with its audio', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'a', 'b');
  const ann = SipPhone.call(t, gateway.sip('a'), '--user', 'ann', '--tone', 700, '--listen', 900, 500);
  const inA = SipPhone.call(t, gateway.sip('a'), '--user', 'bob', '--tone', 500, '--listen', 700);
  const inB = SipPhone.call(t, gateway.sip('b'), '--user', 'cid', '--tone', 900, '--listen', 700);
  await ann.hears(500);
  await inB.event('answered');
  await rpc.call('participant.update', { room: 'a', identity: 'sip_ann', attributes: { ticket: '1', gone: 'x' } });
  await rpc.call('participant.update', { room: 'a', identity: 'sip_ann', attributes: { ticket: '2', gone: '' } });
  const before = await rpc.call('participant.get', { room: 'a', identity: 'sip_ann' });
  t.equal([before.participant.attributes.ticket, before.participant.attributes.gone], ['2', undefined], 'what was changed');
  const moved = await rpc.call('participant.move', { room: 'a', identity: 'sip_ann', to_room: 'b' });
  t.equal([moved.moved, moved.participant.identity], [true, 'sip_ann'], 'result');
  t.equal(moved.participant.attributes, before.participant.attributes, 'attributes');
  await ann.hears(900);
  await inB.hears(700);
  await until('nobody of room a is heard', () => ann.lastLevels()['500'] < -50);
  await until('room a does not hear her', () => inA.lastLevels()['700'] < -50);
  t.equal([await identities(rpc, 'a'), await identities(rpc, 'b')], [['sip_bob'], ['sip_ann', 'sip_cid']], 'rooms');
  const left = await waitFor(rpc, 'participant_left', () => true);
  t.equal([left.reason, left.room], ['moved', 'a'], 'participant_left');
  t.equal((await rpc.fails('participant.move', { room: 'b', identity: 'sip_ann', to_room: 'b' })).data.code, 'failed_precondition', 'the same room');
  t.equal((await rpc.fails('participant.move', { room: 'a', identity: 'nobody', to_room: 'b' })).data.code, 'not_found', 'nobody');
  await ann.bye();
});

test('participant.hold: sendonly and back, silence meanwhile; the peer\'s own hold is shown', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const other = SipPhone.call(t, gateway.sip('lobby'), '--user', 'other', '--tone', 700, '--listen', 900);
  const phone = SipPhone.call(t, gateway.sip('lobby'), '--user', 'phone', '--tone', 900, '--listen', 700);
  await other.hears(900);
  const hold = (held) => rpc.call('participant.hold', { room: 'lobby', identity: 'sip_phone', held });
  const held = await hold(true);
  t.equal(held.participant.attributes['sip.hold'], 'local', 'sip.hold');
  await until('the phone hears nothing', () => phone.lastLevels()['700'] < -50);
  await until('the phone is not heard', () => other.lastLevels()['900'] < -50);
  const { call } = await rpc.call('call.get', { sip_call_id: held.participant.attributes['sip.callID'] });
  t.equal(call.hold, { local: true, remote: false }, 'call.get');
  await hold(false);
  await phone.hears(700);
  await other.hears(900);
  phone.command('hold');
  await waitFor(rpc, 'participant_updated', (event) => event.participant.attributes['sip.hold'] === 'remote');
  phone.command('resume');
  await until('the hold is over', async () =>
    (await rpc.call('participant.get', { room: 'lobby', identity: 'sip_phone' })).participant.attributes['sip.hold'] === 'none');
});

test('participant.hold of a phone that was called: sendonly and back', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'out');
  const phone = await peer(t, gateway.config.sip_port, 'phone');
  const created = rpc.call('participant.create', { room_name: 'out', participant_identity: 'callee', sip_call_to: '100',
    wait_until_answered: true, trunk: { hostname: `127.0.0.1:${phone.port}` } });
  phone.accept(await expect(phone, 'INVITE'));
  await created;
  for (const [held, ours, theirs] of [[true, 'sendonly', 'recvonly'], [false, 'sendrecv', 'sendrecv']]) {
    const done = rpc.call('participant.hold', { room: 'out', identity: 'callee', held }).catch((error) => error);
    const invite = await expect(phone, 'INVITE');
    phone.answer(invite, '200 OK', [], `${phone.sdp}a=${theirs}\r\n`);
    t.equal(/a=(send\w+)/.exec(invite.body)?.[1], ours, 'our direction');
    t.equal((await done).participant?.attributes['sip.hold'], held ? 'local' : 'none', 'sip.hold');
  }
});

test('participant.set_codecs: another codec, none that the phone has not, and what it refuses changes nothing', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby', 'out');
  const both = (phone, list) => `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n`
    + `m=audio ${phone.media.address().port} RTP/AVP ${list}\r\n`;
  const types = (phone) => new Set(phone.rtp.slice(-5).map(({ data }) => data[1] & 0x7f));
  const sends = (phone, type) => until(`RTP of type ${type}`, () => phone.rtp.length > 5 && types(phone).size === 1 && types(phone).has(type));
  const change = (room, identity, codecs) =>
    rpc.call('participant.set_codecs', { room, identity, codecs }).catch((error) => error);

  const phone = await peer(t, gateway.config.sip_port, 'lobby');
  Object.defineProperty(phone, 'sdp', { get: () => both(phone, '0 8') });
  await phone.call();
  await sends(phone, 0);
  const none = await change('lobby', 'sip_peer', ['G722']);
  t.equal(none.data?.code, 'failed_precondition', none.message);
  let pending = change('lobby', 'sip_peer', ['PCMA']);
  const refused = await expect(phone, 'INVITE');
  t.ok(/m=audio \d+ RTP\/AVP 8/.test(refused.body), refused.body);
  phone.answer(refused, '488 Not Acceptable Here');
  const error = await pending;
  t.equal([error.data?.code, error.data?.sip_status_code], ['invalid_argument', 488], error.message);
  await sends(phone, 0);
  pending = change('lobby', 'sip_peer', ['PCMA']);
  phone.answer(await expect(phone, 'INVITE'), '491 Request Pending');
  phone.answer(await expect(phone, 'INVITE'), '200 OK', [], both(phone, '8'));
  t.equal((await pending).codecs, ['PCMA'], 'result');
  await sends(phone, 8);

  const called = await peer(t, gateway.config.sip_port, 'phone');
  const created = rpc.call('participant.create', { room_name: 'out', participant_identity: 'callee', sip_call_to: '100',
    wait_until_answered: true, trunk: { hostname: `127.0.0.1:${called.port}` } });
  called.accept(await expect(called, 'INVITE'));
  await created;
  pending = change('out', 'callee', ['PCMA', 'PCMU']);
  const offer = await expect(called, 'INVITE');
  t.ok(/m=audio \d+ RTP\/AVP 8 0 /.test(offer.body), offer.body);
  called.answer(offer, '200 OK', [], both(called, '8'));
  t.equal((await pending).codecs, ['PCMA'], 'result');
  await sends(called, 8);
});

test('participant.hold: glare is tried again, a refusal leaves the call as it was', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const phone = await peer(t, gateway.config.sip_port, 'lobby');
  await phone.call();
  const hold = rpc.call('participant.hold', { room: 'lobby', identity: 'sip_peer', held: true });
  const first = await expect(phone, 'INVITE');
  t.ok(/a=sendonly/.test(first.body), first.body);
  phone.answer(first, '491 Request Pending');
  const again = await expect(phone, 'INVITE');
  phone.answer(again, '200 OK', [], `${phone.sdp}a=recvonly\r\n`);
  t.equal((await hold).participant.attributes['sip.hold'], 'local', 'sip.hold');
  const refused = rpc.fails('participant.hold', { room: 'lobby', identity: 'sip_peer', held: false });
  phone.answer(await expect(phone, 'INVITE'), '488 Not Acceptable Here');
  t.equal((await refused).data.sip_status_code, 488, 'refused');
  const { participant } = await rpc.call('participant.get', { room: 'lobby', identity: 'sip_peer' });
  t.equal(participant.attributes['sip.hold'], 'local', 'still held');
});

test('participant.hold by what only an ACK has is shown; a refresh does not say again what was refused', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { session_timer: { default_expires: 12, min_se: 4 } });
  const rpc = await watched(t, gateway, 'lobby');
  const phone = await peer(t, gateway.config.sip_port, 'lobby');
  await phone.call(['Supported: timer', 'Session-Expires: 12;refresher=uas']);
  const held = async () => (await rpc.call('participant.get', { room: 'lobby', identity: 'sip_peer' })).participant.attributes['sip.hold'];
  t.equal((await phone.request('INVITE', [], `${phone.sdp}a=sendonly\r\n`)).status, 200, 'the phone holds');
  await until('it is shown', async () => (await held()) === 'remote');
  t.equal((await phone.request('INVITE')).status, 200, 'it goes on, with its offer in the ACK');
  await until('that is shown as well', async () => (await held()) === 'none');
  const refused = rpc.fails('participant.hold', { room: 'lobby', identity: 'sip_peer', held: true });
  const offer = await expect(phone, 'INVITE');
  t.ok(/a=sendonly/.test(offer.body), offer.body);
  phone.answer(offer, '488 Not Acceptable Here');
  await refused;
  const refresh = await expect(phone, 'INVITE');
  phone.answer(refresh, '200 OK', [], phone.sdp);
  t.ok(/a=sendrecv/.test(refresh.body) && !/a=sendonly/.test(refresh.body), refresh.body);
});

test('a transfer of a phone that hung up at once fails, and that is told', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const target = await peer(t, gateway.config.sip_port, 'target');
  const phone = await peer(t, gateway.config.sip_port, 'lobby');
  await phone.call();
  t.equal((await phone.request('REFER', [`Refer-To: <sip:target@127.0.0.1:${target.port}>`])).status, 202, 'REFER');
  const invite = await expect(target, 'INVITE');
  await phone.hangUp();
  await waitFor(rpc, 'participant_left', (event) => event.participant.identity === 'sip_peer');
  target.answer(invite, '486 Busy Here');
  const told = await waitFor(rpc, 'transfer_status', (event) => event.state === 'failed');
  t.equal([told.by, told.participant_identity, told.sip_status_code], ['phone', 'sip_peer', 486], 'event');
});
