// baresip beyond its calls: hold, keys, messages, early media, refreshes, and in one room with Linphone.
import { statSync } from 'node:fs';
import { test, sleep, until } from './lib/tap.mjs';
import { loudness } from './lib/audio.mjs';
import { Gateway } from './lib/gateway.mjs';
import { Linphone } from './lib/linphone.mjs';
import { Baresip, SipPhone } from './lib/phone.mjs';
import { watched, waitFor, packetsTo } from './lib/transferpeer.mjs';

/** Somebody in the room to talk with, at 700 Hz. */
async function partner(t, gateway, room, ...listen) {
  const phone = SipPhone.call(t, gateway.sip(room), '--user', 'other', '--tone', 700, '--listen', ...listen);
  await phone.event('answered');
  return phone;
}

const holdIs = (rpc, identity, wanted) => until(`sip.hold is ${wanted}`, async () =>
  (await rpc.call('participant.get', { room: 'lobby', identity })).participant.attributes['sip.hold'] === wanted);

/** Waits until the gateway sends that phone nothing; a call's numbers are those of its last full second. */
const sendsNothing = (rpc, identity) => until(`nothing is sent to ${identity}`, async () => {
  const before = await packetsTo(rpc, identity);
  await sleep(1300);
  return before > 0 && before === await packetsTo(rpc, identity);
});

test('baresip holds and resumes, the gateway holds and resumes it', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const other = await partner(t, gateway, 'lobby', 440);
  const phone = await Baresip.start(t, { codec: 'PCMA', hz: 440 });
  await phone.dial(gateway.sip('lobby'));
  await other.hears(440);
  await phone.hears(700);
  await phone.command('hold');
  await holdIs(rpc, 'sip_tone440', 'remote');
  await sendsNothing(rpc, 'sip_tone440');
  await phone.command('resume');
  await holdIs(rpc, 'sip_tone440', 'none');
  await other.hears(440);
  await phone.hears(700);
  await rpc.call('participant.hold', { room: 'lobby', identity: 'sip_tone440', held: true });
  await until('the room does not hear it', () => other.lastLevels()['440'] < -50);
  const recorded = () => Math.max(...phone.recordings.map((path) => statSync(path).size));
  await until('baresip hears nobody', async () => {
    const before = recorded();
    await sleep(1300);
    return recorded() === before || loudness(phone.last(0.5).samples) < -50; // it may stop playing, or play the silence that it is sent
  });
  await rpc.call('participant.hold', { room: 'lobby', identity: 'sip_tone440', held: false });
  await other.hears(440);
  await phone.hears(700);
});

test('keys and text between baresip and the room', {}, async (t) => {
  const gateway = await Gateway.start(t);
  const rpc = await watched(t, gateway, 'lobby');
  const phone = await Baresip.start(t, { codec: 'G722', hz: 440, contact: gateway.sip('lobby'), trace: true });
  await phone.dial(gateway.sip('lobby'));
  const digits = () => rpc.events.filter((event) => event.type === 'dtmf_received').map((event) => event.digit).join('');
  await phone.command('sndcode', '15*#');
  await until('its keys', () => digits() === '15*#').catch((error) => { throw new Error(`${error.message}: ${digits()}`); });
  await rpc.call('participant.send_dtmf', { room_name: 'lobby', participant_identity: 'sip_tone440', digits: '73#' });
  const got = () => [...phone.output.matchAll(/received event: '(.)' \(end=1\)/g)].map((match) => match[1]).join('');
  await until('the keys to it', () => got() === '73#').catch((error) => { throw new Error(`${error.message}: ${got()}`); });
  const sent = await rpc.call('room.send_message', { room: 'lobby', text: 'Grüße' });
  t.equal(sent, { delivered: 1, failed: [] }, 'room.send_message');
  await until('the text', () => /MESSAGE sip:[^]*\r\n\r\nGrüße/.test(phone.output));
  await phone.command('message', 'hello');
  const message = await waitFor(rpc, 'message_received', (event) => event.text === 'hello');
  t.equal(message.identity, 'sip_tone440', 'from whom');
});

for (const kind of ['baresip', 'Linphone'])
  test(`early media between the room and ${kind}, which answers later`, {}, async (t) => {
    const gateway = await Gateway.start(t);
    const rpc = await watched(t, gateway, 'lobby');
    const other = await partner(t, gateway, 'lobby', 900);
    const isBaresip = kind === 'baresip';
    const phone = isBaresip ? await Baresip.start(t, { codec: 'PCMU', hz: 900, answer: 'early' })
      : await Linphone.start(t, { codec: 'G722', hz: 900, extra: { sip: { incoming_calls_early_media: 1 } } });
    if (!isBaresip) await phone.command(`ringback ${phone.directory}/tone.wav`, /ringback tone/);
    const { sip_call_id: id } = await rpc.call('participant.create', { trunk: { hostname: `127.0.0.1:${phone.port}` },
      sip_call_to: phone.name, room_name: 'lobby', participant_identity: 'callee' });
    const status = async () => (await rpc.call('call.get', { sip_call_id: id })).call.status;
    // baresip takes early media, but neither plays nor sends any
    if (isBaresip) await until('the room is sent to it', async () => (await packetsTo(rpc, 'callee')) > 20);
    else await other.hears(900);
    t.equal(await status(), 'ringing', 'the call');
    await phone.command(isBaresip ? 'accept' : 'answer');
    await until('it is answered', async () => await status() === 'active');
    await other.hears(900);
    await phone.hears(700);
  });

for (const [one, two] of [['baresip', 'Linphone'], ['Linphone', 'baresip']])
  test(`${one} calls, ${two} is called into the room, both hear one another`, {}, async (t) => {
    const gateway = await Gateway.start(t);
    const rpc = await watched(t, gateway, 'lobby');
    const kinds = { baresip: Baresip, Linphone };
    const caller = await kinds[one].start(t, { codec: 'PCMU', hz: 440 });
    const callee = await kinds[two].start(t, { codec: 'opus', hz: 900, answer: true });
    await caller.dial(gateway.sip('lobby'));
    await rpc.call('participant.create', { trunk: { hostname: `127.0.0.1:${callee.port}` }, room_name: 'lobby',
      sip_call_to: callee.name, participant_identity: 'callee', wait_until_answered: true });
    await caller.hears(900);
    await callee.hears(440);
    if (two === 'baresip') await gateway.line(/Session timer not negotiated \(remote doesn't support\)/);
  });
