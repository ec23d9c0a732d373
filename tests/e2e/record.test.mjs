// Recordings of rooms and participants: what is in the files, and what is told of them.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, until, sleep } from './lib/tap.mjs';
import { levelDb, readWav } from './lib/audio.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { launch, BrowserPeer } from './lib/browser.mjs';
import { Rpc } from './lib/rpc.mjs';
import { runProgram } from './lib/program.mjs';

async function start(t, recordings, more = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'switchroom-records-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const gateway = await Gateway.start(t, { recordings: { path: join(directory, 'made'), ...recordings }, ...more });
  const rpc = await Rpc.connect(gateway.ws, gateway.token('operator'));
  t.after(() => rpc.close());
  await rpc.call('room.watch', { name: '*' });
  const event = (type, check = () => true) => until(type, () => rpc.events.find((each) => each.type === type && check(each)), 15);
  return { gateway, rpc, event, path: (file) => join(directory, 'made', file) };
}

/** The middle second of one channel. */
function middle(path, channel = 0) {
  const { samples, rate } = readWav(path, channel);
  const from = Math.max(0, Math.floor(samples.length / 2 - rate / 2));
  return { rate, samples: samples.subarray(from, from + rate) };
}

const level = ({ samples, rate }, hz) => levelDb(samples, rate, hz);

test('a rule records its calls, phone left and browser right; a participant alone as Ogg, played back', { timeout: 90 }, async (t) => {
  const files = mkdtempSync(join(tmpdir(), 'switchroom-files-'));
  t.after(() => rmSync(files, { recursive: true, force: true }));
  const { gateway, rpc, event, path } = await start(t, { path: files, format: 'wav', channels: 2, file: '{room}/auto' }, {
    media: { files },
    trunks: [{ name: 'all', direction: 'inbound', allowed_addresses: ['127.0.0.1/32'] }],
    dispatch_rules: [{ name: 'hall', type: 'direct', room: 'hall', record: true, room_config: { departure_timeout: 60 } }],
  });
  const browser = await launch(t);
  const ada = await BrowserPeer.join(t, browser, gateway, { room: 'hall', identity: 'ada', hz: 800 });
  const phone = SipPhone.call(t, gateway.sip('hall'), '--tone', 500, '--listen', 800, 500);
  await phone.event('answered');
  await phone.hears(800);
  await ada.hearsPeak(500);
  const started = await event('recording_started');
  t.equal([started.file, started.automatic, started.room], ['hall/auto.wav', true, 'hall'], 'the automatic recording');

  const { participants } = await rpc.call('participant.list', { room: 'hall' });
  const { identity } = participants.find((each) => each.identity !== 'ada');
  const { recording: alone } = await rpc.call('room.record', { room: 'hall', identity, file: 'alone.ogg' });
  t.equal([alone.status, alone.file, alone.format], ['recording', 'alone.ogg', 'ogg'], 'the answer');
  await sleep(1500);
  await rpc.call('room.record_stop', { room: 'hall', recording_id: alone.recording_id });
  const finished = await event('recording_finished', (each) => each.recording_id === alone.recording_id);
  t.equal([finished.reason, finished.participant_identity], ['stopped', identity], 'its end');
  t.ok(finished.duration > 1 && finished.size === statSync(join(files, 'alone.ogg')).size, JSON.stringify(finished));
  t.equal((await rpc.fails('room.record_stop', { room: 'hall', recording_id: alone.recording_id })).data.code, 'not_found', 'it is over');

  await phone.bye();
  await ada.call('session.leave');
  const { play_id } = await rpc.call('room.play', { room: 'hall', file: 'alone.ogg' });
  await event('play_ended', (each) => each.play_id === play_id && each.reason === 'finished');
  const auto = await event('recording_finished', (each) => each.automatic !== false && each.recording_id === started.recording_id);
  t.equal(auto.reason, 'room_empty', 'why the automatic one ended');
  const [left, right] = [middle(join(files, 'hall/auto.wav'), 0), middle(join(files, 'hall/auto.wav'), 1)];
  t.ok(level(left, 500) > -30 && level(left, 800) < -50, `left: ${level(left, 500)} and ${level(left, 800)} dB`);
  t.ok(level(right, 800) > -30 && level(right, 500) < -50, `right: ${level(right, 800)} and ${level(right, 500)} dB`);
  const { recordings } = await rpc.call('room.record_list', { room: 'hall' });
  t.equal(recordings.map((each) => each.status), ['finished', 'finished'], 'the list');
  t.ok(!existsSync(path('x')), 'nothing elsewhere');
});

