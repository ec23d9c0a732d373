// Scanners, floods and the messages that torture a parser: answered or dropped, and a caller notices nothing.
import dgram from 'node:dgram';
import net from 'node:net';
import { createHash } from 'node:crypto';
import { test, sleep, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { RawCall, sdp } from './lib/rawsip.mjs';
import { stalledSince } from './lib/stalls.mjs';
import { tortureMessages } from './lib/torture.mjs';

const CRLF = '\r\n';
let count = 0;

async function udp(t, address = '127.0.0.1') {
  const socket = dgram.createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, address, resolve));
  socket.on('error', () => {});
  t.after(() => socket.close());
  return socket;
}

const send = (socket, bytes, port) => new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', () => resolve()));

/** A request of its own, outside of any call. */
function request(method, gateway, { headers = [], user = 'lobby', id = `h${++count}`, cseq = 1 } = {}) {
  const uri = `sip:${user}@127.0.0.1:${gateway.config.sip_port}`;
  return Buffer.from([`${method} ${uri} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK${id}-${cseq};rport`,
    'Max-Forwards: 70', `From: <sip:eve@127.0.0.1>;tag=${id}`, `To: <${uri}>`, `Call-ID: ${id}`, `CSeq: ${cseq} ${method}`,
    'Contact: <sip:eve@127.0.0.1:9>', ...headers, 'Content-Length: 0', '', ''].join(CRLF));
}

const statusOf = (bytes) => Number(/^SIP\/2.0 (\d+)/.exec(bytes.toString('latin1'))?.[1] ?? 0);

/** What /metrics says: {name or name{label}: value}. */
async function metrics(gateway) {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Object.fromEntries(text.split('\n').filter((line) => line && line[0] !== '#').map((line) => {
    const space = line.lastIndexOf(' ');
    return [line.slice(0, space), Number(line.slice(space + 1))];
  }));
}

const dropped = (values, reason) => values[`switchroom_sip_dropped_total{reason="${reason}"}`];

/** A gateway with a trunk for one number and one password, whom nobody else calls. */
const guarded = (t) => Gateway.start(t, {
  sip: { bind: ['127.0.0.1'] },
  trunks: [{ name: 'friends', numbers: ['5550100'], allowed_addresses: ['127.0.0.1'] },
    { name: 'strangers', numbers: ['5550199'], auth_username: 'alice', auth_password: 'right one' }],
  dispatch_rules: [{ name: 'room', type: 'direct', room: 'lobby' }],
  logging: { level: 'info' },
});

test('the torture messages of RFC 4475 and 5118', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t, {
    sip: { bind: ['127.0.0.1'] },
    trunks: [{ name: 'one', numbers: ['5550100'] }],
    limits: { invites_per_second_per_source: 500 },
  });
  const port = gateway.config.sip_port;
  for (const message of tortureMessages('udp')) {
    const [socket, plain] = [await udp(t), await udp(t)];
    const answers = [];
    let alive = 0;
    socket.on('message', (data) => answers.push(statusOf(data)));
    plain.on('message', (data) => (alive = statusOf(data)));
    await send(socket, message.bytes, port);
    await send(plain, request('OPTIONS', gateway), port);
    await until(`an answer to OPTIONS after ${message.name}`, () => alive === 200, 5);
    const final = () => answers.find((status) => status >= 200);
    if (!message.answers.includes('none')) await until(`an answer to ${message.name}`, final, 5);
    const [status, isRegister] = [final(), message.bytes.toString('latin1').startsWith('REGISTER')];
    const isRight = message.answers.some((answer) => answer === String(status ?? 'none') ||
      (answer === 'owner' && status >= 400) || (isRegister && status === 405)); // it has no registrar
    t.ok(isRight, `${message.name}: ${status} instead of ${message.answers.join(' or ')}`);
  }
  t.ok((await metrics(gateway)).switchroom_sip_malformed_total > 5, 'malformed messages are counted');
});

/** Calls one after the other until `over()`; the times from INVITE to 200 in ms, the shortest first, without those for which this
 * process stood still. */
async function callInTheMeantime(t, gateway, over) {
  const times = [];
  do {
    const call = await RawCall.open(t, gateway, '5550100', `friend${times.length}`);
    const start = performance.now();
    const cseq = call.request('INVITE', sdp(call.mediaPort));
    const { branch } = call;
    const again = setInterval(() => call.request('INVITE', sdp(call.mediaPort), { cseq, branch }), 500); // as RFC 3261 has it
    const answer = await call.final(cseq, 10).finally(() => clearInterval(again));
    call.ack(cseq);
    times.push(Math.max(0, Math.round(performance.now() - start - stalledSince(start))));
    t.equal(answer.status, 200, 'the answer to a caller');
    call.request('BYE');
    await sleep(200);
  } while (!over());
  return times.sort((a, b) => a - b);
}

