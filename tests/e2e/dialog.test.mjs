// What a peer may do to an established call: offers without SDP, offers that fit nothing, holds, races.
import { test, sleep, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';

async function watched(t, gateway, room = 'lobby') {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: room });
  return rpc;
}

const calls = async (rpc) => (await rpc.call('call.list')).calls;
const receivedPackets = async (rpc) => {
  const [{ sip_call_id }] = await calls(rpc);
  return (await rpc.call('call.get', { sip_call_id })).call.media.in.packets;
};

/** More packets of the caller arrive than did. */
async function isHeard(rpc) {
  const before = await receivedPackets(rpc);
  await until('the gateway takes packets', async () => (await receivedPackets(rpc)) > before + 20, 6);
}

test('an offerless INVITE is answered with an offer; the ACK without SDP ends the call with BYE', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway);
  for (const [what, answer, cause] of [
    ['no SDP', '', /no SDP/],
    ['no codec in common', sdp(4000, ['m=audio PORT RTP/AVP 3']), /no common codec/],
    ['no SDP at all', 'this is no SDP\r\n', /cannot be used/],
  ]) {
    const phone = await RawCall.open(t, gateway);
    const final = await phone.invite('', answer);
    t.equal(final.status, 200, `${what}: status`);
    t.ok(/m=audio \d+ RTP\/AVP/.test(final.body), `${what}: no offer in ${final.body}`);
    const bye = await phone.received('BYE');
    t.ok(/cause=488/.test(bye.headers.reason?.[0]), `${what}: Reason ${bye.headers.reason}`);
    await gateway.line(cause);
    await until('no call is left', async () => (await calls(rpc)).length === 0);
  }
});

test('an offerless re-INVITE keeps the payload types and m-lines of the call', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway);
  const phone = await RawCall.open(t, gateway);
  const lines = ['m=video 0 RTP/AVP 31', 'm=audio PORT RTP/AVP 99 100', 'a=rtpmap:99 opus/48000/2', 'a=rtpmap:100 telephone-event/48000'];
  const first = await phone.invite(sdp(phone.mediaPort, lines));
  t.ok(/m=audio \d+ RTP\/AVP 99 100/.test(first.body), `answer ${first.body}`);
  phone.talk(first.body, 99);
  await isHeard(rpc);
  for (const answer of [sdp(phone.mediaPort, lines), sdp(phone.mediaPort, [...lines, ...lines]), sdp(phone.mediaPort, lines), '']) {
    const again = await phone.invite('', answer);
    t.equal(again.status, 200, 'status of the offerless re-INVITE');
    t.equal(again.body.match(/^m=.*$/gm).map((line) => line.replace(/\d{4,5}/, 'PORT')),
      ['m=video 0 RTP/AVP 31', 'm=audio PORT RTP/AVP 99 100'], 'm-lines of our offer');
    await isHeard(rpc);
  }
  phone.request('BYE');
  await until('no call is left', async () => (await calls(rpc)).length === 0);
});

test('a re-INVITE that fits nothing gets 488, and the call goes on', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway);
  const phone = await RawCall.open(t, gateway);
  const first = await phone.invite();
  phone.talk(first.body);
  await isHeard(rpc);
  for (const [offer, status] of [
    [sdp(phone.mediaPort, ['m=audio PORT RTP/AVP 3']), 488],
    [sdp(phone.mediaPort, ['m=audio PORT RTP/SAVP 0']), 488],
    [sdp(phone.mediaPort, ['m=audio 0 RTP/AVP 0']), 488],
    [sdp(phone.mediaPort, ['m=video PORT RTP/AVP 31']), 488],
  ]) {
    t.equal((await phone.invite(offer)).status, status, offer);
    await isHeard(rpc);
  }
  t.equal((await phone.invite('rubbish\r\n')).status >= 400, true, 'rubbish is refused');
  await isHeard(rpc);
  for (const [direction, answer] of [['sendonly', 'recvonly'], ['inactive', 'inactive'], ['recvonly', 'sendonly'], ['sendrecv', 'sendrecv']]) {
    const held = await phone.invite(sdp(phone.mediaPort, ['m=audio PORT RTP/AVP 0', `a=${direction}`]));
    t.ok(held.body.includes(`a=${answer}`), `answer to ${direction}: ${held.body}`);
  }
  await isHeard(rpc);
  phone.request('BYE');
  await until('no call is left', async () => (await calls(rpc)).length === 0);
});

