// Malformed input of every kind over real sockets: the gateway stays up, and a running call loses no audio.
import dgram from 'node:dgram';
import net from 'node:net';
import { createHash } from 'node:crypto';
import { test, sleep, until } from './lib/tap.mjs';
import { Gateway } from './lib/gateway.mjs';
import { SipPhone } from './lib/phone.mjs';
import { Rpc } from './lib/rpc.mjs';

/** A generator of bytes that is the same in every run. */
function seeded(seed) {
  let counter = 0;
  let pool = Buffer.alloc(0);
  return (size) => {
    while (pool.length < size) pool = Buffer.concat([pool, createHash('sha256').update(`${seed}:${counter++}`).digest()]);
    const bytes = pool.subarray(0, size);
    pool = pool.subarray(size);
    return bytes;
  };
}

const body = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n';
const invite = (number, port) => [
  `INVITE sip:lobby@127.0.0.1:${port} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKbad${number}`,
  'Max-Forwards: 70', `From: <sip:eve@127.0.0.1>;tag=t${number}`, `To: <sip:lobby@127.0.0.1:${port}>`,
  `Call-ID: bad-${number}@127.0.0.1`, 'CSeq: 1 INVITE', 'Contact: <sip:eve@127.0.0.1:9>',
  'Content-Type: application/sdp', `Content-Length: ${body.length}`, '', body].join('\r\n');

/** `count` mutations of an INVITE: bytes changed, cut out, doubled, cut off. */
function mutations(port, count) {
  const random = seeded('sip');
  const number = (limit) => random(4).readUInt32BE(0) % limit;
  return Array.from({ length: count }, (_, index) => {
    let bytes = Buffer.from(invite(index, port));
    for (let times = 1 + number(6); times > 0; times--) {
      const at = number(bytes.length), size = 1 + number(24);
      const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, at + size), bytes.subarray(at + size)];
      const kind = number(5);
      if (kind === 0) bytes = Buffer.concat([before, random(middle.length), after]);
      else if (kind === 1) bytes = Buffer.concat([before, after]);
      else if (kind === 2) bytes = Buffer.concat([before, middle, middle, after]);
      else if (kind === 3) bytes = Buffer.concat([before, Buffer.from(';,<>"\r\n: \0%='), after]);
      else if (bytes.length > 40) bytes = before.length > 20 ? before : bytes;
    }
    return bytes;
  });
}

const send = (socket, bytes, port, host = '127.0.0.1') =>
  new Promise((resolve) => socket.send(bytes, port, host, () => resolve()));

async function udp(t) {
  const socket = dgram.createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  socket.on('error', () => {});
  t.after(() => socket.close());
  return socket;
}

/** Two phones in a room that hear one another; `unharmed` ends them and checks that nothing was lost. */
async function innocentCall(t, gateway) {
  const phones = [['--tone', 600, '--listen', 900], ['--tone', 900, '--listen', 600]]
    .map((args) => SipPhone.call(t, gateway.sip('innocent'), ...args));
  for (const phone of phones) await phone.event('answered');
  await phones[0].hears(900);
  await phones[1].hears(600);
  return {
    async unharmed() {
      const measured = phones.map((phone) => phone.events.filter((event) => event.event === 'heard'));
      const heldUp = measured.flat().filter((event) => event.late_ms > 200).map(({ at }) => at); // by the machine: it said nothing then
      for (const [index, phone] of phones.entries()) {
        t.equal(phone.events.filter((event) => event.event === 'ended'), [], 'the call went on');
        const quiet = measured[index].slice(2).filter((event) => Object.values(event.levels)[0] < -20);
        t.equal(quiet.filter(({ at }) => !heldUp.some((when) => Math.abs(at - when) < 2.5)), [], 'seconds in which the other tone was not heard');
      }
      for (const phone of phones) {
        const report = await phone.bye();
        t.equal([report.by, report.lost], ['local', 0], `the end of the call ${JSON.stringify(report)}`);
        t.ok(report.max_gap_ms < 3000 + report.max_late_ms, `a gap of ${report.max_gap_ms} ms in the audio, held up for ${report.max_late_ms} ms`);
      }
    },
  };
}

/** A burst every 20 ms, so that the kernel's buffers are not what is tested. */
async function paced(items, perBurst, each) {
  for (let start = 0; start < items.length; start += perBurst) {
    for (const item of items.slice(start, start + perBurst)) await each(item);
    await sleep(20);
  }
}

async function answersCalls(t, gateway) {
  const phone = SipPhone.call(t, gateway.sip('after'));
  await phone.event('answered', 15);
  await phone.bye();
}