test('a full disk ends a recording, not the call; names are never taken twice', { timeout: 60 }, async (t) => {
  const { gateway, rpc, event, path } = await start(t, { format: 'wav', file: '{room}' });
  const phone = SipPhone.call(t, gateway.sip('hall'), '--tone', 500);
  const other = SipPhone.call(t, gateway.sip('hall'), '--tone', 700, '--listen', 500);
  await phone.event('answered');
  await other.event('answered');
  for (const [params, code] of [[{ file: '../x' }, 'invalid_argument'], [{ file: '/tmp/x' }, 'invalid_argument'], [{ identity: 'nobody' }, 'not_found'],
    [{ room: 'none' }, 'not_found'], [{ sample_rate: 44100 }, 'invalid_argument'], [{ format: 'mp3' }, 'invalid_argument']])
    t.equal((await rpc.fails('room.record', { room: 'hall', ...params })).data.code, code, JSON.stringify(params));
  const { recording: short } = await rpc.call('room.record', { room: 'hall', max_duration: 1 });
  t.equal((await event('recording_finished')).reason, 'max_duration', 'the first ends by itself');
  const several = [];
  for (const file of ['c', 'a', 'b', 'd']) several.push((await rpc.call('room.record', { room: 'hall', file })).recording.recording_id);
  const { recordings } = await rpc.call('room.record_list', { room: 'hall' });
  t.equal(recordings.slice(1).map((each) => each.recording_id), several, 'those that go on, the newest last');
  for (const recording_id of several) await rpc.call('room.record_stop', { room: 'hall', recording_id });
  const { status, stderr } = await runProgram('prlimit', ['--pid', String(gateway.process.pid), '--fsize=50000:50000']);
  t.equal(status, 0, `prlimit: ${stderr}`);
  const { recording } = await rpc.call('room.record', { room: 'hall' });
  t.equal([short.file, recording.file], ['hall.wav', 'hall-2.wav'], 'files');
  const full = await event('recording_finished', (each) => each.recording_id === recording.recording_id);
  t.equal(full.reason, 'disk_full', JSON.stringify(full));
  t.ok(full.duration > 1 && full.size <= 50000, JSON.stringify(full));
  t.ok(level(middle(path('hall-2.wav')), 500) > -30, 'what was written can be heard');
  await other.hears(500);
  t.equal((await other.bye()).lost, 0, 'packets lost on the way to the phone');
});

test('SIGTERM finishes a recording; after a crash the file can be read', { timeout: 60 }, async (t) => {
  for (const crash of [false, true]) {
    const { gateway, rpc, path } = await start(t, { format: 'wav', file: 'last' });
    const phone = SipPhone.call(t, gateway.sip('hall'), '--tone', 500);
    await phone.event('answered');
    await rpc.call('room.record', { room: 'hall' });
    await until('more than a second of it', () => statSync(path('last.wav')).size > 1.5 * 32000, 15);
    if (!crash) {
      gateway.process.kill('SIGTERM'); // the call goes on; the second one ends it
      await gateway.line(/Draining/);
    }
    await (crash ? gateway.kill() : gateway.stop(t));
    const { size, rate } = readWav(path('last.wav'));
    if (crash) t.ok(size >= 32000, `the header speaks of ${size} bytes`);
    else t.equal(size, readFileSync(path('last.wav')).length - 44, 'the size in the header');
    t.equal(rate, 16000, 'rate');
    t.ok(level(middle(path('last.wav')), 500) > -30, 'the tone');
    if (!crash) t.ok(gateway.lines(/Recording finished.*reason=shutdown/).length === 1, 'the log says so');
  }
});

