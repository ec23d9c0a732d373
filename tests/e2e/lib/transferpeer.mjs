// What tests of transfers share: phones of plain sockets that are called, and a gateway with a trunk for them.
import { SipPeer } from './sippeer.mjs';
import { Rpc } from './rpc.mjs';
import { sleep, until } from './tap.mjs';

/** The trunk of the tests: calls from loopback, numbers out to `peer`. */
export const trunks = (peer, allow) => ({
  trunks: [{
    name: 'pbx', allowed_addresses: ['127.0.0.1'], numbers: [], direction: undefined,
    ...(peer ? { outbound_address: `127.0.0.1:${peer.port}` } : {}), ...(allow ? { allow_transfer: allow } : {}),
  }],
});

export async function peer(t, gatewayPort, user) {
  const made = await SipPeer.open(gatewayPort, user);
  t.after(async () => {
    await Promise.race([made.hangUp(), sleep(3000)]); // of a call that is over by now nobody answers
    made.close();
  });
  return made;
}

export async function watched(t, gateway, ...rooms) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  for (const name of rooms) await rpc.call('room.watch', { name });
  return rpc;
}

/** The next message of `peer` that is a request with `method`; others are answered 200 on the way. */
export async function expect(peer, method, seconds = 30) {
  for (;;) {
    const message = await peer.next(seconds);
    if (!message) throw new Error(`no ${method} within ${seconds} s`);
    if (message.method === method) return message;
    if (message.method) peer.answer(message, '200 OK');
  }
}

/** Answers the NOTIFYs that come until the last; gives their status lines. */
export async function notified(peer, seconds = 30) {
  const lines = [];
  for (;;) {
    const notify = await expect(peer, 'NOTIFY', seconds);
    peer.answer(notify, '200 OK');
    lines.push(notify.body.trim());
    if (/^terminated/.test(notify.get('subscription-state'))) return lines;
  }
}

export const identities = async (rpc, room) =>
  (await rpc.call('participant.list', { room })).participants.map((each) => each.identity).sort();

export const waitFor = (rpc, type, check) =>
  until(`the event ${type}`, () => rpc.events.find((event) => event.type === type && check(event)));

/** How many packets the call of the one in the room lobby has been sent. */
export async function packetsTo(rpc, identity) {
  const { participant } = await rpc.call('participant.get', { room: 'lobby', identity });
  return (await rpc.call('call.get', { sip_call_id: participant.attributes['sip.callID'] })).call.media.out.packets;
}
