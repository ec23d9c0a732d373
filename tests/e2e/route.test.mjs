// Routing: calls for other hosts, bridged to those that a trunk allows.
import { test, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { peer, watched, expect, notified } from './lib/transferpeer.mjs';

const routing = (extra = {}) => ({
  trunks: [{ name: 'edge', direction: 'inbound', allowed_addresses: ['127.0.0.1'], allowed_targets: ['127.0.0.1'], ...extra }],
});

/** A caller of the gateway whose calls are for `callee`. */
async function caller(t, gateway, callee, user = 'callee') {
  const made = await peer(t, gateway.config.sip_port, user);
  made.target = `sip:${user}@127.0.0.1:${callee.port}`;
  return made;
}

async function pair(t, extra, more = {}) {
  const gateway = await Gateway.start(t, { ...routing(extra), ...more });
  const callee = await peer(t, gateway.config.sip_port, 'callee');
  return { gateway, callee, phone: await caller(t, gateway, callee) };
}

/** Both sides of a call that is answered. */
async function bridged(t, { callee, phone }, headers) {
  const answered = phone.call(headers).catch((error) => ({ error }));
  const invite = await expect(callee, 'INVITE');
  callee.accept(invite);
  t.equal((await answered).status, 200, 'answer to the caller');
  return invite;
}

/** `phone` is asked to hang up. */
async function ends(phone) {
  const bye = await expect(phone, 'BYE');
  phone.answer(bye, '200 OK');
  phone.remoteTag = null;
  return bye;
}

test('a call for another host is bridged: ringing, answer, one hop less, digits, hold and the end', {}, async (t) => {
  const { gateway, callee, phone } = await pair(t);
  const answered = phone.call(['X-Account: 42', 'P-Asserted-Identity: <sip:boss@example.com>']).catch((error) => ({ error }));
  const invite = await expect(callee, 'INVITE');
  t.equal(invite.start, `INVITE sip:callee@127.0.0.1:${callee.port} SIP/2.0`, 'Request-URI');
  t.equal([invite.get('max-forwards'), invite.get('x-account'), invite.get('p-asserted-identity')], ['69', '42', undefined],
    'hops left, a header of the caller, no assertion of another');
  t.ok(/<sip:boss@127\.0\.0\.1[:>]/.test(invite.get('from')), `From, of a trunk that is believed: ${invite.get('from')}`);
  t.ok(invite.get('call-id') !== phone.callId, 'the same Call-ID on both sides');
  callee.answer(invite, '180 Ringing');
  await until('the caller hears of the ringing', () => phone.provisional.some((each) => each.status === 180));
  t.equal(phone.provisional.map((each) => each.status).filter((status) => status > 100), [180], 'provisional answers');
  const [, events] = /a=rtpmap:(\d+) telephone-event\/8000/.exec(invite.body);
  const description = callee.sdp.replace('RTP/AVP 0', `RTP/AVP 0 ${events}`) + `a=rtpmap:${events} telephone-event/8000\r\n`;
  callee.answer(invite, '200 OK', [], description);
  t.equal((await answered).status, 200, 'answer to the caller');
  await until('both are sent audio', () => phone.rtp.length > 0 && callee.rtp.length > 0);

  await phone.request('INFO', [], 'Signal=5\r\nDuration=160\r\n', 'application/dtmf-relay');
  await until('the callee gets the digit', () =>
    callee.rtp.some(({ data }) => (data[1] & 0x7f) === Number(events) && data[12] === 5));
  const held = await phone.request('INVITE', [], `${phone.sdp}a=sendonly\r\n`);
  t.ok(held.status === 200 && /a=recvonly/.test(held.body), `hold: ${held.start}`);
  const resumed = await callee.request('INVITE', [], description);
  t.equal(resumed.status, 200, 're-INVITE of the callee');

  await phone.hangUp();
  phone.remoteTag = null;
  t.equal((await ends(callee)).get('reason'), 'Q.850;cause=16;text="Other side hung up"', 'Reason');
  await gateway.line(/Routing the call .*maxForwards=69/);
});

test('a bridge carries audio both ways, and early media', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, routing());
  const rpc = await watched(t, gateway, '*');
  const callee = await SipPhone.answer(t, '--never', '--early', '--tone', 600, '--answer-tone', 900, '--listen', 700);
  const phone = SipPhone.call(t, `sip:bob@127.0.0.1:${callee.port}`, '--proxy', `127.0.0.1:${gateway.config.sip_port}`,
    '--tone', 700, '--listen', 600, 900);
  await phone.hears(600);
  t.ok(!phone.events.some((each) => each.event === 'answered'), 'answered before the callee was');
  callee.command('answer');
  await phone.hears(900);
  await callee.hears(700);
  const { calls } = await rpc.call('call.list', {});
  t.equal(calls.map((call) => [call.direction, call.status]).sort(), [['inbound', 'active'], ['outbound', 'active']], 'calls');
  const report = await callee.bye();
  t.equal(report.by, 'local', 'who hung up');
  t.equal((await phone.event('ended')).by, 'remote', 'the caller is hung up');
  await until('the room is gone', async () => (await rpc.call('room.list')).rooms.length === 0);
});

