// A SIP peer of plain UDP sockets that says exactly what a test wants said, and measures when it hears what.
import dgram from 'node:dgram';
import { randomBytes } from 'node:crypto';

const word = () => randomBytes(6).toString('hex');
const now = () => performance.now() / 1000;

const bound = (host) => new Promise((resolve, reject) => {
  const socket = dgram.createSocket('udp4');
  socket.once('error', reject);
  socket.bind(0, host, () => resolve(socket));
});

function parse(data) {
  const text = data.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const [start, ...lines] = text.slice(0, end).split('\r\n');
  const headers = {};
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).trim().toLowerCase();
    (headers[name] ??= []).push(line.slice(line.indexOf(':') + 1).trim());
  }
  const message = { start, headers, body: text.slice(end + 4), at: now(), get: (name) => headers[name]?.join(', ') };
  if (start.startsWith('SIP/2.0')) message.status = Number(start.split(' ')[1]);
  else message.method = start.split(' ')[0];
  message.cseq = Number(message.get('cseq')?.split(' ')[0]);
  return message;
}

/** What a message says of the session timer, in one line: Session-Expires, Require, Min-SE. */
export const timerOf = (message) => [message.get('session-expires') ?? 'no timer',
  /\btimer\b/.test(message.get('require') ?? '') ? 'required' : '',
  message.get('min-se') ? `min ${message.get('min-se')}` : ''].filter(Boolean).join(' ');

export class SipPeer {
  static async open(gatewayPort, user = 'timer') {
    const peer = new SipPeer();
    Object.assign(peer, { gatewayPort, user, queue: [], waiting: [], seen: new Map(), cseq: 0, acks: 0, rtp: [], provisional: [] });
    [peer.socket, peer.media] = [await bound('127.0.0.1'), await bound('127.0.0.1')];
    peer.port = peer.socket.address().port;
    peer.socket.on('message', (data) => peer.take(parse(data)));
    peer.media.on('message', (data) => peer.rtp.push({ at: now(), data }));
    peer.base = now();
    return peer;
  }

  close() {
    this.closed = true;
    this.socket.close();
    this.media.close();
    for (const give of this.waiting.splice(0)) give(null);
  }

  get sdp() {
    return `v=0\r\no=- 1 ${this.version ?? 1} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n`
      + `m=audio ${this.media.address().port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`;
  }

  write(text) {
    if (!this.closed) this.socket.send(Buffer.from(text, 'latin1'), this.gatewayPort, '127.0.0.1');
  }

  /** Repetitions get what was said before; the rest waits in line. */
  take(message) {
    if (!message.headers.via) return; // not SIP: what a call before this one still sends to the port
    const key = message.method ? `${message.get('via').split(/,\s*SIP/)[0]} ${message.method}` : `${message.start} ${message.get('cseq')}`;
    if (message.method === 'ACK') {
      this.acks += 1;
      return;
    }
    if (this.seen.has(key)) {
      const said = this.seen.get(key);
      if (said) this.write(said);
      return;
    }
    this.seen.set(key, null);
    if (message.status && message.status < 200) {
      this.provisional.push(message);
      return;
    }
    if (message.method && message.method !== 'CANCEL') {
      message.outOfOrder = message.cseq <= (this.highest ?? 0);
      this.highest = message.cseq;
    }
    const give = this.waiting.shift();
    if (give) give(message);
    else this.queue.push(message);
  }

