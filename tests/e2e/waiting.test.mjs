// What a caller hears before an answer, how long it may take, and how many calls there may be.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, until } from './lib/tap.mjs';
import { writeTone } from './lib/audio.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { RawCall } from './lib/rawsip.mjs';
import { peer, watched, expect, waitFor } from './lib/transferpeer.mjs';

const waiting = (rule, trunk = {}) => ({
  trunks: [{ name: 'in', direction: 'inbound', allowed_addresses: ['127.0.0.1'], ...trunk }],
  dispatch_rules: [{ name: 'desk', type: 'direct', room: 'desk', answer: 'on_participant', ...rule }],
});

/** The tone of ringing, once: it comes and goes. */
const rings = (phone) => until('the caller hears ringing', () =>
  phone.events.some((each) => each.event === 'heard' && each.levels['425'] > -40));

test('early_media: a waiting caller hears ringing, nobody hears him, and the next caller does not answer him', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, waiting({ early_media: true, ringing_timeout: 60 }));
  const rpc = await watched(t, gateway, 'desk');
  const first = SipPhone.call(t, gateway.sip('100'), '--user', 'first', '--tone', 700, '--listen', 425, 900);
  const second = SipPhone.call(t, gateway.sip('100'), '--user', 'second', '--tone', 900, '--listen', 425, 700);
  await rings(first);
  await rings(second);
  await until('both are in the room, ringing', async () => {
    const { participants } = await rpc.call('participant.list', { room: 'desk' });
    return participants.length === 2 && participants.every((each) => each.attributes['sip.callStatus'] === 'ringing');
  });
  t.ok(!first.events.some((each) => each.event === 'answered'), 'answered with nobody there');
  for (const [phone, hz] of [[first, 900], [second, 700]]) {
    const levels = phone.levels(hz);
    t.ok(levels.length > 0 && levels.every((level) => level < -50), `two waiting callers hear each other: ${levels}`);
  }
  const agent = await SipPhone.answer(t, '--ring', 0.2, '--tone', 0, '--listen', 700);
  await rpc.call('participant.create', { room_name: 'desk', participant_identity: 'agent',
    sip_call_to: `sip:agent@127.0.0.1:${agent.port}` });
  await first.event('answered');
  await second.event('answered');
  await agent.hears(700);
  await first.hears(900);
  await until('the ringing is over', () => first.lastLevels()['425'] < -50);
});

test('early_media with an announcement: a waiting caller hears the file, and 480 when nobody comes', {}, async (t) => {
  const files = mkdtempSync(join(tmpdir(), 'switchroom-waiting-'));
  t.after(() => rmSync(files, { recursive: true }));
  writeTone(join(files, 'wait.wav'), 1200, 1);
  const gateway = await Gateway.start(t, { ...waiting({ early_media: true, announcement: 'wait.wav', ringing_timeout: 4 }), media: { files } });
  const phone = SipPhone.call(t, gateway.sip('100'), '--listen', 1200);
  await until('the caller hears the file', () => phone.levels(1200).some((level) => level > -30));
  const ended = await phone.event('ended');
  t.equal(ended.by, 'rejected', 'the end');
  await gateway.line(/Hangup .*cause=nobody_came/);
});

test('ringing_timeout of a rule: nobody came, 480; a phone that is being called is nobody yet', {}, async (t) => {
  const gateway = await Gateway.start(t, waiting({ ringing_timeout: 2 }));
  const rpc = await watched(t, gateway, 'desk');
  const silent = await peer(t, gateway.config.sip_port, 'silent');
  await rpc.call('participant.create', { room_name: 'desk', participant_identity: 'agent', sip_call_to: `sip:agent@127.0.0.1:${silent.port}` });
  const invite = await expect(silent, 'INVITE');
  silent.answer(invite, '180 Ringing');
  const phone = await peer(t, gateway.config.sip_port, '100');
  const refused = await phone.call();
  t.equal(refused.status, 480, 'nobody came');
  t.ok(phone.provisional.some((each) => each.status === 180), 'no 180 before');
  await gateway.line(/Hangup .*cause=nobody_came/);
  silent.answer(invite, '486 Busy Here');
  silent.remoteTag = null;
  await until('no call is left', async () => (await rpc.call('call.list')).calls.length === 0);
});

