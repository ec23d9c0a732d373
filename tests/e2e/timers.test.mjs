// Session timers: the whole table at once, each case with a peer of its own, then a test per case.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Rpc } from './lib/rpc.mjs';
import { freePort } from './lib/ports.mjs';
import { sipp } from './lib/sipp.mjs';
import { SipPeer } from './lib/sippeer.mjs';
import { stalledSince } from './lib/stalls.mjs';
import { cases, fits } from './lib/timercases.mjs';

const kinds = { usual: {}, uas: { prefer_refresher: 'uas' }, update: { use_update: true }, off: { enabled: false } };
let running;

async function startGateway(t, timer, cleanups) {
  const context = { options: t.options, after: (cleanup) => cleanups.push(cleanup) };
  const gateway = await Gateway.start(context, {
    session_timer: { enabled: true, default_expires: 18, min_se: 3, prefer_refresher: 'uac', use_update: false, ...timer },
    limits: { invites_per_second_per_source: 0 },
  });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  await rpc.call('room.watch', { name: '*' });
  cleanups.push(() => rpc.close());
  process.once('exit', () => gateway.exited || gateway.process.kill('SIGKILL'));
  return { gateway, rpc };
}

/* {lines, slack}: what was seen, and for how many seconds this process, which measures it, stood still meanwhile. */
async function observe({ gateway, rpc }, body, room) {
  const begun = performance.now(), slack = () => stalledSince(begun) / 1000;
  const peer = await SipPeer.open(gateway.config.sip_port, room);
  try {
    return { lines: await body(peer, { gateway, rpc, room, slack }), slack: slack() };
  } catch (error) {
    return { lines: [`failed: ${error.message}`], slack: slack() };
  } finally {
    setTimeout(() => peer.close(), 1000);
  }
}

/** Starts every case on the first use. */
async function start(t) {
  const cleanups = [];
  const gateways = {};
  for (const [kind, timer] of Object.entries(kinds)) gateways[kind] = await startGateway(t, timer, cleanups);
  const observed = cases.map(([, kind, , body], index) => observe(gateways[kind], body, `case${index}`));
  return { gateways, cleanups, observed };
}

for (const [index, [name, , expected]] of cases.entries())
  test(`session timer: ${name}`, { timeout: 90 }, async (t) => {
    running ??= start(t);
    const { lines, slack } = await (await running).observed[index];
    t.note(`expected: ${expected.join(' | ')}`);
    t.note(`observed: ${lines.join(' | ')}${slack > 0.2 ? `, standing still for ${slack.toFixed(1)} s` : ''}`);
    t.ok(lines.length === expected.length && expected.every((line, i) => fits(line, lines[i], slack)), 'it was not as expected');
  });

test('session timers: nothing is left, the log and the counters tell what happened', { timeout: 90 }, async (t) => {
  running ??= start(t);
  const { gateways: { usual }, cleanups, observed } = await running;
  await Promise.all(observed);
  for (const line of [
    /Adding session timer headers to INVITE .*sessionExpires=18 minSE=3 refresher=uac/,
    /Negotiated session timer from INVITE .*sessionExpires=18 minSE=3 refresher=uac/,
    /Negotiated session timer from response .*sessionExpires=18 refresher=uac/,
    /Started session timer {2}.*sessionExpires=18 expiryWarning=12s weAreRefresher=false/,
    /Started session timer after call is established .*weAreRefresher=true/,
    /Sending session refresh/, /Created re-INVITE with CSeq: 2/, /Session refresh successful .*method=INVITE/,
    /Session timer expired, terminating call/, /No Session-Expires header in response/,
    /Session timer not negotiated \(remote doesn't support\)/,
  ]) t.ok(usual.gateway.lines(line).length > 0, `the log has no ${line}`);
  const metrics = await (await fetch(`${usual.gateway.url}/metrics`)).text();
  for (const name of ['timers_negotiated_total{direction="inbound",role="refresher"}', 'timers_negotiated_total{direction="outbound",role="watcher"}',
    'refreshes_sent_total{direction="inbound",role="refresher",method="INVITE",result="ok"}', 'refreshes_sent_total{direction="inbound",role="refresher",method="INVITE",result="failed"}',
    'refreshes_received_total{direction="inbound",role="watcher",method="UPDATE",result="ok"}', 'refreshes_rescued_total{direction="inbound",role="watcher"}',
    'timers_expired_total{direction="inbound",role="refresher"}'])
    t.ok(Number(metrics.split(`switchroom_session_${name} `)[1]?.split('\n')[0]) > 0, `no count of ${name}`);
  const events = new Set(usual.rpc.events.filter((event) => event.type === 'session_timer').map((event) => event.event));
  t.equal([...events].sort(), ['expired', 'negotiated', 'refreshed', 'rescued'], 'the events');
  for (const cleanup of cleanups.reverse()) await cleanup();
  running = undefined;
});

test('session timer in real time: 90 s, three refreshes, nothing of the media is lost', { timeout: 240, long: true }, async (t) => {
  const gateway = await Gateway.start(t);
  const media = await freePort();
  await (await sipp(t, gateway, 'session_timer_long', { seconds: 200, more: ['-mp', String(media), '-rtp_echo', '-recv_timeout', '60000'] })).done;
  const summary = await until('the summary', () => gateway.lines(/Call summary/)[0]);
  t.note(summary);
  const value = (name) => Number(new RegExp(` ${name}=([\\d.]+)`).exec(summary)[1]);
  t.equal([value('lostIn'), value('lostOut')], [0, 0], 'packets lost');
  t.ok(value('packetsIn') > 50 * 130, 'media came back for the whole call');
  t.equal(gateway.lines(/Session refresh successful/).length, 3, 'refreshes');
});