test('the callee\'s final answer is the caller\'s, but for those that are about us', {}, async (t) => {
  const { gateway, callee, phone } = await pair(t);
  for (const [said, heard] of [
    ['486 Busy Here', 486], ['404 Not Found', 404], ['603 Decline', 603], ['480 Temporarily Unavailable', 480],
    ['488 Not Acceptable Here', 488], ['500 Server Internal Error', 500], ['503 Service Unavailable', 500],
    ['407 Proxy Authentication Required', 403], ['302 Moved Temporarily', 480],
  ]) {
    const answered = phone.call().catch((error) => ({ error }));
    const more = said.startsWith('486') ? ['Reason: Q.850;cause=17;text="User busy"'] : said.startsWith('407') ? ['Proxy-Authenticate: Digest realm="r", nonce="n"'] : [];
    callee.answer(await expect(callee, 'INVITE'), said, more);
    if (said.startsWith('302')) { // followed to a target that is allowed, once: the Contact of the peer itself
      const again = await expect(callee, 'INVITE');
      t.ok(again.start.includes('sip:peer@127.0.0.1'), again.start);
      callee.answer(again, said);
    }
    if (said.startsWith('488')) { // once more, for a callee that takes encryption only
      const again = await expect(callee, 'INVITE');
      t.ok(/RTP\/SAVP/.test(again.body), again.body);
      callee.answer(again, said);
    }
    const told = await answered;
    t.equal(told.status, heard, said);
    if (heard === 486) t.equal(told.get('reason'), 'Q.850;cause=17;text="User busy"', 'Reason');
    Object.assign(callee, { tag: undefined, highest: 0 });
    Object.assign(phone, { target: `sip:callee@127.0.0.1:${callee.port}`, remoteTag: undefined });
  }
  const line = await gateway.line(/Hangup .*cause=callee_not_reached/);
  t.ok(/status=486/.test(line), line);
});

test('a routed call for whose second half there is no room is 503 with Retry-After', {}, async (t) => {
  const { phone } = await pair(t, {}, { limits: { max_calls: 1 } });
  const told = await phone.call().catch((error) => ({ error }));
  t.equal([told.status, told.get('retry-after'), told.get('reason')], [503, '5', 'Q.850;cause=42;text="Limit reached"'], 'refusal');
});

