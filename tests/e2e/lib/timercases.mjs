// Every row of the session timer's table (RFC 4028), against a scripted peer. A case gives what it observed, line
// by line; "@9" in what is expected is a time in seconds since the session was refreshed last.
//
// The interval is 18 s: half is 9, a late peer is helped at 9 + 18/18 = 10, the end is 18 - 18/3 = 12.
import { timerOf } from './sippeer.mjs';
import { sleep, until } from './tap.mjs';

const SUPPORTED = 'Supported: timer';
const UPDATE = 'Allow: INVITE, ACK, BYE, CANCEL, UPDATE';
const se = (value) => `Session-Expires: ${value}`;
const UAC = [SUPPORTED, 'Require: timer', se('18;refresher=uac')];
const UAS = [SUPPORTED, 'Require: timer', se('18;refresher=uas')];
const asUac = [SUPPORTED, se('18;refresher=uac')];
const asUas = [SUPPORTED, se('18;refresher=uas')];

const OFFER_UAC = '18;refresher=uac min 3';
const OFFER_UAS = '18;refresher=uas min 3';
const OK_UAC = '200 18;refresher=uac required';
const OK_UAS = '200 18;refresher=uas required';

/** What came, or that nothing did. */
const see = (peer, message, extra = '') => message
  ? `${message.method}@${peer.seconds(message).toFixed(2)}${message.method === 'BYE' ? ` ${/cause=\d+/.exec(message.get('reason') ?? 'no reason')?.[0]}` : ` ${timerOf(message)}`}${extra}${message.outOfOrder ? ' CSeq not above the last' : ''}`
  : 'nothing';
const said = (answer) => `${answer.status} ${timerOf(answer)}`;

/** The gateway's refresh, with what must not change: the description and one more in CSeq. */
async function refresh(peer, number, seconds = 20) {
  const message = await peer.next(seconds);
  const cseq = number + (peer.offset ?? 0); // a call of ours begins with a CSeq of its own
  if (!message) return [message, 'nothing'];
  const wrong = message.method === 'INVITE' && message.body !== peer.ours ? ' with other SDP'
    : message.method === 'UPDATE' && message.body ? ' with SDP' : '';
  return [message, see(peer, message, `${message.cseq === cseq ? '' : ` CSeq ${message.cseq}, not ${cseq}`}${wrong}`)];
}

async function ending(peer, seconds = 20) {
  const message = await peer.next(seconds);
  if (message) peer.answer(message, '200 OK');
  return see(peer, message);
}

/** The gateway calls: gives its INVITE, not answered yet. */
async function dialled(peer, { rpc, room }, extra = {}) {
  await rpc.call('participant.create', {
    trunk: { hostname: `127.0.0.1:${peer.port}`, transport: 'udp', ...extra }, sip_call_to: 'carrier', room_name: room, ringing_timeout: 20,
  });
  const invite = await peer.next(30);
  peer.offset = invite.cseq - 1;
  peer.ours = invite.body;
  return invite;
}

const inbound = (headers, then = async () => []) => async (peer, context) => {
  const answer = await peer.call(headers);
  return [said(answer), ...(await then(peer, context))];
};

const outbound = (headers, then = async () => []) => async (peer, context) => {
  const invite = await dialled(peer, context);
  peer.accept(invite, headers);
  return [timerOf(invite), ...(await then(peer, context))];
};
const DIALS = OFFER_UAC;

const quiet = (seconds) => async (peer) => {
  const message = await peer.next(seconds);
  if (!message) await peer.hangUp();
  return [see(peer, message)];
};

/** Two refreshes that are answered, then the peer hangs up. */
const twice = (headers, first = 2) => async (peer) => {
  const lines = [];
  for (const cseq of [first, first + 1]) {
    const [message, line] = await refresh(peer, cseq);
    lines.push(line);
    if (message) peer.accept(message, headers);
  }
  await sleep(300);
  await peer.hangUp();
  return lines;
};

/** The refresh gets `status`, and so does what comes after it until the BYE. */
const refusing = (start, headers = []) => async (peer) => {
  const lines = [];
  for (let cseq = 2; cseq < 8; cseq++) {
    const message = await peer.next(20);
    lines.push(see(peer, message));
    if (!message) break;
    peer.answer(message, message.method === 'BYE' ? '200 OK' : start, message.method === 'BYE' ? [] : headers);
    if (message.method === 'BYE') break;
  }
  return lines;
};

