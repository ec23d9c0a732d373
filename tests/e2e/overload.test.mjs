// Past its limits the gateway takes no new calls; those that are up go on, and afterwards new ones come in again.
import { test, until, sleep } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';

/** Keeps the main thread of `gateway` busy with requests until `stop()`. */
async function hammer(t, gateway) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('hammer'));
  const busy = { stopped: false };
  const one = async () => {
    while (!busy.stopped) await rpc.call('server.stats');
  };
  const all = Promise.all(Array.from({ length: 16 }, one));
  busy.stop = async () => {
    busy.stopped = true;
    await all;
    rpc.close();
  };
  t.after(() => (busy.stopped = true));
  return busy;
}

test('overload: new calls and sessions are refused, running ones go on, then new ones are taken', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t, { limits: { max_cpu_utilization: 0.025 } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const taken = (room) => until(`a call to room ${room} is taken`, async () => { // its start is work for a gateway too
    const phone = await RawCall.open(t, gateway, room), answer = await phone.invite();
    if (answer.status !== 200) await sleep(500);
    return answer.status === 200 && { phone, answer };
  });
  const { phone: running, answer } = await taken('a');
  running.talk(answer.body);
  const refused = await RawCall.open(t, gateway, 'b');

  const busy = await hammer(t, gateway);
  await until('/readyz is 503', async () => (await gateway.status('/readyz')) === 503, 30);
  const refusal = await refused.invite();
  t.equal(refusal.status, 503, 'a call on an overloaded gateway');
  t.ok(Number(refusal.headers['retry-after'][0]) > 0, 'Retry-After');
  const error = await rpc.fails('session.join', { room: 'd', identity: 'eve', sdp: 'v=0\r\n' });
  t.equal(error.data.code, 'resource_exhausted', 'session.join');
  const dialled = await rpc.fails('participant.create', { room_name: 'e', sip_call_to: '1', trunk: { hostname: '127.0.0.1:9' } });
  t.equal(dialled.data.code, 'resource_exhausted', 'participant.create');
  t.equal((await rpc.call('server.stats')).main.refusing, 'main_cpu', 'server.stats');
  await gateway.line(/Overloaded: new calls are refused.*thread=main reason=cpu/);

  await busy.stop();
  await until('/readyz is 200', async () => (await sleep(500), await gateway.status('/readyz')) === 200, 30); // asking is work too
  await gateway.line(/Load is back to normal/);
  await taken('c');
  const { calls } = await rpc.call('call.list');
  const call = calls.find((each) => each.room_name === 'a');
  t.equal(call.status, 'active', 'the call that was up');
});