test('CANCEL of the caller cancels the callee; a callee that hangs up ends the caller', {}, async (t) => {
  const { callee, phone } = await pair(t);
  Object.assign(phone, { local: `sip:peer@127.0.0.1:${phone.port}`, remote: phone.target, tag: 'a', callId: 'cancelled@test', cseq: 1 });
  phone.write(`${phone.head('INVITE', 1, 'z9hG4bKcancelled')}Content-Type: application/sdp\r\nContent-Length: ${phone.sdp.length}\r\n\r\n${phone.sdp}`);
  const invite = await expect(callee, 'INVITE');
  callee.answer(invite, '180 Ringing');
  await until('the caller hears of the ringing', () => phone.provisional.some((each) => each.status === 180));
  phone.write(`${phone.head('CANCEL', 1, 'z9hG4bKcancelled')}Reason: SIP;cause=200;text="Call completed elsewhere"\r\nContent-Length: 0\r\n\r\n`);
  const cancel = await expect(callee, 'CANCEL');
  t.ok(/cause=200/.test(cancel.get('reason')), `Reason: ${cancel.get('reason')}`);
  callee.answer(cancel, '200 OK');
  callee.answer(invite, '487 Request Terminated');
  t.equal((await phone.answerTo('INVITE')).status, 487, 'the caller\'s INVITE');

  Object.assign(callee, { tag: undefined, highest: 0 });
  Object.assign(phone, { remoteTag: undefined, cseq: 0 });
  await bridged(t, { callee, phone });
  await callee.hangUp();
  callee.remoteTag = null;
  await ends(phone);
});

test('a gateway that stops tells the callers of calls that ring, whichever half it ends first', { timeout: 60 }, async (t) => {
  const { gateway, callee, phone } = await pair(t);
  const others = [];
  for (let i = 0; i < 7; i++) others.push(await peer(t, gateway.config.sip_port, 'callee'));
  const callers = [phone, ...others.map((each) => Object.assign(each, { target: phone.target }))];
  const answers = [];
  for (const each of callers) {
    answers.push(each.call().catch((error) => ({ error })));
    Object.assign(callee, { tag: undefined, highest: 0 });
    callee.answer(await expect(callee, 'INVITE'), '180 Ringing');
    await until('the caller hears of the ringing', () => each.provisional.some(({ status }) => status === 180));
  }
  for (let i = 0; i < 2; i++) { // the second one ends the calls
    gateway.process.kill('SIGTERM');
    if (i === 0) await gateway.line(/Draining/);
  }
  for (const answer of await Promise.all(answers))
    t.equal([answer.status, answer.get?.('reason')], [480, 'Q.850;cause=38;text="Gateway stopped"'], 'the answer to a caller');
  await until('all are told to have ended', () => gateway.lines(/Hangup .*cause=/).length === 16);
  t.equal(gateway.lines(/Hangup .*cause=(?!server_shutdown)/), [], 'other causes');
});

test('CANCEL of the caller crosses the answer of the callee: both calls end, once', {}, async (t) => {
  const { gateway, callee } = await pair(t);
  const rpc = await watched(t, gateway, '*');
  for (let round = 0; round < 8; round++) {
    const phone = await caller(t, gateway, callee);
    Object.assign(phone, { local: `sip:peer@127.0.0.1:${phone.port}`, remote: phone.target, tag: 'a', callId: `crossing-${round}@test`, cseq: 1 });
    const branch = `z9hG4bKcrossing${round}`;
    phone.write(`${phone.head('INVITE', 1, branch)}Content-Type: application/sdp\r\nContent-Length: ${phone.sdp.length}\r\n\r\n${phone.sdp}`);
    const invite = await expect(callee, 'INVITE');
    const cancel = () => phone.write(`${phone.head('CANCEL', 1, branch)}Content-Length: 0\r\n\r\n`);
    if (round % 2) cancel();
    callee.accept(invite);
    if (!(round % 2)) cancel();
    const final = await phone.answerTo('INVITE');
    t.ok([200, 487].includes(final.status), `the caller gets ${final.status}`);
    if (final.status === 200) {
      phone.remoteTag = /tag=([^;]+)/.exec(final.get('to'))[1];
      phone.target = /<([^>]+)>/.exec(final.get('contact'))[1];
      phone.write(`${phone.head('ACK', 1)}Content-Length: 0\r\n\r\n`);
      await phone.hangUp();
      phone.remoteTag = null;
    }
    await ends(callee);
    Object.assign(callee, { tag: undefined, highest: 0 });
  }
  await until('no call is left', async () => (await rpc.call('call.list')).calls.length === 0);
  const left = rpc.events.filter((event) => event.type === 'participant_left');
  t.equal([left.length, new Set(left.map((event) => event.participant.sid)).size], [16, 16], 'who left, how often');
});