test('malformed SIP over UDP and TCP', { timeout: 120 }, async (t) => {
  const gateway = await Gateway.start(t);
  const innocent = await innocentCall(t, gateway);
  const port = gateway.config.sip_port;
  const socket = await udp(t);
  await paced(mutations(port, 600), 4, (bytes) => send(socket, bytes, port));
  const random = seeded('noise');
  await paced([0, 1, 2, 3, 19, 20, 500, 1400, 9000, 65000], 2, (size) => send(socket, random(size), port));
  for (const text of ['\r\n\r\n', `INVITE sip:x SIP/2.0\r\nContent-Length: 99999999\r\n\r\n`, 'A'.repeat(70000),
    `OPTIONS sip:a@127.0.0.1 SIP/2.0\r\n${'X: y\r\n'.repeat(20000)}\r\n`, invite('tcp', port).replace('Content-Length: ', 'Content-Length: -')]) {
    const client = net.connect(port, '127.0.0.1');
    client.on('error', () => {});
    client.write(text);
    await sleep(100);
    client.destroy();
  }
  await innocent.unharmed();
  await answersCalls(t, gateway);
});

test('RTP and RTCP of any length from strangers', { timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const innocent = await innocentCall(t, gateway);
  const socket = await udp(t);
  const random = seeded('rtp');
  const { start, end } = gateway.config.rtp_port;
  const ports = Array.from({ length: end - start + 1 }, (_, index) => start + index);
  for (const size of [0, 1, 3, 11, 12, 13, 20, 60, 172, 400, 1472, 9000])
    await paced(ports, 40, async (port) => {
      const packet = Buffer.from(random(size));
      if (size > 1) packet[0] = 0x80 | (packet[0] & 0x3f); // looks like RTP: padding, extension, CSRCs as they come
      if (size > 2 && packet[2] & 1) packet[1] &= 0x80; // PCMU
      await send(socket, packet, port);
    });
  await innocent.unharmed();
  await answersCalls(t, gateway);
  t.note(JSON.stringify(gateway.lines(/Call summary/)[0]));
});

test('STUN, DTLS and garbage at the WebRTC ports', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const innocent = await innocentCall(t, gateway);
  const socket = await udp(t);
  const random = seeded('rtc');
  const { start, end } = gateway.config.rtc.port;
  for (let port = start; port <= end; port += 4)
    for (const first of [0, 1, 20, 22, 64, 128, 200, 255]) {
      await send(socket, Buffer.concat([Buffer.from([first]), random(80)]), port);
      if (first === 255) await sleep(2);
    }
  await innocent.unharmed();
});

test('malformed HTTP and WebSocket traffic', { timeout: 120 }, async (t) => {
  const gateway = await Gateway.start(t);
  const innocent = await innocentCall(t, gateway);
  const port = gateway.config.http.port;
  const token = gateway.token('eve');
  const upgrade = `GET /ws?access_token=${token} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  const random = seeded('http');
  for (const text of ['\0\0\0\0', 'GET', 'GET / HTTP/9.9\r\n\r\n', `GET /${'a'.repeat(100000)} HTTP/1.1\r\n\r\n`,
    `POST /twirp/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n', `GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n`,
    'GET /%00%ff%2e%2e/app.js HTTP/1.1\r\nHost: a\r\n\r\n', upgrade.replace('Version: 13', 'Version: 7'),
    Buffer.concat([Buffer.from(upgrade), random(300)]), Buffer.concat([Buffer.from(upgrade), Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]),
    Buffer.concat([Buffer.from(upgrade), Buffer.from([0x81, 0x05, 1, 2, 3, 4, 5])]), // not masked
    Buffer.concat([Buffer.from(upgrade), Buffer.from([0x89, 0xfe, 0x01, 0x00]), random(260)])]) {
    const client = net.connect(port, '127.0.0.1');
    let answer = '';
    client.on('error', () => {});
    client.on('data', (data) => (answer += data.toString('latin1')));
    client.write(text);
    await sleep(150);
    t.ok(!/root:|HTTP\/1\.[01] 5\d\d/.test(answer), `an answer of ${answer.slice(0, 100)}`);
    client.destroy();
  }
  await innocent.unharmed();
});

