// Calling out with participant.create: an answering machine, a challenge, and every way of not being answered.
import { test, until, sleep } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { launch, BrowserPeer } from './lib/browser.mjs';
import { SipPhone, Baresip } from './lib/phone.mjs';
import { Rpc } from './lib/rpc.mjs';

async function watched(t, gateway, room) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: room });
  return rpc;
}

const dial = (phone, room, extra = {}) => ({
  trunk: { hostname: `127.0.0.1:${phone.port}`, transport: 'udp', ...extra.trunk },
  sip_call_to: '+15550100', room_name: room, participant_identity: 'callee', participant_name: 'Answering machine',
  ...extra.params,
});

test('participant.create rings, plays early media, answers a challenge and joins the callee', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'out', identity: 'ada', hz: 800 });
  const rpc = await watched(t, gateway, 'out');
  const machine = await SipPhone.answer(t, '--auth', 'alice:secret', '--never', '--early', '--tone', 600,
    '--answer-tone', 900, '--listen', 800);
  const created = await rpc.call('participant.create',
    dial(machine, 'out', { trunk: { auth_username: 'alice', auth_password: 'secret' }, params: { ringing_timeout: 75 } }));
  t.equal(created.participant_identity, 'callee', 'identity');
  t.ok(/^SCL_/.test(created.sip_call_id), `sip_call_id ${created.sip_call_id}`);
  await machine.event('challenged');
  await machine.event('ringing');
  const ringing = await until('the participant rings', async () => {
    const { participant } = await rpc.call('participant.get', { room: 'out', identity: 'callee' }).catch(() => ({}));
    return participant?.attributes?.['sip.callStatus'] === 'ringing' && participant;
  });
  t.equal(ringing.kind, 'SIP', 'kind');
  await ada.hearsPeak(600); // early media
  machine.command('answer');
  await machine.event('answered');
  await ada.hearsPeak(900);
  await machine.hears(800);
  const { participant } = await rpc.call('participant.get', { room: 'out', identity: 'callee' });
  t.equal(participant.attributes['sip.callStatus'], 'active', 'sip.callStatus');
  await rpc.call('call.hangup', { sip_call_id: created.sip_call_id });
  const ended = await machine.event('ended');
  t.equal([ended.by, ended.lost], ['remote', 0], 'the end of the call');
  const states = rpc.events.filter((event) => event.type === 'call_status').map((event) => event.status ?? event.call_status ?? event.call?.status);
  t.note(`call_status: ${states}`);
  t.ok(rpc.events.some((event) => event.type === 'participant_left'), 'no participant_left');
  t.ok(!gateway.output.includes('secret'), 'the password is in the log');
});

test('participant.create with wait_until_answered to a baresip that answers by itself', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const browser = await launch(t);
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'out', identity: 'ada', hz: 800 });
  const rpc = await watched(t, gateway, 'out');
  const phone = await Baresip.start(t, { codec: 'PCMA', hz: 500, answer: true });
  const params = dial(phone, 'out', { params: { wait_until_answered: true, sip_call_to: 'tone500' } });
  await rpc.call('participant.create', params);
  await ada.hearsPeak(500);
  await rpc.call('participant.remove', { room: 'out', identity: 'callee' });
  await until('baresip was hung up', () => /terminated|session closed/.test(phone.output));
});

for (const [what, status, code, reason, args] of [
  ['busy', 486, 'resource_exhausted', 'USER_REJECTED', ['--status', 486, '--reason', 'Busy Here']],
  ['declined', 603, 'permission_denied', 'USER_REJECTED', ['--status', 603, '--reason', 'Decline', '--ring', 0.3]],
  ['unknown', 404, 'not_found', 'USER_UNAVAILABLE', ['--status', 404, '--reason', 'Not Found']],
])
  test(`participant.create to a callee that is ${what}: ${status} in the error and the event`, {}, async (t) => {
    const gateway = await Gateway.start(t);
    const rpc = await watched(t, gateway, 'out');
    const machine = await SipPhone.answer(t, ...args);
    const error = await rpc.fails('participant.create', dial(machine, 'out', { params: { wait_until_answered: true } }));
    t.equal([error.data.sip_status_code, error.data.code], [status, code], `data of ${error.message}`);
    const left = await until('it left the room', () => rpc.events.find((event) => event.type === 'participant_left'));
    t.equal(left.disconnect_reason, reason, 'disconnect_reason');
    const hangup = await until('a call_status event with the SIP status', () =>
      rpc.events.find((event) => event.type === 'call_status' && JSON.stringify(event).includes(String(status))));
    t.note(JSON.stringify(hangup));
    await gateway.line(new RegExp(String(status)));
    await until('the room is rid of the callee', async () => {
      const { rooms } = await rpc.call('room.list');
      if (!rooms.some((room) => room.name === 'out')) return true;
      return (await rpc.call('participant.list', { room: 'out' })).participants.length === 0;
    });
  });

test('participant.create to a phone that nobody takes is cancelled after ringing_timeout', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'out');
  const machine = await SipPhone.answer(t, '--never');
  const error = await rpc.fails('participant.create',
    dial(machine, 'out', { params: { wait_until_answered: true, ringing_timeout: 2 } }));
  await machine.event('cancelled');
  t.ok([480, 487, 408].includes(error.data.sip_status_code), `sip_status_code ${error.data.sip_status_code}: ${error.message}`);
});

test('participant.create to a port where nobody listens fails with an error', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'out');
  const error = await rpc.fails('participant.create',
    dial({ port: 9 }, 'out', { params: { wait_until_answered: true, ringing_timeout: 4 } }));
  t.note(error.message);
  await sleep(200);
  t.equal((await rpc.call('server.info')).name === undefined, false, 'server.info answers');
});

test('participant.create refuses bad parameters in words', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'out');
  const trunk = { hostname: '127.0.0.1:5099' };
  for (const [params, field] of [
    [{ room_name: 'out', sip_call_to: '100' }, 'trunk'],
    [{ trunk, sip_call_to: '100' }, 'room'],
    [{ trunk, room_name: 'out' }, 'sip_call_to'],
    [{ trunk, room_name: 'out', sip_call_to: '1\r\nX-Evil: 1' }, 'sip_call_to'],
    [{ trunk, room_name: 'out', sip_call_to: '1', headers: { 'X-A': 'b\r\nX-Evil: 1' } }, 'headers'],
    [{ trunk: { hostname: 'bad host:\n5' }, room_name: 'out', sip_call_to: '1' }, 'hostname'],
    [{ trunk: { ...trunk, transport: 'pigeon' }, room_name: 'out', sip_call_to: '1' }, 'transport'],
  ]) {
    const error = await rpc.fails('participant.create', params);
    t.ok(JSON.stringify([error.data, error.text]).includes(field), `${error.message} does not name ${field}`);
  }
});
