// A registered phone of plain UDP: digest (MD5, RFC 2617) on every request of its own, answers to what comes.
import dgram from 'node:dgram';
import { createHash, randomBytes } from 'node:crypto';
import { until } from './tap.mjs';

const word = () => randomBytes(6).toString('hex');
const md5 = (text) => createHash('md5').update(text).digest('hex');
const CRLF = '\r\n';

function parse(data) {
  const text = data.toString();
  const end = text.indexOf(CRLF + CRLF);
  const [start, ...lines] = text.slice(0, end).split(CRLF);
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    (headers[line.slice(0, colon).trim().toLowerCase()] ??= []).push(line.slice(colon + 1).trim());
  }
  const status = /^SIP\/2.0 (\d+)/.exec(start);
  return { start, headers, body: text.slice(end + 4), get: (name) => headers[name]?.join(', '),
    status: status ? Number(status[1]) : 0, method: status ? null : start.split(' ')[0] };
}

/** What a challenge is answered with. */
export function authorization(challenge, { method, uri, user, password, cnonce = word(), nc = '00000001' }) {
  const of = (name) => new RegExp(`${name}="?([^",]+)`).exec(challenge)?.[1];
  const [realm, nonce, opaque] = [of('realm'), of('nonce'), of('opaque')];
  const response = md5([md5(`${user}:${realm}:${password}`), nonce, nc, cnonce, 'auth', md5(`${method}:${uri}`)].join(':'));
  return `Authorization: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", qop=auth, nc=${nc}, `
    + `cnonce="${cnonce}", algorithm=MD5, response="${response}"${opaque ? `, opaque="${opaque}"` : ''}`;
}

export class Extension {
  /** `answers`: what comes is answered with, by method: [status, phrase], or null for silence. */
  static async open(t, gateway, user, { password = 'secret', host = '127.0.0.1' } = {}) {
    const phone = new Extension();
    const [type, at] = host.includes(':') ? ['udp6', `[${host}]`] : ['udp4', host]; // at: as in a URI
    Object.assign(phone, { gateway, host, at, user, password, received: [], seen: new Map(), callId: word(), cseq: 0,
      answers: { OPTIONS: [200, 'OK'], MESSAGE: [200, 'OK'], NOTIFY: [200, 'OK'], BYE: [200, 'OK'], CANCEL: [200, 'OK'],
        INVITE: [180, 'Ringing'] } });
    phone.socket = dgram.createSocket(type);
    await new Promise((resolve) => phone.socket.bind(0, host, resolve));
    phone.port = phone.socket.address().port;
    phone.media = dgram.createSocket(type);
    await new Promise((resolve) => phone.media.bind(0, host, resolve));
    phone.socket.on('message', (data) => phone.take(parse(data)));
    t.after(() => {
      phone.closed = true;
      phone.socket.close();
      phone.media.close();
    });
    return phone;
  }

  get sdp() {
    const address = `IN ${this.host.includes(':') ? 'IP6' : 'IP4'} ${this.host}`;
    return ['v=0', `o=- 1 1 ${address}`, 's=-', `c=${address}`, 't=0 0',
      `m=audio ${this.media.address().port} RTP/AVP 0`, 'a=rtpmap:0 PCMU/8000', ''].join(CRLF);
  }

  get contact() {
    return `<sip:${this.user}@${this.at}:${this.port}>`;
  }

