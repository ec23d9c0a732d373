// The SIP side, message by message, with SIPp.
import { test, sleep, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { sipp } from './lib/sipp.mjs';
import { SipPhone } from './lib/phone.mjs';
import { Rpc } from './lib/rpc.mjs';

const dual = { sip: { bind: ['127.0.0.1', '::1'] } };
const paths = [['udp', '127.0.0.1'], ['tcp', '127.0.0.1'], ['udp', '::1'], ['tcp', '::1']];

for (const [transport, address] of paths)
  test(`calls and OPTIONS over ${transport} and ${address}`, { timeout: 90 }, async (t) => {
    const gateway = await Gateway.start(t, dual);
    for (const scenario of ['options', 'invite', 'invite_no_offer'])
      await (await sipp(t, gateway, scenario, { transport, address })).done;
    const phone = SipPhone.call(t, gateway.sip('echo', address.includes(':') ? `[${address}]` : address), '--transport', transport);
    await phone.event('answered');
    await sleep(1000);
    t.equal(phone.events.find((each) => each.event === 'ended'), undefined, 'the call goes on');
    const report = await phone.bye();
    t.equal(report.by, 'local', 'who hung up');
    t.ok(report.received > 20, `a leg always sends, from its answer on: ${JSON.stringify(report)}`);
  });

test('numbers without a rule get 404, strangers without a trunk no call', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'] },
    trunks: [{ name: 'pbx', direction: 'inbound', numbers: ['+15550100'], allowed_addresses: ['127.0.0.1/32'] }],
    dispatch_rules: [{ name: 'desk', trunks: ['pbx'], type: 'direct', room: 'desk' }],
  });
  await (await sipp(t, gateway, 'unknown_number', { user: '+15559999' })).done;
  await (await sipp(t, gateway, 'invite', { user: '+15550100' })).done;
});

test('CANCEL while it rings gets 200, the INVITE 487', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'] },
    trunks: [{ name: 'pbx', direction: 'inbound', numbers: ['+15550100'], allowed_addresses: ['127.0.0.1/32'] }],
    dispatch_rules: [{ name: 'desk', trunks: ['pbx'], type: 'direct', room: 'desk', answer: 'on_participant' }],
  });
  await (await sipp(t, gateway, 'cancel', { user: '+15550100' })).done;
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await until('no call is left', async () => (await rpc.call('call.list')).calls.length === 0);
});

test('re-INVITEs hold, resume, move and refuse; every media line is answered', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  for (const scenario of ['hold_resume', 'codec_change', 'many_media']) await (await sipp(t, gateway, scenario)).done;
});

test('the gateway hangs up with BYE', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  const { done } = await sipp(t, gateway, 'bye_from_gateway');
  const call = await until('the call is active', async () => (await rpc.call('call.list')).calls.find((each) => each.status === 'active'));
  await rpc.call('call.hangup', { sip_call_id: call.sip_call_id });
  await done;
  await gateway.line(/Hangup.*cause=api/);
});

test('a phone that holds is sent nothing, and hears again after it resumed', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const ada = SipPhone.call(t, gateway.sip('hold'), '--tone', 600, '--listen', 900);
  const ben = SipPhone.call(t, gateway.sip('hold'), '--tone', 900, '--listen', 600);
  await ada.event('answered');
  await ben.event('answered');
  await ada.hears(900);
  await ben.hears(600);
  ada.command('hold');
  const held = await ada.event('reinvite_answered');
  t.equal([held.status, held.answered], [200, 'recvonly'], 'the answer to hold');
  const silentFor = (seconds) => ada.events.filter((event) => event.event === 'heard').slice(-seconds).every((event) => event.samples === 0);
  await until('nothing is sent to ada', () => silentFor(2));
  await ben.hears(600); // ada sends while she holds (sendonly)
  ada.command('resume');
  const back = await ada.event('reinvite_answered', 5, (event) => event.offered === 'sendrecv');
  t.equal([back.status, back.answered], [200, 'sendrecv'], 'the answer to resume');
  await ada.hears(900);
  await ben.hears(600);
});

test('digits of telephone-event are reported as dtmf_received, and not logged', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: 'digits' });
  const phone = SipPhone.call(t, gateway.sip('digits'), '--dtmf', '159#');
  await phone.event('answered');
  const digits = () => rpc.events.filter((event) => event.type === 'dtmf_received').map((event) => event.digit).join('');
  await until('four digits', () => digits().length >= 4);
  t.equal(digits(), '159#', 'digits');
  t.ok(!/digits?=['"]?(1|159)/.test(gateway.output), 'digits are in the log');
});