test('malformed JSON-RPC and SDP on a WebSocket', { timeout: 120 }, async (t) => {
  const gateway = await Gateway.start(t);
  const innocent = await innocentCall(t, gateway);
  const random = seeded('json');
  const rpc = await Rpc.connect(gateway.ws, gateway.token('eve'));
  const texts = ['', ' ', '{', '[]', 'null', '"a"', '1e999', '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","id":{},"method":"a"}',
    '{"jsonrpc":"2.0","id":1,"method":5}', `{"a":${'['.repeat(5000)}`, '{"jsonrpc":"2.0","id":1,"method":"room.create","params":{"name":"\\ud800"}}',
    '{"jsonrpc":"2.0","id":1,"method":"room.create","params":{"name":"\\u0000"}}', `{"jsonrpc":"2.0","id":1,"method":"room.create","params":{"name":"${'x'.repeat(5000)}"}}`,
    '{"jsonrpc":"2.0","id":1,"method":"session.candidate","params":{"candidate":"candidate:x"}}'];
  for (const text of texts) rpc.send(text);
  await until('errors are answered', () => rpc.raw.length + rpc.notifications.length >= 5 || rpc.isClosed);
  const second = await Rpc.connect(gateway.ws, gateway.token('mallory'));
  t.after(() => second.close());
  const sdp = 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\n' +
    'a=mid:0\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=sendrecv\r\n' +
    `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n`;
  for (let index = 0; index < 120; index++) {
    const bytes = Buffer.from(sdp);
    for (let times = 0; times < 1 + (index % 5); times++) bytes[random(2).readUInt16BE(0) % bytes.length] = 32 + (random(1)[0] % 90);
    await second.call('session.join', { room: 'fuzz', sdp: bytes.toString('latin1') }).then(() => second.call('session.leave'), () => {});
  }
  const binary = await Rpc.connect(gateway.ws, gateway.token('binary'));
  binary.send(random(50), 2);
  await until('a binary message closes the socket', () => binary.isClosed);
  const large = await Rpc.connect(gateway.ws, gateway.token('large'));
  large.send('x'.repeat(3 << 20));
  await until('a message of 3 MiB closes the socket', () => large.isClosed);
  await rpc.close();
  await innocent.unharmed();
  t.equal((await second.call('server.info')).name, 'Switchroom', 'server.info');
});

test('a room survives a client that is killed, and the other hears on', { timeout: 60 }, async (t) => {
  const gateway = await Gateway.start(t);
  const innocent = await innocentCall(t, gateway);
  for (let index = 0; index < 20; index++) {
    const phone = SipPhone.call(t, gateway.sip('innocent2'), '--tone', 0);
    await phone.event('answered');
    phone.child.kill('SIGKILL');
    const rpc = await Rpc.connect(gateway.ws, gateway.token(`killed-${index}`));
    rpc.call('room.watch', { name: '*' }).catch(() => {});
    rpc.drop();
  }
  await innocent.unharmed();
});

test('ten seconds of floods at every port', { alone: true, timeout: 90 }, async (t) => {
  const gateway = await Gateway.start(t);
  const innocent = await innocentCall(t, gateway);
  const socket = await udp(t);
  const random = seeded('flood');
  const { sip_port: sip, http: { port: http }, rtp_port: { start } } = gateway.config;
  const options = (number) => Buffer.from(`OPTIONS sip:x@127.0.0.1:${sip} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKf${number}\r\n` +
    `From: <sip:f@127.0.0.1>;tag=${number}\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: flood-${number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`);
  const rtp = Buffer.concat([Buffer.from([0x80, 0]), random(170)]);
  const end = performance.now() + 10000;
  for (let round = 0; performance.now() < end; round++) {
    for (let index = 0; index < 40; index++) await send(socket, rtp, start + ((round * 40 + index) % 8));
    for (let index = 0; index < 4; index++) await send(socket, index % 2 ? options(round * 4 + index) : Buffer.from(invite(`f${round}-${index}`, sip)), sip);
    if (round % 4 === 0) {
      const client = net.connect(http, '127.0.0.1', () => client.destroy());
      client.on('error', () => {});
    }
    await sleep(20);
  }
  await innocent.unharmed();
  t.equal((await fetch(`${gateway.url}/healthz`)).status, 200, '/healthz');
});

test('a gateway that was killed twenty times starts again on its ports', { alone: true, timeout: 120 }, async (t) => {
  let gateway = await Gateway.start(t);
  const { config } = gateway;
  for (let times = 0; times < 20; times++) {
    const phone = SipPhone.call(t, gateway.sip('killed'));
    await phone.event('answered', 15);
    await gateway.kill();
    phone.child.kill('SIGKILL');
    gateway = await Gateway.start(t, config);
  }
  await answersCalls(t, gateway);
});