const HALL = {
  trunks: [{ name: 'all', direction: 'inbound', allowed_addresses: ['127.0.0.1/32'] }],
  dispatch_rules: [{ name: 'hall', type: 'direct', room: 'hall', record: true, room_config: { departure_timeout: 60 } }],
};

/** A phone that was let into the hall, and so would have begun a recording. */
async function visitor(t, gateway, name) {
  const phone = await RawCall.open(t, gateway, 'hall', name);
  t.equal((await phone.invite()).status, 200, name);
  return { leave: () => phone.final(phone.request('BYE')) };
}

test('an automatic recording that was stopped begins again when the room was empty, or is another one', { timeout: 60 }, async (t) => {
  const { gateway, rpc, event } = await start(t, { format: 'wav' }, HALL);
  const list = async () => (await rpc.call('room.record_list', { room: 'hall' })).recordings;
  const ada = await visitor(t, gateway, 'ada');
  const { recording_id: first } = await event('recording_started');
  await rpc.call('room.record_stop', { room: 'hall', recording_id: first });
  await event('recording_finished');
  const bob = await visitor(t, gateway, 'bob');
  await event('track_published', ({ participant_identity: identity }) => identity === 'sip_bob');
  t.equal((await list()).map(({ recording_id: id }) => id), [first], 'those who heard that it was stopped are not recorded');
  await ada.leave();
  await bob.leave();
  await until('the room is empty', async () => (await rpc.call('participant.list', { room: 'hall' })).participants.length === 0);
  const eve = await visitor(t, gateway, 'eve');
  const { recording_id: second } = await event('recording_started', ({ recording_id: id }) => id !== first);
  await eve.leave();
  await event('participant_left', ({ participant }) => participant.identity === 'sip_eve');
  await rpc.call('room.record_stop', { room: 'hall', recording_id: second }).catch(() => {}); // it may be over
  await visitor(t, gateway, 'kim');
  const { recording_id: third } = await event('recording_started', ({ recording_id: id }) => id !== first && id !== second);
  await rpc.call('room.delete', { room: 'hall' });
  await visitor(t, gateway, 'zoe'); // while the file of the room that is gone is finished
  await event('recording_started', ({ recording_id: id }) => ![first, second, third].includes(id));
  t.equal((await event('recording_finished', ({ recording_id: id }) => id === third)).reason, 'room_finished', 'the end of the other one');
});

test('a room that cannot be recorded yet is told of once, and recorded when it can be', { timeout: 90 }, async (t) => {
  const most = 1000; // recordings at the same time
  const { gateway, rpc, event } = await start(t, { format: 'wav', sample_rate: 8000, file: '{room}/{id}' }, HALL);
  await rpc.call('room.create', { name: 'other' });
  const ids = [];
  while (ids.length < most)
    ids.push(...await Promise.all(Array.from({ length: 50 }, async () => (await rpc.call('room.record', { room: 'other' })).recording.recording_id)));
  t.equal((await rpc.fails('room.record', { room: 'other' })).data.code, 'resource_exhausted', 'one more');
  await visitor(t, gateway, 'ada');
  const failed = await event('recording_finished', ({ room }) => room === 'hall');
  t.equal([failed.reason, /1000 recordings are running/.test(failed.error)], ['failed', true], JSON.stringify(failed));
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  t.ok(/^switchroom_recordings_total\{reason="failed"\} 1$/m.test(metrics), 'the metric');
  await visitor(t, gateway, 'bob');
  await rpc.call('room.record_stop', { room: 'other', recording_id: ids[0] });
  await event('recording_started', ({ room, automatic }) => room === 'hall' && automatic);
  t.equal(rpc.events.filter(({ type, room }) => type === 'recording_finished' && room === 'hall').length, 1, 'how often it was told');
});