test('an offer with 40 m-lines is refused or answered line by line', {}, async (t) => {
  const gateway = await Gateway.start(t);
  for (const count of [32, 40]) {
    const phone = await RawCall.open(t, gateway);
    const lines = Array.from({ length: count }, (_, index) => (index === 20 ? 'm=audio PORT RTP/AVP 8' : `m=application ${9 + index} udp x`));
    const final = await phone.invite(sdp(phone.mediaPort, lines));
    t.note(`${count} m-lines: ${final.status}`);
    if (final.status < 300) t.equal(final.body.match(/^m=/gm).length, count, 'm-lines of the answer');
    else t.ok([400, 488].includes(final.status), `status ${final.status}`);
  }
});

test('a call ends once, whoever ends it: API, BYE, CANCEL and room.delete at the same time', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { limits: { invites_per_second_per_source: 0 } });
  const rpc = await watched(t, gateway, 'race');
  const ways = {
    api: async ({ id }) => rpc.call('call.hangup', { sip_call_id: id }).catch(() => {}),
    bye: async ({ phone }) => phone.request('BYE'),
    delete: async () => rpc.call('room.delete', { room_name: 'race' }).catch(() => {}),
    remove: async ({ identity }) => rpc.call('participant.remove', { room: 'race', identity }).catch(() => {}),
    reinvite: async ({ phone }) => phone.request('INVITE', sdp(phone.mediaPort)),
  };
  const names = Object.keys(ways);
  for (const one of names)
    for (const other of names) {
      if (one === 'reinvite' && other === 'reinvite') continue;
      const phone = await RawCall.open(t, gateway, 'race');
      await phone.invite();
      const [call] = await until('the call is listed', async () => {
        const list = await calls(rpc);
        return list.length === 1 && list;
      });
      const what = { phone, id: call.sip_call_id, identity: call.participant_identity };
      await Promise.all([ways[one](what), ways[other](what)]);
      await until(`no call is left after ${one} and ${other}`, async () => (await calls(rpc)).length === 0, 10);
    }
  const counts = {};
  for (const event of rpc.events)
    if (event.type === 'participant_left') counts[event.participant.sid] = (counts[event.participant.sid] ?? 0) + 1;
  t.equal(Object.values(counts).filter((count) => count !== 1), [], 'participant_left more than once');
  await until('one summary line per call', () => gateway.lines(/Call summary/).length === names.length ** 2 - 1);
});

