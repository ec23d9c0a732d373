// Files and tones played to phones and rooms, and digits sent to a phone, by the API.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { Rpc } from './lib/rpc.mjs';

async function refused(t, promise, pattern, what) {
  const error = await promise.then(() => null, (reason) => reason);
  t.ok(error !== null && pattern.test(error.message), `${what}: ${error?.message}`);
}

test('a tone is played to one phone, then to the room; play_ended tells', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: 'hall' });
  const phone = SipPhone.call(t, gateway.sip('hall'), '--listen', '425');
  await phone.event('answered');
  const list = async () => (await rpc.call('participant.list', { room: 'hall' })).participants;
  const [{ identity }] = await until('the phone is there', async () => (await list()).length > 0 && list());
  const ended = (id) => until(`the end of ${id}`, () => rpc.events.find((event) => event.type === 'play_ended' && event.play_id === id));

  const { play_id: one } = await rpc.call('participant.play', { room: 'hall', identity, tone: 'dial' });
  await phone.hears(425);
  await rpc.call('participant.play_stop', { room: 'hall', identity, play_id: one });
  t.equal((await ended(one)).reason, 'stopped', 'reason');
  const { play_id: all } = await rpc.call('room.play', { room: 'hall', tone: 'beep' });
  t.equal((await ended(all)).reason, 'finished', 'reason');

  await refused(t, rpc.call('room.play', { room: 'hall', file: 'music.wav' }), /media\.files/, 'no directory');
  await refused(t, rpc.call('room.play', { room: 'hall' }), /one of them/, 'nothing named');
  await refused(t, rpc.call('room.play', { room: 'hall', tone: 'siren' }), /tone/, 'a foreign tone');
  await refused(t, rpc.call('participant.play_stop', { room: 'hall', identity, play_id: 'PB_x' }), /PB_x/, 'a foreign id');
  await refused(t, rpc.call('participant.send_dtmf', { room: 'hall', identity, digits: '12x' }), /digits/, 'a foreign digit');
  await rpc.call('participant.send_dtmf', { room: 'hall', identity, digits: '12w#' });
  await rpc.call('participant.set_gain', { room: 'hall', identity, gain_db: -6 });
});

test('nothing is played to a phone that rings, before it has early media', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: 'hall' });
  const play = (identity) => rpc.call('participant.play', { room: 'hall', identity, tone: 'dial' });
  const dial = (phone, identity) => rpc.call('participant.create', { room_name: 'hall', participant_identity: identity,
    sip_call_to: 'bob', trunk: { hostname: `127.0.0.1:${phone.port}` } });
  const ringing = await SipPhone.answer(t, '--never');
  await dial(ringing, 'ringing');
  await until('it rings', () => rpc.events.some(({ type, status }) => type === 'call_status' && status === 'ringing'));
  await refused(t, play('ringing'), /has not answered yet/, 'a phone that rings');
  ringing.command('answer');
  await ringing.event('answered');
  await until('it is played to', () => play('ringing').catch(() => null));
  const early = await SipPhone.answer(t, '--never', '--early', '--listen', '425');
  await dial(early, 'early');
  await until('it is played to', () => play('early').catch(() => null));
  await early.hears(425);
});
