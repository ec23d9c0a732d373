// Lists of calls, page by page, while calls end; and what switchroomctl says of them.
import { test, until } from './lib/tap.mjs';
import { ctl } from './lib/ctl.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { Rpc } from './lib/rpc.mjs';

test('call.list gives calls that are up page by page, then those that are over; none is left out when one ends meanwhile', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const nothing = await ctl(t, gateway, ['call.list']);
  t.equal(nothing.out, 'No calls.\nWith ended=true: Calls that are over too, behind those that are up.\n', 'a hint');
  const calls = [];
  for (let i = 0; i < 5; i++) {
    calls.push(await RawCall.open(t, gateway, 'desk', `raw${i}`));
    t.equal((await calls[i].invite()).status, 200, 'a call');
  }
  const list = (params) => rpc.call('call.list', params);
  const pages = async (params, between = async () => {}) => {
    const all = [];
    for (let token = null; token !== ''; ) {
      const { calls: page, next_page_token: next } = await list({ ...params, ...(token && { page_token: token }) });
      t.ok(page.length <= params.limit, `${page.length} calls, ${JSON.stringify(params)}`);
      all.push(page.map(({ from, status }) => `${from} ${status === 'active' ? 'up' : 'over'}`));
      await between(all.length);
      token = next;
    }
    return all;
  };
  const up = (...numbers) => numbers.map((i) => `raw${i} up`), over = (...numbers) => numbers.map((i) => `raw${i} over`);
  t.equal(await pages({ limit: 2 }), [up(4, 3), up(2, 1), up(0)], 'the newest first');
  t.equal(await pages({ limit: 5 }), [up(4, 3, 2, 1, 0)], 'exactly one page');
  const hangup = async (i) => {
    calls[i].request('BYE');
    await until('it is over', async () => (await list({ ended: true, limit: 100, number: `raw${i}` })).calls[0].media); // its record is whole
  };
  await hangup(1);
  const merged = await pages({ limit: 2, ended: true }, (n) => (n === 1 ? hangup(3) : n === 2 ? hangup(0) : undefined));
  t.equal(merged, [up(4, 3), up(2, 0), over(3, 1), over(0)], 'with those that are over');
  t.equal((await list({ limit: 3, ended: true, page_token: (await list({ limit: 1 })).next_page_token })).calls.map(({ from }) => from),
    ['raw2', 'raw3', 'raw1'], 'one page has of both');
  const table = await ctl(t, gateway, ['call.list', 'limit=1']);
  t.ok(/raw4/.test(table.out) && /next_page_token +up-/.test(table.out), table.out);

  const [{ sip_call_id: id, sip_call_id_full: full }] = (await list({ ended: true, limit: 1, number: 'raw3' })).calls;
  const byId = await ctl(t, gateway, ['logs', id]), byCallId = await ctl(t, gateway, ['logs', full]);
  t.ok(byId.status === 0 && /Call summary/.test(byId.out), byId.err);
  t.equal(byCallId.out, byId.out, 'logs of a SIP Call-ID');
  t.equal((await ctl(t, gateway, ['logs', 'nobody@nowhere'])).status, 1, 'of an unknown one');

  const [{ sip_call_id: hungUp }] = (await list({ number: 'raw4' })).calls;
  await rpc.call('call.hangup', { sip_call_id: hungUp });
  const timeline = await until('the answer to our BYE is in the record', async () => {
    const { call } = await rpc.call('call.get', { sip_call_id: hungUp });
    return call.status === 'hangup' && call.timeline.at(-1).method === 'BYE' && call.timeline;
  });
  const entries = timeline.map(({ event, direction, message }) => `${event} ${direction ?? ''} ${message ?? ''}`);
  t.equal(entries.filter((entry, i) => entry !== entries[i - 1]).slice(-3), ['hangup  ', 'sip sent BYE', 'sip received 200 OK'],
    'the end of its timeline, without what was sent again');
  t.equal((await list({ ended: true, number: 'raw4' })).calls.length, 1, 'one record');
});