test('a routed call that nobody takes ends after ringing_timeout of the trunk: 408', {}, async (t) => {
  const { callee, phone } = await pair(t, { ringing_timeout: 1 });
  const answered = phone.call().catch((error) => ({ error }));
  const invite = await expect(callee, 'INVITE');
  callee.answer(invite, '180 Ringing');
  callee.answer(await expect(callee, 'CANCEL'), '200 OK');
  callee.answer(invite, '487 Request Terminated');
  t.equal((await answered).status, 408, 'the caller');
});

test('only targets that the trunk allows: others get their answer at once, and nothing is sent there', {}, async (t) => {
  const gateway = await Gateway.start(t, {
    trunks: [
      { name: 'edge', direction: 'inbound', allowed_addresses: ['127.0.0.1'], numbers: ['100', '200'],
        allowed_targets: ['127.0.0.1:9', '*.example.com'] },
      { name: 'rooms', direction: 'inbound', allowed_addresses: ['127.0.0.1'], numbers: ['300'] },
    ],
  });
  const callee = await peer(t, gateway.config.sip_port, 'callee');
  const status = async (user, headers = []) => {
    const phone = await caller(t, gateway, callee, user);
    const answer = await phone.call(headers);
    if (answer.status === 200) await phone.hangUp();
    phone.remoteTag = null;
    return answer.status;
  };
  t.equal(await status('100'), 403, 'a host that is not listed');
  t.equal(await status('300'), 200, 'a trunk without targets takes every host for itself');
  t.equal(await status('400'), 404, 'a number that no trunk serves');
  t.equal(await callee.next(0.3), null, 'a message at the host that was called');
  await gateway.line(/Call refused .*allowed_targets/);
  await gateway.line(/Participant joined .*room=300/);
});

test('a routed call shows who calls as the trunk believes it, and nobody where the caller wants that', {}, async (t) => {
  const { callee, phone } = await pair(t, { trust_id_inbound: true, from_host: 'edge.example.com' });
  for (const [headers, from, privacy] of [
    [[], /<sip:peer@edge\.example\.com>/, undefined],
    [['P-Asserted-Identity: "Boss" <sip:+15550177@example.com>'], /"Boss" <sip:\+15550177@edge\.example\.com>/, undefined],
    [['P-Asserted-Identity: "Boss" <sip:+15550177@example.com>', 'Privacy: id', 'X-Note: hello'], /<sip:anonymous@anonymous\.invalid>/, 'id'],
  ]) {
    const answered = phone.call(headers).catch((error) => ({ error }));
    const invite = await expect(callee, 'INVITE');
    t.ok(from.test(invite.get('from')), `From: ${invite.get('from')}`);
    t.equal([invite.get('privacy'), invite.get('p-asserted-identity')], [privacy, undefined], 'Privacy, P-Asserted-Identity');
    if (privacy) t.ok(!JSON.stringify(invite.headers).includes('15550177'), 'the number is told');
    callee.answer(invite, '486 Busy Here');
    t.equal((await answered).status, 486, 'the answer');
    Object.assign(callee, { tag: undefined, highest: 0 });
    Object.assign(phone, { target: `sip:callee@127.0.0.1:${callee.port}`, remoteTag: undefined });
  }
});