  /** The next message, or null when none comes for so long. */
  next(seconds) {
    if (this.queue.length) return Promise.resolve(this.queue.shift());
    return new Promise((resolve) => {
      const give = (message) => {
        clearTimeout(timer);
        resolve(message);
      };
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((each) => each !== give);
        resolve(null);
      }, seconds * 1000);
      this.waiting.push(give);
    });
  }

  /** Starts the clock of `seconds`. */
  mark() {
    this.base = now();
  }

  seconds(message) {
    return message.at - this.base;
  }

  /** The route that a Record-Route of `message` names, for who called (reversed) or was called. */
  follow(message, reversed) {
    const routes = (message.get('record-route') ?? '').split(/,\s*(?=<)/).filter(Boolean);
    this.routes ??= reversed ? routes.reverse() : routes;
  }

  head(method, cseq, branch = `z9hG4bK${word()}`) {
    return `${method} ${this.target ?? `sip:${this.user}@127.0.0.1:${this.gatewayPort}`} SIP/2.0\r\n`
      + `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=${branch}\r\nMax-Forwards: 70\r\n`
      + (this.routes ?? []).map((route) => `Route: ${route}\r\n`).join('')
      + `From: <${this.local}>;tag=${this.tag}\r\nTo: <${this.remote}>${this.remoteTag ? `;tag=${this.remoteTag}` : ''}\r\n`
      + `Call-ID: ${this.callId}\r\nCSeq: ${cseq} ${method}\r\nContact: <sip:peer@127.0.0.1:${this.port}>\r\n`;
  }

  /** The next answer; requests that come before it stay in line. */
  async answerTo(method) {
    const early = [];
    for (;;) {
      const message = await this.next(30);
      if (!message || (message.status && message.get('cseq').endsWith(method))) {
        this.queue.unshift(...early);
        return message;
      }
      if (message.method) early.push(message);
    }
  }

  /** Sends a request of the dialog and gives its final answer; a 2xx to an INVITE is acknowledged. */
  async request(method, headers = [], sdp = null, type = 'application/sdp') {
    const cseq = ++this.cseq;
    const branch = `z9hG4bK${word()}`;
    const lines = [...headers, ...(sdp ? [`Content-Type: ${type}`] : []), `Content-Length: ${(sdp ?? '').length}`];
    this.write(this.head(method, cseq, branch) + lines.join('\r\n') + '\r\n\r\n' + (sdp ?? ''));
    const answer = await this.answerTo(method);
    if (!answer?.status) throw new Error(`no answer to ${method}: ${answer?.start}`);
    if (answer.status < 300) {
      this.remoteTag ??= /tag=([^;]+)/.exec(answer.get('to'))?.[1];
      this.target = /<([^>]+)>/.exec(answer.get('contact') ?? '')?.[1] ?? this.target;
      if (method === 'INVITE') this.follow(answer, true);
    }
    if (method === 'INVITE') {
      const offered = !sdp && answer.status < 300;
      const ack = this.head('ACK', cseq, answer.status < 300 ? undefined : branch)
        + (offered ? 'Content-Type: application/sdp\r\n' : '') + `Content-Length: ${offered ? this.sdp.length : 0}\r\n\r\n` + (offered ? this.sdp : '');
      this.seen.set(`${answer.start} ${answer.get('cseq')}`, ack);
      this.write(ack);
    }
    return answer;
  }

  /** NOTIFY about a REFER of the gateway. */
  notify(state, frag) {
    return this.request('NOTIFY', ['Event: refer', `Subscription-State: ${state}`], `${frag}\r\n`, 'message/sipfrag;version=2.0');
  }

  /** Calls the gateway; `headers` speak of the timer. */
  async call(headers = []) {
    Object.assign(this, {
      local: `sip:peer@127.0.0.1:${this.port}`, remote: `sip:${this.user}@127.0.0.1:${this.gatewayPort}`,
      tag: word(), callId: `${word()}@127.0.0.1`,
    });
    const answer = await this.request('INVITE', headers, this.sdp);
    this.ours = answer.body;
    this.mark();
    return answer;
  }

  /** Answers a request of the gateway. */
  answer(request, start, headers = [], sdp = null) {
    if (!this.tag) {
      this.tag = word();
      Object.assign(this, {
        local: /<([^>]+)>/.exec(request.get('to'))[1], remote: /<([^>]+)>/.exec(request.get('from'))[1],
        remoteTag: /tag=([^;]+)/.exec(request.get('from'))[1], callId: request.get('call-id'),
        target: /<([^>]+)>/.exec(request.get('contact'))[1],
      });
      this.follow(request, false);
    }
    const to = /tag=/.test(request.get('to')) ? request.get('to') : `${request.get('to')};tag=${this.tag}`;
    const text = [`SIP/2.0 ${start}`, ...request.headers.via.map((via) => `Via: ${via}`), `From: ${request.get('from')}`,
      `To: ${to}`, `Call-ID: ${request.get('call-id')}`, `CSeq: ${request.get('cseq')}`,
      `Contact: <sip:peer@127.0.0.1:${this.port}>`, ...(request.headers['record-route'] ?? []).map((value) => `Record-Route: ${value}`),
      ...headers, ...(sdp ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${(sdp ?? '').length}`].join('\r\n') + '\r\n\r\n' + (sdp ?? '');
    this.seen.set(`${request.get('via').split(/,\s*SIP/)[0]} ${request.method}`, text);
    this.write(text);
  }

  /** 200 to a request, with the description where one is due. */
  accept(request, headers = []) {
    this.answer(request, '200 OK', headers, request.method === 'INVITE' ? this.sdp : null);
    if (request.method !== 'BYE') this.mark();
  }

  async hangUp() {
    if (this.remoteTag) await this.request('BYE').catch(() => {});
  }
}
