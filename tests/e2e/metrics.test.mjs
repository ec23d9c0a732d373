// /metrics and what reads it: the format, names and labels, the dashboard's and the alerts' queries, /readyz.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Rpc } from './lib/rpc.mjs';
import { SipPhone } from './lib/phone.mjs';
import { parse, promtool, valueOf } from './lib/prometheus.mjs';

const grafana = (name) => fileURLToPath(new URL(`../../docs/grafana/${name}`, import.meta.url));
const read = async (gateway, path) => {
  const response = await fetch(`${gateway.url}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};
const metrics = async (gateway) => parse((await read(gateway, '/metrics')).text);

/** An answered call, which speaks for a moment. */
async function oneCall(t, gateway, rpc, room) {
  const phone = SipPhone.call(t, gateway.sip(room), '--tone', 500);
  await phone.event('answered');
  await until('audio', async () => {
    const { calls } = await rpc.call('call.list');
    const { call } = await rpc.call('call.get', { sip_call_id: calls[0].sip_call_id });
    return call.media?.in?.packets > 20;
  });
  await phone.bye();
  await until('the end of the call', async () => valueOf(await metrics(gateway), 'switchroom_calls') === 0);
}

test('/metrics: the format, calls, requests, events, and labels that no client chooses', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: '*' });
  await oneCall(t, gateway, rpc, 'secret-room');
  await rpc.fails('no.such.method', {});
  await rpc.fails('room.get', { name: 'nowhere-room' });
  await rpc.fails('room.create', { name: 'x', 'made-up-field': 1 });
  t.equal((await read(gateway, '/made-up-path')).status, 404, 'a path that there is not');
  const { status, type, text } = await read(gateway, '/metrics');
  t.equal([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8'], 'the answer');
  const families = parse(text);
  const tool = await promtool(['check', 'metrics'], text);
  if (tool) t.equal([tool.status, tool.text], [0, ''], 'promtool check metrics');
  else t.note('promtool is not installed: our own reader alone');
  const value = (name, labels, suffix) => valueOf(families, `switchroom_${name}`, labels, suffix);
  t.equal([value('calls_ended_total', { direction: 'inbound', result: 'answered' }), value('calls_ended_total')], [1, 1], 'calls');
  t.equal(value('call_setup_seconds', { direction: 'inbound' }, '_count'), 1, 'set-ups');
  t.equal(value('call_mos', { way: 'in' }, '_count'), 1, 'MOS');
  t.ok(value('call_packets_total', { way: 'in' }) > 20 && value('call_packets_lost_total') === 0, 'packets of the call');
  t.ok(value('rtp_packets_received_total') > 20 && value('rtp_packets_sent_total') > 20, 'packets');
  t.equal(value('api_request_seconds', { method: 'room.get' }, '_count'), 1, 'requests of room.get');
  t.equal([value('api_errors_total', { method: 'room.get', code: 'not_found' }),
    value('api_errors_total', { method: 'room.create', code: 'invalid_argument' }), value('api_malformed_total')], [1, 1, 1], 'errors');
  t.equal([value('api_requests_waiting'), value('connections'), value('event_watches')], [0, 1, 1], 'the API now');
  t.equal(value('events_total', { type: 'participant_joined' }), 1, 'events');
  t.ok(value('http_responses_total', { code: '4xx' }) >= 1 && value('websocket_messages_received_total') > 4, 'HTTP and WebSocket');
  t.equal(families.get('switchroom_media_worker_load').samples.map(({ labels }) => Object.keys(labels)).flat(),
    (await rpc.call('server.stats')).workers.map(() => 'worker'), 'workers');
  const resident = valueOf(families, 'process_resident_memory_bytes') / 1024;
  t.ok(Math.abs(resident - gateway.rssKb()) < 0.5 * gateway.rssKb(), `${resident} kB of memory, not ${gateway.rssKb()}`);
  for (const word of ['secret-room', 'nowhere-room', 'no.such.method', 'made-up', 'operator', 'sip:'])
    t.ok(!text.includes(word), `"${word}" is in /metrics`);
  const labels = new Set([...families.values()].flatMap(({ samples }) => samples.flatMap((sample) => Object.keys(sample.labels))));
  t.equal([...labels].filter((label) => !['le', 'version', 'direction', 'state', 'result', 'way', 'method', 'code', 'type', 'worker',
    'limit', 'reason', 'trunk', 'role'].includes(label)), [], 'labels that nobody has looked at');
});

/* Each query of Grafana or of an alert names metrics; functions, labels and words of PromQL have no such prefix. */
const namesIn = (text) => [...text.matchAll(/\b(?:switchroom|process)_[a-z0-9_]+/g)].map(([name]) => name);

test('every metric of the dashboard and of the alert rules exists', {}, async (t) => {
  const gateway = await Gateway.start(t, { trunks: [
    { name: 'a', direction: 'outbound', outbound_address: '127.0.0.1:9', auth_username: 'u', auth_password: 'p', register: true, qualify_interval: 10 }] });
  const families = await metrics(gateway);
  const exists = (name) => families.has(name)
    || families.get(name.replace(/_(bucket|sum|count)$/, ''))?.type === 'histogram';
  const dashboard = JSON.parse(readFileSync(grafana('switchroom.json'), 'utf8'));
  const panels = dashboard.panels.filter((panel) => panel.type !== 'row');
  const queries = [...panels.flatMap((panel) => panel.targets.map((target) => target.expr)),
    ...dashboard.annotations.list.map((each) => each.expr), ...dashboard.templating.list.map((each) => String(each.query))];
  t.ok(panels.length > 20 && panels.every((panel) => panel.title && panel.targets.length > 0), 'panels without a query');
  t.equal(new Set(dashboard.panels.map((panel) => panel.id)).size, dashboard.panels.length, 'panels with one id');
  const alerts = readFileSync(grafana('alerts.yml'), 'utf8');
  const used = new Set(namesIn(queries.join('\n') + alerts));
  t.ok(used.size > 50, `only ${used.size} metrics are used`);
  t.equal([...used].filter((name) => !exists(name)), [], 'metrics that there are not');
  const rate = queries.filter((query) => /rate\((\w+)/.test(query) && [...query.matchAll(/rate\((\w+)/g)]
    .some(([, name]) => !/_(total|bucket|sum|count)$/.test(name)));
  t.equal(rate, [], 'rates of what is no counter');
  const tool = await promtool(['check', 'rules', grafana('alerts.yml')]);
  if (tool) t.ok(tool.status === 0, tool.text);
});

test('/healthz and /readyz say in words why no calls are taken', {}, async (t) => {
  const gateway = await Gateway.start(t, { limits: { max_calls: 1 } }, ['--drain-timeout', '30']);
  t.equal([(await read(gateway, '/healthz')).text, (await read(gateway, '/readyz')).text], ['ok\n', 'ready\n'], 'at the start');
  const phone = SipPhone.call(t, gateway.sip('a'));
  await phone.event('answered');
  const full = await read(gateway, '/readyz');
  t.equal([full.status, full.text], [503, 'full: limits.max_calls (1) is reached\n'], 'with one call');
  gateway.process.kill('SIGTERM');
  await until('it drains', async () => (await read(gateway, '/readyz')).text === 'draining\n');
  t.equal([(await read(gateway, '/readyz')).status, (await read(gateway, '/healthz')).status], [503, 200], 'while it drains');
  await phone.bye();
});

test('/metrics: who ended a call that was never answered', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {
    trunks: [{ name: 'all', direction: 'inbound', allowed_addresses: ['127.0.0.1/32'] }],
    dispatch_rules: [{ name: 'later', type: 'callee', answer: 'on_participant', ringing_timeout: '1s' }],
  });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const ringing = await SipPhone.answer(t, '--never');
  await rpc.call('participant.create', { room_name: 'hall', participant_identity: 'bob', sip_call_to: 'bob', trunk: { hostname: `127.0.0.1:${ringing.port}` } });
  await rpc.call('participant.remove', { room: 'hall', identity: 'bob' });
  await SipPhone.call(t, gateway.sip('desk')).event('rejected'); // nobody came
  const ended = (text, direction, result) => valueOf(parse(text), 'switchroom_calls_ended_total', { direction, result });
  await until('both are counted', async () => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    return ended(text, 'outbound', 'canceled') === 1 && ended(text, 'inbound', 'no_answer') === 1 && /^switchroom_calls_failed_total 2$/m.test(text);
  });
});