test('a waiting caller with early media is held by UPDATE, and by nothing when its phone takes none', {}, async (t) => {
  const gateway = await Gateway.start(t, waiting({ early_media: true }));
  const rpc = await watched(t, gateway, 'desk');
  const ring = async (allow) => {
    const phone = await peer(t, gateway.config.sip_port, '100');
    Object.assign(phone, { local: `sip:peer@127.0.0.1:${phone.port}`, remote: `sip:100@127.0.0.1:${gateway.config.sip_port}`,
      tag: `t${phone.port}`, callId: `early-${phone.port}@test`, cseq: 1 });
    phone.write(`${phone.head('INVITE', 1)}Supported: 100rel\r\nAllow: ${allow}\r\nContent-Type: application/sdp\r\n`
      + `Content-Length: ${phone.sdp.length}\r\n\r\n${phone.sdp}`);
    const progress = await until('a reliable 183', () => phone.provisional.find((each) => each.status === 183 && each.get('rseq')));
    phone.remoteTag = /tag=([^;]+)/.exec(progress.get('to'))[1];
    phone.target = /<([^>]+)>/.exec(progress.get('contact'))[1];
    t.equal((await phone.request('PRACK', [`RAck: ${progress.get('rseq')} 1 INVITE`])).status, 200, 'PRACK');
    return phone;
  };
  const phone = await ring('INVITE, ACK, BYE, CANCEL, PRACK, UPDATE');
  const [{ identity }] = (await rpc.call('participant.list', { room: 'desk' })).participants;
  for (const [held, ours, theirs] of [[true, 'sendonly', 'recvonly'], [false, 'sendrecv', 'sendrecv']]) {
    const done = rpc.call('participant.hold', { room: 'desk', identity, held }).catch((error) => error);
    const update = await expect(phone, 'UPDATE');
    phone.answer(update, '200 OK', [], `${phone.sdp}a=${theirs}\r\n`);
    t.equal(/a=(send\w+)/.exec(update.body)?.[1], ours, 'our direction');
    t.equal((await done).participant?.attributes['sip.hold'], held ? 'local' : 'none', 'sip.hold');
  }
  const plain = await ring('INVITE, ACK, BYE, CANCEL, PRACK');
  const other = (await rpc.call('participant.list', { room: 'desk' })).participants.find((each) => each.identity !== identity);
  const refused = await rpc.fails('participant.hold', { room: 'desk', identity: other.identity, held: true });
  t.equal(refused.data.code, 'failed_precondition', refused.message);
  await rpc.call('room.delete', { name: 'desk' });
  for (const each of [phone, plain]) {
    const end = await each.answerTo('INVITE');
    t.equal([end.status, end.get('reason')], [480, 'Q.850;cause=16;text="Room deleted"'], 'the end');
    each.remoteTag = null;
  }
});

test('max_call_duration of a trunk ends calls both ways', {}, async (t) => {
  const target = await peer(t, 0, 'target');
  const gateway = await Gateway.start(t, {
    trunks: [{ name: 'pbx', allowed_addresses: ['127.0.0.1'], outbound_address: `127.0.0.1:${target.port}`, max_call_duration: 2 }],
    dispatch_rules: [{ type: 'direct', room: 'desk' }],
  });
  target.gatewayPort = gateway.config.sip_port;
  const rpc = await watched(t, gateway, 'desk');
  const phone = await peer(t, gateway.config.sip_port, '100');
  const answered = phone.call();
  await rpc.call('participant.create', { sip_trunk_id: 'pbx', sip_call_to: '100', room_name: 'desk', participant_identity: 'callee' });
  target.accept(await expect(target, 'INVITE'));
  t.equal((await answered).status, 200, 'the call that comes in');
  for (const each of [phone, target]) {
    const bye = await expect(each, 'BYE');
    t.equal(bye.get('reason'), 'Q.850;cause=31;text="Maximum duration reached"', 'Reason');
    each.answer(bye, '200 OK');
    each.remoteTag = null;
  }
  const left = await waitFor(rpc, 'participant_left', (event) => event.participant.identity === 'callee');
  t.equal([left.reason, left.disconnect_reason], ['max_call_duration', 'PARTICIPANT_REMOVED'], 'participant_left');
});