/** The refresh gets one refusal, the next attempt a 200. */
const once = (start, headers, accept = UAC) => async (peer) => {
  const [message, line] = await refresh(peer, 2);
  if (message) peer.answer(message, start, headers);
  const [again, second] = await refresh(peer, 3);
  if (again) peer.accept(again, accept);
  await sleep(200);
  await peer.hangUp();
  return [line, second];
};

async function ours(peer, method, headers, sdp = null) {
  const answer = await peer.request(method, headers, sdp);
  if (answer.status < 300) peer.mark();
  return `${method} got ${said(answer)}`;
}

const late = async (peer) => {
  const [message, line] = await refresh(peer, 2);
  if (message) peer.accept(message, UAS);
  const [again, second] = await refresh(peer, 3);
  if (again) peer.accept(again, UAS);
  await peer.hangUp();
  return [line, second];
};

async function glare(peer) {
  const [message, line] = await refresh(peer, 2);
  const answer = await peer.request('INVITE', asUas, peer.sdp);
  peer.accept(message, UAC);
  await sleep(200);
  const after = await ours(peer, 'INVITE', asUas, peer.sdp);
  await peer.hangUp();
  return [line, `INVITE got ${answer.status}`, after];
}

async function media(peer, { rpc, room, slack }) {
  const answer = await peer.call([...asUas]);
  await sleep(2000); // what joining told
  const before = rpc.events.length;
  const [message, line] = await refresh(peer, 2);
  peer.version = 7; // a peer that counts its o= line up although nothing changed
  peer.accept(message, UAC);
  await sleep(1500);
  const packets = peer.rtp.filter(({ data }) => (data[1] & 0x7f) < 64).map(({ at, data }) => ({ at, seq: data.readUInt16BE(2), ssrc: data.readUInt32BE(8) }));
  let [lost, gap] = [0, 0];
  for (let i = 1; i < packets.length; i++) {
    lost += ((packets[i].seq - packets[i - 1].seq) & 0xffff) - 1;
    gap = Math.max(gap, packets[i].at - packets[i - 1].at);
  }
  const types = rpc.events.slice(before).filter((event) => event.room === room).map((event) => event.type);
  const said_ = rpc.events.filter((event) => event.room === room && event.type === 'session_timer').map((event) => event.event);
  const call = (await rpc.call('call.list')).calls.find((each) => each.room_name === room);
  const { session_timer: timer } = (await rpc.call('call.get', { sip_call_id: call.sip_call_id })).call;
  await peer.hangUp();
  return [said(answer), line, `${packets.length > 400 ? 'media' : `${packets.length} packets`}, ${lost} lost, ${new Set(packets.map((packet) => packet.ssrc)).size} SSRC, ${gap < 2 + slack() ? 'no gap' : `gap ${gap.toFixed(2)} s`}`,
    `events ${[...new Set(types.filter((type) => type !== 'active_speakers'))]}: ${said_}`,
    `call.get ${timer.session_expires} ${timer.min_se} ${timer.we_are_refresher} ${timer.method} ${timer.next_refresh_at ? 'next' : ''} ${timer.last.method} ${timer.last.by} ${timer.last.result}`];
}

/** 422, 501 or 420 to the first INVITE, then a 200 to what comes next. */
const redialled = (start, headers, accept) => async (peer, context) => {
  const first = await dialled(peer, context);
  peer.answer(first, start, headers);
  peer.remoteTag = undefined; // no dialog came of it
  const second = await peer.next(30);
  const same = second?.get('call-id') === first.get('call-id') && second?.get('from') === first.get('from') ? '' : ' in another dialog';
  peer.tag = undefined;
  peer.accept(second, accept);
  const lines = [timerOf(first), `${second.method} ${timerOf(second)}${second.cseq === first.cseq + 1 ? '' : ' wrong CSeq'}${same}`];
  await until('the call is active', async () => (await context.rpc.call('call.list')).calls.some((call) => call.room_name === context.room && call.status === 'active'));
  if (accept.length) return [...lines, ...(await quietUntilRefresh(peer, 3))];
  return [...lines, ...(await quiet(13)(peer))];
};