test('a routed call that comes back to us is 482, however often it is passed around', {}, async (t) => {
  const { gateway, callee, phone } = await pair(t);
  const answered = phone.call().catch((error) => ({ error }));
  const invite = await expect(callee, 'INVITE');
  const lines = Object.entries(invite.headers).filter(([name]) => !['via', 'max-forwards'].includes(name));
  const spiral = await peer(t, gateway.config.sip_port, 'callee');
  const text = [invite.start, `Via: SIP/2.0/UDP 127.0.0.1:${spiral.port};branch=z9hG4bKspiral`, ...invite.headers.via.map((via) => `Via: ${via}`),
    'Max-Forwards: 68', ...lines.flatMap(([name, values]) => values.map((value) => `${name}: ${value}`))].join('\r\n');
  spiral.write(`${text}\r\n\r\n${invite.body}`);
  const refused = await spiral.answerTo('INVITE');
  t.equal(refused.status, 482, 'the INVITE that came back');
  await gateway.line(/Call refused .*status=482/);
  callee.answer(invite, '482 Loop Detected');
  t.equal((await answered).status, 482, 'what the caller hears');
});

test('a transfer out of a bridge leaves the two others in it', { timeout: 60 }, async (t) => {
  const { gateway, callee, phone } = await pair(t, { allow_transfer: 'trunk', outbound_address: '[::1]:9', direction: undefined });
  await bridged(t, { callee, phone });
  const refused = await phone.request('REFER', ['Refer-To: <sip:x@192.0.2.1>']);
  t.equal(refused.status, 403, 'a target that is not allowed');
  const third = await peer(t, gateway.config.sip_port, 'third');
  t.equal((await callee.request('REFER', [`Refer-To: <sip:x@127.0.0.1:${third.port}>`])).status, 403, 'REFER of the callee, who came by no trunk');
  await gateway.line(/Transfer refused/);
  await phone.hangUp();
  phone.remoteTag = null;
  await ends(callee);

  const open = await pair(t, { allow_transfer: 'any', outbound_address: '[::1]:9', direction: undefined });
  await bridged(t, open);
  const target = await peer(t, open.gateway.config.sip_port, 'target');
  t.equal((await open.phone.request('REFER', [`Refer-To: <sip:target@127.0.0.1:${target.port}>`])).status, 202, 'REFER of the caller');
  const toTarget = await expect(target, 'INVITE');
  target.accept(toTarget);
  t.equal((await notified(open.phone)).at(-1), 'SIP/2.0 200 OK', 'last NOTIFY');
  await ends(open.phone);
  const before = open.callee.rtp.length;
  await until('the callee goes on', () => open.callee.rtp.length > before + 10);
  await target.hangUp();
  target.remoteTag = null;
  await ends(open.callee);
});

test('allowed_targets by the API: no open relay, and a trunk that routes at once', {}, async (t) => {
  const gateway = await Gateway.start(t, { trunks: [{ name: 'other', direction: 'inbound', numbers: ['100'], allowed_addresses: ['192.0.2.1'] }] });
  const rpc = await watched(t, gateway);
  const make = (fields) => rpc.call('trunk.create', { name: 'edge', direction: 'inbound', ...fields }).catch((error) => error);
  const open = await make({ numbers: ['callee'], allowed_targets: ['127.0.0.1'] });
  t.equal(open.data?.code, 'invalid_argument', open.message);
  t.ok(/open relay/.test(open.message), open.message);
  const made = await make({ allowed_addresses: ['127.0.0.1'], allowed_targets: ['127.0.0.1'] });
  t.ok(made.trunk, JSON.stringify(made.message ?? made));
  const callee = await peer(t, gateway.config.sip_port, 'callee');
  const phone = await caller(t, gateway, callee);
  await bridged(t, { callee, phone });
  await phone.hangUp();
  phone.remoteTag = null;
  await ends(callee);
});
