// Callers who are asked for a PIN: by the packets of RFC 4733 and by INFO, right, wrong, and not at all.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone, Baresip } from './lib/phone.mjs';
import { sipp } from './lib/sipp.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';
import { writeTone, levelDb } from './lib/audio.mjs';
import { Rpc } from './lib/rpc.mjs';

const ENTER = 700, WRONG = 900, GOODBYE = 1100;
const BLUE = '8365027194', RED = '2749186035';

/** A gateway with two rooms behind PINs, and prompts that are tones. */
async function door(t, { pin = {}, seconds = 0.4, prompts = null } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-prompts-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const files = {};
  for (const [name, hz] of Object.entries({ pin_enter: ENTER, pin_wrong: WRONG, pin_goodbye: GOODBYE })) {
    files[name] = join(directory, `${name}.wav`);
    writeTone(files[name], hz, seconds);
  }
  const gateway = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'] }, pin, prompts: prompts ?? files,
    trunks: [{ name: 'door', allowed_addresses: ['127.0.0.1'] }],
    dispatch_rules: [
      {
        name: 'blue', type: 'direct', room: 'blue', pin: BLUE, hide_phone_number: true, metadata: 'from the door',
        attributes: { team: 'sky' }, room_config: { max_participants: 7, metadata: 'a blue one' },
      },
      { name: 'red', type: 'direct', room: 'red', pin: RED },
    ],
  });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: '*' });
  return { gateway, rpc };
}

const inRoom = (rpc, room) => until(`somebody is in ${room}`, async () => {
  const { rooms } = await rpc.call('room.list');
  if (!rooms.some((one) => one.name === room)) return null;
  return (await rpc.call('participant.list', { room })).participants[0];
});