async function quietUntilRefresh(peer, cseq) {
  const [message, line] = await refresh(peer, cseq);
  if (message) peer.accept(message, [SUPPORTED, message.headers['session-expires'].map(se)[0]]);
  await peer.hangUp();
  return [line];
}

/** The refresh gets a challenge, and comes again with credentials. */
const challenged = (status, challenge, credentials) => async (peer, context) => {
  const invite = await dialled(peer, context, { auth_username: 'us', auth_password: 'of no value' });
  peer.accept(invite, UAC);
  const [message, line] = await refresh(peer, 2);
  if (message) peer.answer(message, `${status} Who`, [`${challenge}: Digest realm="carrier", nonce="n", qop="auth", algorithm=MD5`]);
  const [again, second] = await refresh(peer, 3);
  if (again) peer.accept(again, UAC);
  await peer.hangUp();
  return [timerOf(invite), line, second, /username="us".*response="[0-9a-f]{32}"/.test(again?.get(credentials) ?? '') ? 'with credentials' : 'without credentials'];
};

const hanging = (lines) => async (peer, context) => {
  const result = await lines(peer, context);
  await peer.hangUp();
  return result;
};

/** SignalWire: refreshes to us and drops the call on anything but 200. */
const demanding = async (peer) => {
  const lines = [];
  for (let i = 0; i < 3; i++) {
    await sleep(3000);
    lines.push(await ours(peer, 'INVITE', asUac, peer.sdp));
  }
  return lines;
};

const failed = (status, ...times) => times.map((at) => `INVITE@${at} ${OFFER_UAC}`).concat(`BYE@12 cause=408`);

