// A SIP client without manners, over UDP: every message is the test's own, so that odd ones can be sent too.
import dgram from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { until } from './tap.mjs';

const token = () => randomBytes(6).toString('hex');
const CRLF = '\r\n';

export function sdp(port, lines = ['m=audio PORT RTP/AVP 0']) {
  return ['v=0', `o=- 1 ${Date.now()} IN IP4 127.0.0.1`, 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', ...lines, '']
    .join(CRLF).replaceAll('PORT', String(port));
}

function parse(text) {
  const split = text.indexOf(CRLF + CRLF);
  const [first, ...lines] = text.slice(0, split).split(CRLF);
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    (headers[line.slice(0, colon).trim().toLowerCase()] ??= []).push(line.slice(colon + 1).trim());
  }
  const status = /^SIP\/2.0 (\d+)/.exec(first);
  const [cseq, method] = (headers.cseq?.[0] ?? '').split(' ');
  return { first, headers, body: text.slice(split + 4), status: status ? Number(status[1]) : 0, cseq: Number(cseq), method };
}

/** One dialog with `gateway`, as its caller. `messages` fills with what was received. */
export class RawCall {
  static async open(t, gateway, user = 'lobby', from = 'raw') {
    const call = new RawCall();
    Object.assign(call, { gateway, user, from, tag: token(), callId: token(), cseq: 0, toTag: '', messages: [] });
    call.socket = dgram.createSocket('udp4');
    await new Promise((resolve) => call.socket.bind(0, '127.0.0.1', resolve));
    call.socket.on('message', (data) => call.take(parse(data.toString())));
    call.port = call.socket.address().port;
    call.media = dgram.createSocket('udp4');
    await new Promise((resolve) => call.media.bind(0, '127.0.0.1', resolve));
    call.packets = [];
    call.media.on('message', (data) => call.packets.push(data));
    call.mediaPort = call.media.address().port;
    t.after(() => {
      clearInterval(call.talker);
      call.socket.close();
      call.media.close();
    });
    return call;
  }

  take(message) {
    this.messages.push(message);
    if (message.status >= 200 && message.method === 'INVITE') {
      this.toTag = /tag=([^;]+)/.exec(message.headers.to[0])?.[1] ?? '';
      if (message.status >= 300) this.ack(message.cseq);
    }
    if (!message.status && message.method === 'BYE') this.respond(message, 200, 'OK');
    if (!message.status && message.method === 'INVITE' && this.onInvite) this.onInvite(message);
  }

  respond(request, status, phrase, body = '') {
    const { headers } = request;
    this.write([`SIP/2.0 ${status} ${phrase}`, ...headers.via.map((via) => `Via: ${via}`), `From: ${headers.from[0]}`,
      `To: ${headers.to[0]}`, `Call-ID: ${headers['call-id'][0]}`, `CSeq: ${headers.cseq[0]}`,
      `Contact: <sip:raw@127.0.0.1:${this.port}>`], body);
  }

  write(lines, body = '', type = 'application/sdp') {
    const typed = body ? [`Content-Type: ${type}`] : [];
    const text = [...lines, ...typed, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join(CRLF);
    this.socket.send(Buffer.from(text), this.gateway.config.sip_port, '127.0.0.1');
  }

  /** Sends a request; returns its CSeq number. */
  request(method, body = '', { cseq = ++this.cseq, branch = token(), extra = [], type } = {}) {
    const uri = `sip:${this.user}@127.0.0.1:${this.gateway.config.sip_port}`;
    this.write([`${method} ${uri} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${branch};rport`,
      'Max-Forwards: 70', `From: <sip:${this.from}@127.0.0.1>;tag=${this.tag}`,
      `To: <${uri}>${this.toTag ? `;tag=${this.toTag}` : ''}`, `Call-ID: ${this.callId}`, `CSeq: ${cseq} ${method}`,
      `Contact: <sip:raw@127.0.0.1:${this.port}>`, ...extra], body, type);
    this.branch = branch;
    return cseq;
  }

  ack(cseq, body = '') {
    this.request('ACK', body, { cseq });
  }

  /** The first answer to `cseq` of 200 or more. */
  final(cseq, seconds = 5) {
    return until(`a final answer to request ${cseq}`, () =>
      this.messages.find((message) => message.status >= 200 && message.cseq === cseq), seconds);
  }

  /** The first request of the gateway with `method`. */
  received(method, seconds = 5) {
    return until(`a ${method}`, () => this.messages.find((message) => !message.status && message.method === method), seconds);
  }

  /** An INVITE in or outside of the dialog, acknowledged with `answer` when it has no offer. Gives the final answer. */
  async invite(offer = sdp(this.mediaPort), answer = '') {
    const cseq = this.request('INVITE', offer);
    const final = await this.final(cseq);
    if (final.status < 300) this.ack(cseq, answer);
    return final;
  }

  /** Sends packets of payload type `pt` to the audio port of `description` until the test ends: silence of G.711, or `payload`. */
  talk(description, pt = 0, payload = Buffer.alloc(160, 0x7f)) {
    clearInterval(this.talker);
    const to = Number(/m=audio (\d+)/.exec(description)[1]);
    const ssrc = randomBytes(4);
    let sequence = 0;
    this.talker = setInterval(() => {
      const header = Buffer.from([0x80, pt, sequence >> 8, sequence & 255, 0, 0, 0, 0, ...ssrc]);
      header.writeUInt32BE(160 * sequence++, 4);
      this.media.send(Buffer.concat([header, payload]), to, '127.0.0.1');
    }, 20);
  }
}
