// A JSON-RPC client on a WebSocket (RFC 6455) of its own, so that nothing but Node is needed and raw frames can be sent.
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { Frames } from './frames.mjs';
import { Checker, isDescribed } from './schema.mjs';

const TEXT = 1, CLOSE = 8, PING = 9, PONG = 10;

export class RpcError extends Error {
  constructor(method, error) {
    super(`${method}: ${error.message} ${JSON.stringify(error.data ?? {})}`);
    Object.assign(this, { code: error.code, data: error.data ?? {}, text: error.message });
  }
}

export class Rpc {
  /** Connects to `url` with `token` (null: none); rejects with `status` when the upgrade is refused. */
  static connect(url, token) {
    const address = new URL(url.replace(/^ws/, 'http'));
    if (token !== null) address.searchParams.set('access_token', token);
    return new Promise((resolve, reject) => {
      const request = http.request(address, {
        headers: {
          Connection: 'Upgrade', Upgrade: 'websocket',
          'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
        },
      });
      request.setTimeout(30000, () => request.destroy(new Error('no answer to the upgrade')));
      request.on('upgrade', (_, socket, head) => resolve(new Rpc(socket, head, url)));
      request.on('response', (response) => {
        response.resume();
        reject(Object.assign(new Error(`upgrade refused with ${response.statusCode}`), { status: response.statusCode }));
      });
      request.on('error', reject);
      request.end();
    });
  }

  constructor(socket, head, url) {
    this.checker = isDescribed() ? new Checker(url) : null;
    this.socket = socket;
    this.socket.setTimeout(0);
    this.waiting = new Map();
    this.next = 1;
    this.events = [];
    this.notifications = [];
    this.raw = [];
    this.closed = new Promise((resolve) => (this.onClosed = resolve));
    this.parts = [];
    const frames = new Frames((frame) => this.take(frame));
    socket.on('data', (data) => frames.take(data));
    socket.on('error', () => {});
    socket.on('close', () => this.ended());
    frames.take(head);
  }

  ended() {
    this.isClosed = true;
    for (const { reject, method } of this.waiting.values()) reject(new Error(`${method}: the socket closed`));
    this.waiting.clear();
    this.onClosed();
  }

  take({ final, opcode, payload }) {
    if (opcode === PING) this.send(payload, PONG);
    else if (opcode === CLOSE) this.closedBy(payload);
    else if (opcode <= 2) this.part({ final, payload });
  }

  /** The other side closes: it is answered in kind. */
  closedBy(payload) {
    [this.closeCode, this.closeReason] = payload.length >= 2 ? [payload.readUInt16BE(0), payload.subarray(2).toString()] : [1005, ''];
    if (this.hasClosed) return;
    this.hasClosed = true;
    this.send(payload, CLOSE);
  }

  part({ final, payload }) {
    this.parts.push(payload);
    if (!final) return;
    const text = Buffer.concat(this.parts).toString();
    this.parts = [];
    this.checker?.received(text);
    this.message(JSON.parse(text));
  }

  message(message) {
    const waiting = this.waiting.get(message.id);
    if (waiting) {
      this.waiting.delete(message.id);
      if (message.error) waiting.reject(new RpcError(waiting.method, message.error));
      else waiting.resolve(message.result);
    } else if (message.method === 'event') this.events.push(message.params);
    else if (message.method) this.notifications.push(message);
    else this.raw.push(message);
  }

  /** Sends one masked frame. */
  send(payload, opcode = TEXT) {
    if (opcode === TEXT) this.checker?.sent(String(payload));
    const data = Buffer.from(payload), mask = randomBytes(4);
    const size = data.length < 126 ? [data.length | 128]
      : data.length < 65536 ? [126 | 128, data.length >> 8, data.length & 255]
        : [127 | 128, 0, 0, 0, 0, ...Buffer.from(new Uint32Array([data.length]).buffer).reverse()];
    const masked = Buffer.from(data.map((byte, index) => byte ^ mask[index & 3]));
    if (!this.isClosed) this.socket.write(Buffer.concat([Buffer.from([128 | opcode, ...size]), mask, masked]));
  }

  call(method, params = {}, seconds = 30) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error(`${method}: no answer in ${seconds} s`));
      }, seconds * 1000);
      const settle = (how) => (value) => (clearTimeout(timer), how(value));
      this.waiting.set(id, { method, resolve: settle(resolve), reject: settle(reject) });
      this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** The error of a call that must fail. */
  async fails(method, params) {
    try {
      await this.call(method, params);
    } catch (error) {
      if (error instanceof RpcError) return error;
      throw error;
    }
    throw new Error(`${method} ${JSON.stringify(params)} succeeded`);
  }

  close() {
    if (!this.isClosed && !this.hasClosed) this.send(Buffer.from([3, 232]), CLOSE);
    this.hasClosed = true;
    setTimeout(() => this.socket.destroy(), 200).unref();
    return this.closed;
  }

  /** Cuts the connection without a word. */
  drop() {
    this.socket.resetAndDestroy ? this.socket.resetAndDestroy() : this.socket.destroy();
  }
}
