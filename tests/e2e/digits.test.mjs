// Digits that phones are sent, and the ringing that a room hears, by participant.create and the API.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { Rpc } from './lib/rpc.mjs';

async function connected(t, gateway) {
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: '*' });
  return rpc;
}

test('digits of participant.create arrive as telephone-events, by INFO and as tones, once each', { timeout: 60 }, async (t) => {
  const far = await Gateway.start(t), heard = await connected(t, far);
  const outbound_address = `127.0.0.1:${far.config.sip_port}`;
  const gateway = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'] },
    trunks: ['auto', 'rfc4733', 'info', 'inband'].map((dtmf) => ({ name: dtmf, outbound_address, dtmf })),
  });
  const rpc = await connected(t, gateway);
  const pressed = (room) => heard.events.filter((event) => event.type === 'dtmf_received' && event.room === room).map((event) => event.digit).join('');
  const ways = ['auto', 'rfc4733', 'info', 'inband'];
  /* A tone that a busy machine tore is no digit any more: then those in the audio are sent again. */
  let torn = false;
  const arrive = async (way, digits, all) => {
    let next = performance.now() + 12000;
    await until(`the digits ${digits} by ${way}: ${pressed(`to-${way}`)}`, async () => {
      const told = pressed(`to-${way}`);
      if (told === all || (torn && told.endsWith(digits))) return true;
      if (way === 'inband' && performance.now() > next) {
        [torn, next] = [true, next + 12000];
        await rpc.call('participant.send_dtmf', { room: 'hall', identity: way, digits });
      }
      return false;
    }, way === 'inband' ? 60 : 30);
  };
  await Promise.all(ways.map((way) => rpc.call('participant.create', {
    room_name: 'hall', sip_trunk_id: way, sip_call_to: `to-${way}`, participant_identity: way, dtmf: 'w19w#', wait_until_answered: true,
  })));
  for (const way of ways) {
    await arrive(way, '19#', '19#');
    await rpc.call('participant.send_dtmf', { room: 'hall', identity: way, digits: '55*' });
  }
  for (const way of ways) await arrive(way, '55*', '19#55*');
  const statuses = rpc.events.filter((event) => event.type === 'participant_updated' && event.participant.identity === 'info')
    .map((event) => event.participant.attributes['sip.callStatus']);
  t.ok(statuses.includes('automation') && statuses.at(-1) === 'active', `sip.callStatus: ${statuses.join()}`);

  const most = { room: 'hall', identity: 'auto', digits: ','.repeat(64) };
  let error = null;
  for (let i = 0; i < 5 && !error; i++) error = await rpc.call('participant.send_dtmf', most).then(() => null, (reason) => reason);
  t.equal(error?.data.code, 'resource_exhausted', 'too many');
  t.ok(!/19#|55\*/.test(gateway.output + far.output), 'digits in the log');
});

test('play_dialtone: the room hears ringing until the phone is heard, or has refused', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, { media: { tones: 'uk' } });
  const rpc = await connected(t, gateway);
  const listener = SipPhone.call(t, gateway.sip('hall'), '--listen', 400, 440, 880);
  await listener.event('answered');
  const ends = () => rpc.events.filter((event) => event.type === 'play_ended');

  const callee = await SipPhone.answer(t, '--never', '--tone', 880);
  const call = rpc.call('participant.create', {
    room_name: 'hall', sip_call_to: `sip:callee@127.0.0.1:${callee.port}`, play_dialtone: true, wait_until_answered: true, ringing_timeout: 75,
  });
  const rang = (hz) => listener.events.some((one) => one.event === 'heard' && one.levels[String(hz)] > -40);
  await until('ringing in the room', () => rang(400), 10);
  t.equal(ends().length, 0, 'before the answer');
  callee.command('answer');
  await call;
  await until('the end of the ringing', () => ends().length === 1);
  t.equal(ends()[0].reason, 'stopped', 'reason');
  await listener.hears(880);

  const busy = await SipPhone.answer(t, '--ring', 0.3, '--status', 486);
  const error = await rpc.call('participant.create', {
    room_name: 'hall', sip_call_to: `sip:busy@127.0.0.1:${busy.port}`, play_dialtone: true, wait_until_answered: true,
  }).then(() => null, (reason) => reason);
  t.equal(error?.data.sip_status_code, 486, 'refused');
  await until('the end of the second ringing', () => ends().length === 2);
});