test('media.timeout_initial: a call whose media never comes is hung up with its own cause', {}, async (t) => {
  const gateway = await Gateway.start(t, { media: { timeout_initial: '1s' } });
  const rpc = await watched(t, gateway, 'lobby');
  const phone = await peer(t, gateway.config.sip_port, 'lobby');
  await phone.call();
  const bye = await expect(phone, 'BYE');
  phone.answer(bye, '200 OK');
  phone.remoteTag = null;
  t.equal(bye.get('reason'), 'SIP;cause=408;text="Media timeout"', 'Reason');
  const left = await waitFor(rpc, 'participant_left', () => true);
  t.equal([left.reason, left.disconnect_reason], ['media_timeout', 'MEDIA_FAILURE'], 'participant_left');
  await gateway.line(/No media from the peer, hanging up .*initial=true/);
});

test('max_calls of a trunk is 503 with Retry-After, of a rule 486; both are counted', {}, async (t) => {
  const silent = await peer(t, 0, 'silent');
  const gateway = await Gateway.start(t, {
    trunks: [
      { name: 'small', direction: 'inbound', allowed_addresses: ['127.0.0.1'], numbers: ['100', '200'], max_calls: 2 },
      { name: 'out', outbound_address: `127.0.0.1:${silent.port}`, max_calls: 1 },
    ],
    dispatch_rules: [
      { name: 'one', type: 'direct', room: 'one', numbers: ['100'], max_calls: 1 },
      { name: 'rest', type: 'direct', room: 'rest' },
    ],
  });
  silent.gatewayPort = gateway.config.sip_port;
  const rpc = await watched(t, gateway, 'one');
  const call = async (number) => {
    const phone = await RawCall.open(t, gateway, number);
    return { phone, answer: await phone.invite() };
  };
  const first = await call('100');
  t.equal(first.answer.status, 200, 'the first');
  t.equal((await call('100')).answer.status, 486, 'the rule is busy');
  const third = await call('200');
  t.equal(third.answer.status, 200, 'another rule');
  const fourth = await call('200');
  t.equal([fourth.answer.status, fourth.answer.headers['retry-after'] !== undefined], [503, true], 'the trunk is full');
  const out = (number) => rpc.call('participant.create', { sip_trunk_id: 'out', room_name: 'one', sip_call_to: number });
  await out('1');
  const error = await out('2').catch((each) => each);
  t.equal(error.data?.code, 'resource_exhausted', error.message);
  silent.answer(await expect(silent, 'INVITE'), '486 Busy Here');
  silent.remoteTag = null;
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
  t.equal([.../calls_over_limit_total\{limit="(trunk|rule)"\} (\d+)/g[Symbol.matchAll](metrics)].map((m) => `${m[1]} ${m[2]}`),
    ['trunk 2', 'rule 1'], 'counters');
  await gateway.line(/Call refused .*status=486 .*max_calls \(1\) of dispatch rule/);
  first.phone.request('BYE');
  third.phone.request('BYE');
  await until('a place is free', async () => (await rpc.call('call.list')).calls.filter((each) => each.direction === 'inbound').length === 0);
  const again = await call('100');
  t.equal(again.answer.status, 200, 'once the first is over');
  await again.phone.final(again.phone.request('BYE'));
});
