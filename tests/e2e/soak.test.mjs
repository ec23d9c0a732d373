// Call after call: descriptors and memory stay flat.
import { test, sleep, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { sipp } from './lib/sipp.mjs';
import { Rpc } from './lib/rpc.mjs';

async function rounds(t, gateway, calls, rate = 20) {
  const seconds = 30 + calls;
  const { done } = await sipp(t, gateway, 'invite', { user: 'soak', calls, rate, together: 10, seconds });
  await done;
}

async function idle(t, gateway, rpc) {
  await until('no call is left', async () => (await rpc.call('server.stats')).calls === 0, 10);
}

test('100 calls in a row leave no descriptor behind', { alone: true, timeout: 120 }, async (t) => {
  const gateway = await Gateway.start(t, { logging: { level: 'info' }, limits: { invites_per_second_per_source: 0 } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rounds(t, gateway, 20);
  await idle(t, gateway, rpc);
  const before = gateway.fds();
  await rounds(t, gateway, 100);
  await idle(t, gateway, rpc);
  await until(`as many descriptors as before, ${before}`, () => gateway.fds() <= before, 30);
  const stats = await rpc.call('server.stats');
  t.equal([stats.calls_total, stats.calls_failed], [120, 0], 'calls');
});

/* SIP keeps a finished call for 32 s (RFC 3261 17.2.2): at 5 calls a second as many linger at the end of the warm-up
 * as later, so that what is compared is growth and not the height of a peak. */
test('memory grows by at most 100 kB over 500 calls, after 200 to warm up', { alone: true, long: true, timeout: 600 }, async (t) => {
  const gateway = await Gateway.start(t, { logging: { level: 'info' }, limits: { invites_per_second_per_source: 0 } });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rounds(t, gateway, 200, 5);
  await idle(t, gateway, rpc);
  await sleep(40000);
  const [fds, rss] = [gateway.fds(), gateway.rssKb()];
  await rounds(t, gateway, 500, 5);
  await idle(t, gateway, rpc);
  await sleep(40000);
  const growth = gateway.rssKb() - rss;
  t.note(`RSS ${rss} kB, grew by ${growth} kB; ${fds} descriptors, then ${gateway.fds()}`);
  t.ok(gateway.fds() <= fds, `${gateway.fds()} descriptors, ${fds} before`);
  if (!t.options.sanitized) t.ok(growth <= 100, `RSS grew by ${growth} kB`);
});