const quiet = (t, gateway, rpc) => {
  for (const pin of [BLUE, RED]) t.ok(!gateway.output.includes(pin), 'the PIN is in the log');
  t.ok(!/Signal=[0-9*#]/.test(gateway.output), 'the body of an INFO is in the log');
  t.equal(rpc.events.filter((event) => event.type === 'dtmf_received').length, 0, 'digits told');
};

test('a PIN by telephone-event: the prompt is heard, the rule decides on room and participant', { timeout: 60 }, async (t) => {
  const { gateway, rpc } = await door(t, { seconds: 3 });
  const phone = SipPhone.call(t, gateway.sip('100'), '--user', '+15550177', '--listen', ENTER);
  await phone.hears(ENTER);
  t.equal((await rpc.call('call.list')).calls.map((call) => [call.status, call.room_name]), [['active', null]], 'before the PIN');
  t.equal((await rpc.call('room.list')).rooms, [], 'no room before the PIN');
  phone.command(`dtmf 99*${BLUE}#`);
  const participant = await inRoom(rpc, 'blue');
  t.equal([participant.name, participant.metadata, participant.attributes.team], ['Phone', 'from the door', 'sky'], 'participant');
  t.ok(!JSON.stringify([participant, rpc.events]).includes('15550177'), 'the hidden number is told');
  const [{ room_info: info }] = rpc.events.filter((event) => event.type === 'room_started');
  t.equal([info.max_participants, info.metadata], [7, 'a blue one'], 'the room');
  const { call } = await rpc.call('call.get', { sip_call_id: participant.attributes['sip.callID'] });
  t.equal([call.dtmf_digits, call.timeline.filter((one) => one.event === 'pin').map((one) => one.result)], [0, ['asked', 'accepted']], 'the call');
  phone.command('dtmf 5');
  await until('the digit after it', () => rpc.events.find((event) => event.type === 'dtmf_received' && event.digit === '5'));
  await phone.bye();
  t.ok(!gateway.output.includes(BLUE), 'the PIN is in the log');
});

test('three wrong PINs end the call; another by INFO gets in after a wrong one, masked in the trace', { timeout: 60 }, async (t) => {
  const { gateway, rpc } = await door(t);
  const wrong = SipPhone.call(t, gateway.sip('100'), '--listen', GOODBYE);
  await wrong.event('answered');
  wrong.command('dtmf 1#22#3#');

  const scenario = await sipp(t, gateway, 'pin_wrong', { user: '100' });
  const phone = await RawCall.open(t, gateway, '100');
  const cseq = phone.request('INVITE', sdp(phone.mediaPort));
  t.equal((await phone.final(cseq)).status, 200, 'answered');
  phone.ack(cseq);
  for (const signal of `12#${RED}#`)
    t.equal((await phone.final(phone.request('INFO', `Signal=${signal}\r\nDuration=100\r\n`, { type: 'application/dtmf-relay' }))).status, 200, 'INFO');
  const participant = await inRoom(rpc, 'red');
  t.equal(participant.identity, 'sip_raw', 'identity');
  const trace = await rpc.call('call.trace', { sip_call_id: participant.attributes['sip.callID'] });
  const signals = trace.messages.map((one) => /Signal=(.)/.exec(one.text)?.[1]).filter(Boolean);
  t.ok(signals.length >= 13 && signals.every((one) => !/[0-9*#]/.test(one)), `digits in the trace: ${signals.join('')}`);

  const { reason } = await wrong.event('ended');
  t.ok(/403/.test(reason ?? ''), `Reason of the BYE: ${reason}`);
  const over = await until('its record', async () =>
    (await rpc.call('call.list', { ended: true })).calls.find((call) => call.status === 'hangup' && call.end));
  t.equal(over.end.reason, 'pin_refused', 'why it ended');
  await scenario.done;
  await gateway.line(/Hangup .*cause=pin_refused/);
  quiet(t, gateway, rpc);
});

test('nobody enters a PIN: asked again, then hung up after the goodbye', { timeout: 60 }, async (t) => {
  const { gateway, rpc } = await door(t, { pin: { tries: 2, timeout: '300ms' }, seconds: 1.2 });
  const phone = SipPhone.call(t, gateway.sip('100'), '--listen', ENTER, WRONG, GOODBYE);
  await phone.event('ended');
  const loudest = (hz) => Math.max(...phone.events.filter((one) => one.event === 'heard').map((one) => one.levels[String(hz)]));
  for (const hz of [ENTER, WRONG, GOODBYE]) t.ok(loudest(hz) > -35, `${hz} Hz was heard at ${loudest(hz)} dB`);
  await gateway.line(/Hangup .*cause=pin_refused/);
  quiet(t, gateway, rpc);
});

test('a PIN as tones in the audio, of a phone that has nothing else', { timeout: 60 }, async (t) => {
  const { gateway, rpc } = await door(t, { pin: { tries: 10, timeout: '30s' } });
  const far = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'] },
    trunks: [{ name: 'out', outbound_address: `127.0.0.1:${gateway.config.sip_port}`, dtmf: 'inband' }],
  });
  const dialer = await Rpc.connect(far.ws, far.token('operator'));
  t.after(() => dialer.close());
  const callee = { room_name: 'hall', participant_identity: 'door' };
  await dialer.call('participant.create', { ...callee, sip_trunk_id: 'out', sip_call_to: '100', dtmf: `${RED}#` });
  let next = performance.now() + 8000;
  await until('somebody is in red', async () => {
    if ((await rpc.call('room.list')).rooms.some(({ name }) => name === 'red')) return true;
    if (performance.now() > next) { // a tone that a busy machine tore is no digit any more: all again
      next += 8000;
      await dialer.call('participant.send_dtmf', { ...callee, digits: `*${RED}#` });
    }
    return false;
  }, 80);
  quiet(t, gateway, rpc);
  t.ok(!far.output.includes(RED), 'the PIN is in the log of the caller');
});

test('baresip hears the built-in prompt where the configured one is missing, and enters a PIN with an INVITE without an offer beside it', { timeout: 60 }, async (t) => {
  const { gateway, rpc } = await door(t, { prompts: { pin_enter: '/nonexistent/prompt.wav' } });
  const phone = await Baresip.start(t, { codec: 'PCMU', hz: 440 });
  await phone.dial(gateway.sip('100'));
  const late = SipPhone.call(t, gateway.sip('100'), '--no-offer');
  await late.event('answered');
  late.command(`dtmf ${RED}#`);
  const { rate, samples } = await phone.heard(0.5, 1);
  const voice = Math.max(...Array.from({ length: 30 }, (_, i) => levelDb(samples, rate, 150 + 50 * i)));
  t.ok(voice > -50, `a voice at ${voice} dB`);
  for (const key of `${BLUE}#`) await phone.command('sndcode', key);
  await inRoom(rpc, 'blue');
  await inRoom(rpc, 'red');
  await gateway.line(/A prompt cannot be played.*nonexistent/);
  quiet(t, gateway, rpc);
});

test('a right PIN for a room that is full, and past a limit: the cause says which', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {
    trunks: [{ name: 'door', allowed_addresses: ['127.0.0.1'] }],
    dispatch_rules: [
      { name: 'blue', type: 'direct', room: 'blue', pin: BLUE, room_config: { max_participants: 1 } },
      { name: 'red', type: 'direct', room: 'red', pin: RED, max_calls: 1 },
    ],
  });
  for (const [pin, cause] of [[BLUE, 'room_full'], [RED, 'limit_reached']])
    for (const right of [true, false]) {
      const phone = SipPhone.call(t, gateway.sip('100'), '--user', `${cause}-${right}`, '--dtmf', `${pin}#`);
      await phone.event('answered');
      if (right) await gateway.line(new RegExp(`Participant joined.*participant=sip_${cause}-true`));
      else await gateway.line(new RegExp(`Call summary.*cause=${cause}`));
    }
});
