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