/** Everything at once from four sources, about `rate` datagrams a second. Gives how many were sent. */
async function flood(t, gateway, seconds, rate) {
  const sockets = await Promise.all([2, 3, 4, 5].map((last) => udp(t, `127.0.0.${last}`)));
  const begin = performance.now();
  let sent = 0;
  for (let passed = 0; passed < seconds; passed = (performance.now() - begin) / 1000) {
    for (const due = passed * rate; sent < due; sent++) { // all that is due, however late this process is
      const kind = ['OPTIONS', 'REGISTER', 'INVITE', 'garbage', 'scanner'][sent % 5];
      const bytes = kind === 'garbage' ? Buffer.from(`no SIP ${sent}${CRLF}${CRLF}`)
        : kind === 'scanner' ? request('OPTIONS', gateway, { headers: ['User-Agent: friendly-scanner'] }) : request(kind, gateway);
      await send(sockets[sent % 4], bytes, gateway.config.sip_port);
    }
    await sleep(20);
  }
  return sent;
}

/** Connections that say nothing, of another address. */
async function silentConnections(t, gateway, number) {
  const sockets = Array.from({ length: number }, () => {
    const socket = net.connect({ port: gateway.config.sip_port, host: '127.0.0.1', localAddress: '127.0.0.6' });
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    t.after(() => socket.destroy());
    return socket;
  });
  await until('too many connections are refused', async () => dropped(await metrics(gateway), 'too_many_connections') > 0, 10);
  return sockets;
}

async function underFire(t, seconds, rate) {
  const gateway = await guarded(t);
  await silentConnections(t, gateway, 200);
  let isOver = false;
  const flooding = flood(t, gateway, seconds, rate).finally(() => (isOver = true));
  const calling = callInTheMeantime(t, gateway, () => isOver);
  const [sent] = await Promise.all([flooding, calling.catch(() => {})]);
  const times = await calling;
  const values = await metrics(gateway);
  for (const reason of ['options_flood', 'scanner', 'too_many_connections'])
    t.ok(dropped(values, reason) > 0, `${reason} is counted`);
  t.ok(values.switchroom_sip_rate_limited_total > 0, 'what is above the limit is counted');
  const lines = gateway.lines(/Dropping SIP traffic/).length;
  t.ok(lines > 0 && lines < 10 * (2 + seconds / 10), `${lines} lines in the log of what was dropped`);
  t.note(`${times.length} calls beside ${sent} datagrams in ${seconds} s, an answer after ${times[0]} to ${times.at(-1)} ms`);
  return times;
}

test('a caller is answered while scanners flood the port', { alone: true, timeout: 60 }, async (t) => {
  const times = await underFire(t, 4, 2000);
  const [most, longest] = [times[Math.max(0, Math.floor(times.length * 0.9) - 1)], times.at(-1)]; // one of them may fall into a hiccup of the machine
  t.ok(most < 4000, `9 of 10 answers came within ${most} ms`);
  t.ok(longest < 10000, `an answer after ${longest} ms`);
});

test('a caller is answered within a second during a long flood', { long: true, alone: true, timeout: 180 }, async (t) => {
  const times = await underFire(t, 30, 3000);
  const most = times[Math.floor(times.length * 0.95)];
  t.ok(most < 1000, `95 of 100 answers came within ${most} ms`);
});

test('who guesses passwords is not told any more whether they are right', { timeout: 60 }, async (t) => {
  const gateway = await guarded(t);
  const socket = await udp(t, '127.0.0.7');
  const answers = new Map();
  socket.on('message', (data) => {
    const text = data.toString('latin1');
    if (statusOf(data) >= 200) answers.set(/CSeq: (\d+)/.exec(text)[1], { status: statusOf(data), text });
  });
  const ask = async (cseq, headers) => {
    await send(socket, request('INVITE', gateway, { user: '5550199', id: `guess${cseq}`, cseq, headers }), gateway.config.sip_port);
    return until(`an answer to guess ${cseq}`, () => answers.get(String(cseq)), 5);
  };
  const md5 = (text) => createHash('md5').update(text).digest('hex');
  const uri = `sip:5550199@127.0.0.1:${gateway.config.sip_port}`;
  let { status, text } = await ask(1, []);
  for (let guess = 2; guess < 80 && status === 401; guess++) {
    const nonce = /nonce="([^"]+)"/.exec(text)[1];
    const response = md5(`${md5(`alice:switchroom:wrong ${guess}`)}:${nonce}:00000001:c:auth:${md5(`INVITE:${uri}`)}`);
    ({ status, text } = await ask(guess, [`Authorization: Digest username="alice", realm="switchroom", nonce="${nonce}", ` +
      `uri="${uri}", qop=auth, nc=00000001, cnonce="c", response="${response}", algorithm=MD5`]));
  }
  t.equal(status, 503, 'the answer after many wrong passwords');
  const values = await metrics(gateway);
  t.ok(values.switchroom_sip_auth_failures_total >= 20, 'wrong passwords are counted');
  t.ok(values.switchroom_sip_auth_limited_total >= 1, 'those that were not looked at are counted');
  const [time] = await callInTheMeantime(t, gateway, () => true);
  t.ok(time < 10000, `another caller is answered after ${time} ms`);
});