test('a callee that rings is removed, is dialled twice, sends early media and then 486', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway);
  const dial = (phone, extra = {}) => rpc.call('participant.create', {
    room: 'lobby', sip_call_to: '100', trunk: { hostname: `127.0.0.1:${phone.port}` }, participant_identity: 'callee', ...extra });
  const callee = async (then) => {
    const phone = await RawCall.open(t, gateway);
    phone.onInvite = (message) => then(phone, message);
    return phone;
  };

  const ringing = await callee((phone, message) => phone.respond(message, 180, 'Ringing'));
  const waiting = dial(ringing, { wait_until_answered: true }).catch((error) => error);
  await until('it rings', () => rpc.events.some((event) => event.type === 'call_status' && event.status === 'ringing'));
  const twice = await dial(ringing).catch((error) => error);
  t.equal(twice.data?.code, 'already_exists', twice.message);
  await rpc.call('participant.remove', { room: 'lobby', identity: 'callee' });
  const cancel = await ringing.received('CANCEL');
  t.equal(cancel.headers.reason, ['Q.850;cause=16;text="Removed from the room"'], 'Reason of the CANCEL');
  ringing.respond(cancel, 200, 'OK');
  ringing.respond({ headers: { ...cancel.headers, cseq: ['1 INVITE'] } }, 487, 'Request Terminated');
  const removed = await waiting;
  t.equal([removed.data?.code, /removed/.test(removed.message)], ['aborted', true], removed.message);
  const again = await callee((phone, message) => phone.respond(message, 200, 'OK', sdp(phone.mediaPort)));
  await dial(again, { wait_until_answered: true });
  await rpc.call('participant.remove', { room: 'lobby', identity: 'callee' });
  t.equal((await again.received('BYE')).headers.reason, ['Q.850;cause=16;text="Removed from the room"'], 'Reason of the BYE');

  const early = await callee((phone, message) => {
    phone.respond(message, 183, 'Session Progress', sdp(phone.mediaPort));
    phone.talk(message.body);
    until('early media is sent too', () => phone.packets.length > 5).then(() => phone.respond(message, 486, 'Busy Here'), () => {});
  });
  const busy = await dial(early, { wait_until_answered: true }).catch((error) => error);
  t.equal([busy.data?.code, busy.data?.sip_status_code], ['resource_exhausted', 486], busy.message);
  await gateway.line(/Early media/);
  await until('no call is left', async () => (await calls(rpc)).length === 0);
  t.equal((await rpc.call('participant.list', { room: 'lobby' })).participants, [], 'participants');

  const mute = await callee((phone, message) => phone.respond(message, 200, 'OK'));
  const bad = await dial(mute, { wait_until_answered: true }).catch((error) => error);
  t.ok(/bad_sdp|SDP/.test(bad.message), bad.message);
  await mute.received('BYE');
});

test('a caller who rings until somebody comes: hangs up, is hung up, is answered', {}, async (t) => {
  const gateway = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'] }, trunks: [{ name: 'in', direction: 'inbound', allowed_addresses: ['127.0.0.1'] }],
    dispatch_rules: [{ name: 'wait', type: 'direct', room: 'lobby', answer: 'on_participant' }],
  });
  const rpc = await watched(t, gateway);
  const rings = (phone) => until('it rings', () => phone.messages.some((message) => message.status === 180));
  const phone = await RawCall.open(t, gateway, '100');
  const cseq = phone.request('INVITE', sdp(phone.mediaPort));
  await rings(phone);
  phone.request('CANCEL', '', { cseq, branch: phone.branch });
  t.equal((await until('487', () => phone.messages.find((message) => message.status >= 300))).status, 487, 'after CANCEL');
  await until('no call is left', async () => (await calls(rpc)).length === 0);

  const second = await RawCall.open(t, gateway, '100');
  const invite = second.request('INVITE', sdp(second.mediaPort));
  await rings(second);
  const [{ sip_call_id }] = await calls(rpc);
  await rpc.call('call.hangup', { sip_call_id });
  t.equal((await second.final(invite)).status, 480, 'after call.hangup');

  const third = await RawCall.open(t, gateway, '100');
  const last = third.request('INVITE', sdp(third.mediaPort));
  await rings(third);
  const machine = await RawCall.open(t, gateway);
  machine.onInvite = (message) => machine.respond(message, 200, 'OK', sdp(machine.mediaPort));
  await rpc.call('participant.create', { room: 'lobby', sip_call_to: `sip:a@127.0.0.1:${machine.port}` });
  const answer = await third.final(last);
  third.ack(last);
  t.equal(answer.status, 200, 'somebody came');
  third.request('BYE');
  await rpc.call('room.delete', { name: 'lobby' });
  await until('no call is left', async () => (await calls(rpc)).length === 0);
});