  write(lines, body = '', type = 'application/sdp') {
    const typed = body ? [`Content-Type: ${type}`] : [];
    const text = [...lines, ...typed, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join(CRLF);
    if (!this.closed) this.socket.send(text, this.gateway.config.sip_port, this.host);
    return text;
  }

  take(message) {
    if (!message.headers.via) return; // not SIP: what somebody before this one is still sent at the port
    const key = message.method ? `${message.headers.via[0]} ${message.method}` : null;
    if (key && this.seen.has(key)) {
      if (!this.closed && this.seen.get(key)) this.socket.send(this.seen.get(key), this.gateway.config.sip_port, this.host);
      return;
    }
    if (key) this.seen.set(key, null);
    this.received.push(message);
    const answer = this.answers[message.method];
    if (answer) this.answer(message, ...answer);
    if (message.method === 'CANCEL') {
      const invite = this.received.find((each) => each.method === 'INVITE' && each.get('call-id') === message.get('call-id'));
      if (invite) this.answer(invite, 487, 'Request Terminated');
    }
  }

  answer(request, status, phrase, body = '', contact = this.contact) {
    const to = request.get('to');
    const text = this.write([`SIP/2.0 ${status} ${phrase}`, ...request.headers.via.map((via) => `Via: ${via}`),
      `From: ${request.get('from')}`, `To: ${/tag=/.test(to) ? to : `${to};tag=${this.callId}`}`,
      `Call-ID: ${request.get('call-id')}`, `CSeq: ${request.get('cseq')}`, `Contact: ${contact}`], body);
    this.seen.set(`${request.headers.via[0]} ${request.method}`, text);
  }

  /** The next request `method` that passes `check`, waiting for it. */
  async expect(method, check = () => true, seconds = 8) {
    const message = await until(`${method} to ${this.user} (${this.received.map((each) => each.start.slice(0, 30))})`,
      () => this.received.find((each) => each.method === method && !each.taken && check(each)), seconds);
    message.taken = true;
    return message;
  }

  /** Sends a request outside of a dialog once and gives its final answer. */
  async ask(method, uri, { headers = [], body = '', type, to = uri, from = this.user, callId = this.callId,
    cseq = ++this.cseq, onSent } = {}) {
    const branch = `z9hG4bK${word()}`;
    const lines = [`${method} ${uri} SIP/2.0`, `Via: SIP/2.0/UDP ${this.at}:${this.port};branch=${branch};rport`,
      'Max-Forwards: 70', `From: <sip:${from}@${this.at}>;tag=${word()}`, `To: <${to}>`, `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`, ...headers];
    this.write(lines, body, type);
    this.sent = { branch, lines, cseq, uri, method };
    if (onSent) onSent(this.sent);
    const final = await until(`an answer to ${method}`, () => this.received.find((each) => each.status >= 200
      && each.get('cseq') === `${cseq} ${method}` && each.get('call-id') === callId && each.get('via').includes(branch)), 8);
    if (method === 'INVITE')
      this.write([`ACK ${uri} SIP/2.0`, lines[1].replace(branch, final.status < 300 ? `z9hG4bK${word()}` : branch), ...lines.slice(2, 4),
        `To: ${final.get('to')}`, lines[5], `CSeq: ${cseq} ACK`]);
    return final;
  }

  /** The same with the answer to a challenge. `password`: another one than its own. */
  async request(method, uri, options = {}) {
    const first = await this.ask(method, uri, options);
    if (first.status !== 401) return first;
    const auth = authorization(first.get('www-authenticate'),
      { method, uri, user: this.user, password: options.password ?? this.password });
    return this.ask(method, uri, { ...options, headers: [...(options.headers ?? []), auth] });
  }

  /** REGISTER: `contacts` as header values. */
  register(expires = 600, { contacts = [this.contact], user = this.user, ...options } = {}) {
    const uri = `sip:${this.at}:${this.gateway.config.sip_port}`;
    return this.request('REGISTER', uri, { to: `sip:${user}@${this.at}`, ...options,
      headers: [...contacts.map((contact) => `Contact: ${contact}`), ...(expires === null ? [] : [`Expires: ${expires}`])] });
  }

  /** Calls `user` at the gateway; gives the final answer. */
  invite(user, options = {}) {
    return this.request('INVITE', this.gateway.sip(user, this.at),
      { callId: word(), headers: [`Contact: ${this.contact}`], ...options, body: this.sdp });
  }

  /** BYE of the call that `invite` gave `answer` to. */
  hangUp(answer) {
    const { lines, cseq } = this.sent;
    const target = /<([^>]+)>/.exec(answer.get('contact'))[1];
    this.write([`BYE ${target} SIP/2.0`, lines[1].replace(this.sent.branch, `z9hG4bK${word()}`), ...lines.slice(2, 4),
      `To: ${answer.get('to')}`, lines[5], `CSeq: ${cseq + 1} BYE`]);
  }

  /** CANCEL of the request sent last. */
  cancel() {
    const { lines, uri, cseq } = this.sent;
    this.write([`CANCEL ${uri} SIP/2.0`, ...lines.slice(1, 6), `CSeq: ${cseq} CANCEL`]);
  }
}