/** [name, gateway, expected, body] */
export const cases = [
  // inbound: what our 200 says
  ['in: names uac', 'usual', [OK_UAC], hanging(inbound(asUac))],
  ['in: names uas', 'usual', [OK_UAS], hanging(inbound(asUas))],
  ['in: leaves the refresher to us, we prefer uac', 'usual', [OK_UAC], hanging(inbound([SUPPORTED, se('18')]))],
  ['in: leaves the refresher to us, we prefer uas', 'uas', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`], inbound([SUPPORTED, se('18')], twice(UAC))],
  ['in: supports timers, names no interval', 'usual', [OK_UAC], hanging(inbound([SUPPORTED]))],
  ['in: requires timers', 'usual', [OK_UAC], hanging(inbound(['Require: timer', se('18;refresher=uac')]))],
  ['in: Min-SE of a proxy above our interval', 'usual', ['200 40;refresher=uac required'], hanging(inbound([SUPPORTED, 'Min-SE: 40']))],
  ['in: longer interval than ours', 'usual', ['200 7200;refresher=uas required'], hanging(inbound([SUPPORTED, se('7200;refresher=uas')]))],
  ['in: Session-Expires without Supported', 'usual', ['200 18;refresher=uas', `INVITE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`], inbound([se('18')], twice([se('18;refresher=uac')]))],
  ['in: short interval without Supported', 'usual', ['200 2;refresher=uas'], hanging(inbound([se('2')]))],
  ['in: interval below min_se', 'usual', ['422 no timer min 3', OK_UAC],
    async (peer) => { const first = await peer.call([SUPPORTED, se('2')]); peer.remoteTag = undefined; peer.target = undefined; const second = await peer.call(asUac); await peer.hangUp(); return [said(first), said(second)]; }],
  ['in: knows no timers', 'usual', ['200 no timer', 'nothing'], inbound([], quiet(13))],
  ['in: disabled', 'off', ['200 no timer', 'INVITE got 200 no timer', 'UPDATE got 200 no timer', 'nothing'],
    inbound(asUac, async (peer) => [await ours(peer, 'INVITE', asUac, peer.sdp), await ours(peer, 'UPDATE', asUac), ...(await quiet(13)(peer))])],
  // inbound: the peer refreshes
  ['in: peer refreshes by re-INVITE, UPDATE, UPDATE with SDP, re-INVITE without', 'usual', [OK_UAC, `INVITE got ${OK_UAC}`, `UPDATE got ${OK_UAC}`, `UPDATE got ${OK_UAC}`, `INVITE got ${OK_UAC}`, `INVITE@10 ${OFFER_UAS}`],
    inbound(asUac, async (peer) => {
      const lines = [];
      for (const [method, sdp] of [['INVITE', peer.sdp], ['UPDATE', null], ['UPDATE', peer.sdp], ['INVITE', null]]) {
        await sleep(3000);
        lines.push(await ours(peer, method, asUac, sdp));
      }
      return [...lines, ...(await quietUntilRefresh(peer, 2))]; // its time goes from the last one
    })],
  ['in: peer is late, twice', 'usual', [OK_UAC, `INVITE@10 ${OFFER_UAS}`, `INVITE@10 ${OFFER_UAS}`], inbound(asUac, late)],
  ['in: late peer makes us the refresher', 'usual', [OK_UAC, `INVITE@10 ${OFFER_UAS}`, `INVITE@9 ${OFFER_UAC}`],
    inbound(asUac, twice(UAC))],
  ['in: late peer never answers', 'usual', [OK_UAC, `INVITE@10 ${OFFER_UAS}`, 'BYE@12 cause=408'], inbound(asUac, async (peer) => [(await refresh(peer, 2))[1], await ending(peer)])],
  ['in: peer changes the interval', 'usual', [OK_UAC, 'INVITE got 200 12;refresher=uac required', 'INVITE@6.67 12;refresher=uas min 3'],
    inbound(asUac, hanging(async (peer) => { await sleep(1000); const line = await ours(peer, 'INVITE', [SUPPORTED, se('12;refresher=uac')], peer.sdp); const [message, second] = await refresh(peer, 2); peer.accept(message, [SUPPORTED, se('12;refresher=uas')]); return [line, second]; }))],
  ['in: peer hands the refreshing to us', 'usual', [OK_UAC, 'UPDATE got 200 18;refresher=uas required', `INVITE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`],
    inbound(asUac, async (peer) => [await ours(peer, 'UPDATE', asUas), ...(await twice(UAC)(peer))])],
  ['in: refresh below min_se', 'usual', [OK_UAC, 'UPDATE got 422 no timer min 3', `INVITE@10 ${OFFER_UAS}`],
    inbound(asUac, hanging(async (peer) => { const answer = await peer.request('UPDATE', [SUPPORTED, se('2')]); const [message, line] = await refresh(peer, 2); peer.accept(message, UAS); return [`UPDATE got ${said(answer)}`, line]; }))],
  // inbound: we refresh
  ['in: we refresh by re-INVITE', 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`], inbound([...asUas, UPDATE], twice(UAC))],
  ['in: we refresh by UPDATE', 'update', [OK_UAS, `UPDATE@9 ${OFFER_UAC}`, `UPDATE@9 ${OFFER_UAC}`], inbound([...asUas, UPDATE], twice(UAC))],
  ['in: UPDATE is not in Allow', 'update', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`], inbound([...asUas, 'Allow: INVITE, ACK, BYE'], twice(UAC))],
  ...[405, 501].map((status) => [`in: UPDATE gets ${status}`, 'update', [OK_UAS, `UPDATE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`], inbound([...asUas, UPDATE], once(`${status} No`))]),
  ['in: UPDATE gets 422', 'update', [OK_UAS, `UPDATE@9 ${OFFER_UAC}`, 'UPDATE@9 24;refresher=uac min 24'], inbound([...asUas, UPDATE], once('422 Small', ['Min-SE: 24'], [SUPPORTED, se('24;refresher=uac')]))],
  ['in: UPDATE gets 500 for ever', 'update', [OK_UAS, `UPDATE@9 ${OFFER_UAC}`, `UPDATE@10.5 ${OFFER_UAC}`, 'BYE@12 cause=408'], inbound([...asUas, UPDATE], refusing('500 No'))],
  ['in: UPDATE gets 481', 'update', [OK_UAS, `UPDATE@9 ${OFFER_UAC}`, 'BYE@9 cause=481'], inbound([...asUas, UPDATE], refusing('481 Gone'))],
  ...[302, 403, 405, 480, 486, 488, 500, 501, 503, 603].map((status) => [`in: refresh gets ${status} for ever`, 'usual', [OK_UAS, ...failed(status, 9, 10.5)], inbound(asUas, refusing(`${status} No`))]),
  ['in: refresh gets 488 once', 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, `INVITE@10.5 ${OFFER_UAC}`], inbound(asUas, once('488 No', []))],
  ...[408, 481].map((status) => [`in: refresh gets ${status}`, 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, `BYE@9 cause=${status}`], inbound(asUas, refusing(`${status} Gone`))]),
  ['in: refresh gets 422', 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, 'INVITE@9 24;refresher=uac min 24'], inbound(asUas, once('422 Small', ['Min-SE: 24'], [SUPPORTED, se('24;refresher=uac')]))],
  ['in: refresh gets 491 once', 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, `INVITE@9..11.1 ${OFFER_UAC}`], inbound(asUas, once('491 Pending', []))],
  ['in: refresh gets 503 with Retry-After', 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, `INVITE@11 ${OFFER_UAC}`], inbound(asUas, once('503 Busy', ['Retry-After: 2']))],
  ['in: refresh is never answered', 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, 'BYE@12 cause=408'], inbound(asUas, async (peer) => [(await refresh(peer, 2))[1], await ending(peer)])],
  ['in: glare', 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, 'INVITE got 491', `INVITE got ${OK_UAS}`], inbound(asUas, glare)],
  ['in: 2xx to our refresh switches the timer off', 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, 'nothing'],
    inbound(asUas, async (peer) => { const [message, line] = await refresh(peer, 2); peer.accept(message); return [line, ...(await quiet(13)(peer))]; })],
  ['in: the refresh changes nothing', 'usual', [OK_UAS, `INVITE@9 ${OFFER_UAC}`, 'media, 0 lost, 1 SSRC, no gap', 'events session_timer: negotiated,refreshed', 'call.get 18 3 true INVITE next INVITE us ok'], media],
  // outbound
  ['out: uac, we refresh', 'usual', [DIALS, `INVITE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`], outbound(UAC, twice(UAC))],
  ['out: no refresher named, we refresh', 'usual', [DIALS, `INVITE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`], outbound([SUPPORTED, se('18')], twice(UAC))],
  ['out: uas, peer refreshes', 'usual', [DIALS, 'UPDATE got 200 18;refresher=uac required', `INVITE@10 ${OFFER_UAS}`], outbound(UAS, hanging(async (peer) => { await sleep(3000); const line = await ours(peer, 'UPDATE', asUac); const [message, second] = await refresh(peer, 2); peer.accept(message, UAS); return [line, second]; }))],
  ['out: uas, peer is late', 'usual', [DIALS, `INVITE@10 ${OFFER_UAS}`, `INVITE@10 ${OFFER_UAS}`], outbound(UAS, late)],
  ['out: we prefer uas', 'uas', [OFFER_UAS], hanging(outbound(UAS))],
  ['out: disabled', 'off', ['no timer', 'nothing'], outbound([], quiet(13))],
  ['out: shorter interval in the answer', 'usual', [DIALS, 'INVITE@6 12;refresher=uac min 3'], outbound([SUPPORTED, se('12;refresher=uac')], hanging(async (peer) => { const [message, line] = await refresh(peer, 2); peer.accept(message, [SUPPORTED, se('12;refresher=uac')]); return [line]; }))],
  ['out: by UPDATE', 'update', [DIALS, `UPDATE@9 ${OFFER_UAC}`, `UPDATE@9 ${OFFER_UAC}`], outbound([...UAC, UPDATE], twice(UAC))],
  ['out: UPDATE gets 405', 'update', [DIALS, `UPDATE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`], outbound([...UAC, UPDATE], once('405 No'))],
  ['out: no Session-Expires in the answer', 'usual', [DIALS, 'nothing'], outbound([], quiet(13))],
  ['out: 422 to the INVITE', 'usual', [DIALS, 'INVITE 24;refresher=uac min 24', 'INVITE@12 24;refresher=uac min 24'], redialled('422 Small', ['Min-SE: 24'], [SUPPORTED, se('24;refresher=uac')])],
  ['out: refresh gets 491 once', 'usual', [DIALS, 'INVITE@15 30;refresher=uac min 3', 'INVITE@17..19.2 30;refresher=uac min 3'], outbound([SUPPORTED, se('30;refresher=uac')], async (peer) => {
    const [message, line] = await refresh(peer, 2, 25);
    peer.answer(message, '491 Pending');
    const [again, second] = await refresh(peer, 3);
    peer.accept(again, UAC);
    await peer.hangUp();
    return [line, second];
  })],
  ...[[401, 'WWW-Authenticate', 'authorization'], [407, 'Proxy-Authenticate', 'proxy-authorization']].map((how) => [`out: refresh gets ${how[0]}`, 'usual',
    [DIALS, `INVITE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`, 'with credentials'], challenged(...how)]),
  ...[403, 488, 500].map((status) => [`out: refresh gets ${status} for ever`, 'usual', [DIALS, ...failed(status, 9, 10.5)], outbound(UAC, refusing(`${status} No`))]),
  ...[408, 481].map((status) => [`out: refresh gets ${status}`, 'usual', [DIALS, `INVITE@9 ${OFFER_UAC}`, `BYE@9 cause=${status}`], outbound(UAC, refusing(`${status} Gone`))]),
  ['out: refresh is never answered', 'usual', [DIALS, `INVITE@9 ${OFFER_UAC}`, 'BYE@12 cause=408'], outbound(UAC, async (peer) => [(await refresh(peer, 2))[1], await ending(peer)])],
  ['out: glare', 'usual', [DIALS, `INVITE@9 ${OFFER_UAC}`, 'INVITE got 491', `INVITE got ${OK_UAS}`], outbound(UAC, glare)],
  // providers
  ['Twilio calls: uac named, always Session-Expires', 'usual', [OK_UAC, `INVITE got ${OK_UAC}`, `INVITE got ${OK_UAC}`, `INVITE got ${OK_UAC}`], hanging(inbound(asUac, demanding))],
  ['Twilio is called: answers uac', 'usual', [DIALS, `INVITE@9 ${OFFER_UAC}`, `INVITE@9 ${OFFER_UAC}`], outbound(UAC, twice(UAC))],
  ['Telnyx is called: either role', 'usual', [DIALS, `UPDATE got ${OK_UAC}`, `UPDATE got ${OK_UAS}`, `INVITE@9 ${OFFER_UAC}`],
    outbound(UAS, hanging(async (peer) => { await sleep(3000); const first = await ours(peer, 'UPDATE', asUac); const second = await ours(peer, 'UPDATE', asUas); const [message, line] = await refresh(peer, 2); peer.accept(message, UAC); return [first, second, line]; }))],
  ['Vonage is called: a shorter interval than ours', 'usual', [DIALS, 'INVITE@4.5 9;refresher=uac min 3', 'INVITE@4.5 9;refresher=uac min 3'], outbound([SUPPORTED, se('9;refresher=uac')], twice([SUPPORTED, se('9;refresher=uac')]))],
  ['Bandwidth calls: defaults', 'usual', [OK_UAC, `INVITE@10 ${OFFER_UAS}`, `INVITE@10 ${OFFER_UAS}`], inbound([SUPPORTED, se('18')], late)],
  ['SignalWire calls: drops the call on anything but 200', 'usual', [OK_UAC, `INVITE got ${OK_UAC}`, `INVITE got ${OK_UAC}`, `INVITE got ${OK_UAC}`], hanging(inbound(asUac, demanding))],
  ['a legacy PBX is called: no timers', 'usual', [DIALS, 'nothing'], outbound([], quiet(13))],
  ...[501, 420].map((status) => [`a legacy PBX is called: ${status} to the headers`, 'usual', [DIALS, 'INVITE no timer', 'nothing'], redialled(`${status} No`, status === 420 ? ['Unsupported: timer'] : [], [])]),
];

/** Whether an observed line is the expected one: times within 5 % or half a second, and up to two seconds late, since timers of a
 * busy machine are; that and `slack` seconds, for which the process stood still that measured them. */
export function fits(expected, observed, slack) {
  const time = /@([\d.]+?)(?:\.\.([\d.]+))?(?= )/;
  const [e, o] = [time.exec(expected), time.exec(observed)];
  if (!e || !o) return expected === observed;
  const [from, to, at] = [Number(e[1]), Number(e[2] ?? e[1]), Number(o[1])];
  return expected.replace(time, '') === observed.replace(time, '')
    && at >= from - Math.max(0.5, from * 0.05) - slack && at <= to + 2 + slack;
}
