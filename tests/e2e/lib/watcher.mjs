// A WebSocket client that only counts: many of them cost this side of the test little. What it got is looked at
// only where a test asks for it.
import net from 'node:net';
import { randomBytes } from 'node:crypto';

const upgrade = (url, token) => [
  `GET ${url.pathname}?access_token=${token} HTTP/1.1`, `Host: ${url.host}`, 'Connection: Upgrade', 'Upgrade: websocket',
  'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, '', ''].join('\r\n');

/** One masked text frame. */
export function frameOf(text) {
  const data = Buffer.from(text), mask = randomBytes(4);
  const head = data.length < 126 ? Buffer.from([0x81, 0x80 | data.length])
    : Buffer.from([0x81, 0x80 | 126, data.length >> 8, data.length & 255]);
  for (let i = 0; i < data.length; i++) data[i] ^= mask[i & 3];
  return Buffer.concat([head, mask, data]);
}

export const requestOf = (id, method, params = {}) => frameOf(JSON.stringify({ jsonrpc: '2.0', id, method, params }));

export class Watcher {
  /** Resolves when the server has taken the connection in. */
  static connect(address, token) {
    const url = new URL(address.replace(/^ws/, 'http'));
    const watcher = new Watcher(net.connect(Number(url.port), url.hostname));
    watcher.socket.write(upgrade(url, token));
    return new Promise((resolve, reject) => {
      watcher.onOpen = () => resolve(watcher);
      watcher.socket.once('error', reject);
      watcher.closed.then(() => reject(new Error('refused')));
    });
  }

  constructor(socket) {
    Object.assign(this, { socket, messages: 0, bytes: 0, last: '', keep: null, isOpen: false, rest: Buffer.alloc(0) });
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    this.closed.then(() => (this.isClosed = true));
    socket.on('data', (data) => this.take(data));
  }

  take(data) {
    this.bytes += data.length;
    this.rest = this.rest.length ? Buffer.concat([this.rest, data]) : data;
    if (!this.isOpen) {
      const end = this.rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!this.rest.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) return void this.socket.destroy();
      this.rest = this.rest.subarray(end + 4);
      this.isOpen = true;
      this.onOpen();
    }
    for (let at = 0; ;) {
      const size = this.frameAt(at);
      if (!size) return void (this.rest = this.rest.subarray(at));
      at += size;
    }
  }

  /** Takes the frame at `at`; gives its size, 0 when it is not whole. */
  frameAt(at) {
    const { rest } = this, left = rest.length - at;
    if (left < 2) return 0;
    let size = rest[at + 1] & 127, head = 2;
    if (size === 126) {
      if (left < 4) return 0;
      [size, head] = [rest.readUInt16BE(at + 2), 4];
    } else if (size === 127) {
      if (left < 10) return 0;
      [size, head] = [Number(rest.readBigUInt64BE(at + 2)), 10];
    }
    if (left < head + size) return 0;
    this.frame(rest[at] & 15, rest.subarray(at + head, at + head + size));
    return head + size;
  }

  frame(opcode, payload) {
    if (opcode === 9) this.socket.write(Buffer.concat([Buffer.from([0x8a, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
    else if (opcode === 8) {
      [this.closeCode, this.closeReason] = [payload.readUInt16BE(0), payload.subarray(2).toString()];
      this.socket.end();
    } else {
      this.messages++;
      this.onMessage?.(payload);
    }
  }

  send(...requests) {
    this.socket.write(Buffer.concat(requests));
  }

  drop() {
    this.socket.destroy();
  }
}

/** `count` watchers of `room`, each with the answer to its room.watch. */
export async function watchers(t, gateway, count, room = '*') {
  const token = gateway.token('watcher');
  const all = [];
  t.after(() => all.forEach((watcher) => watcher.drop()));
  while (all.length < count) {
    const some = await Promise.all(Array.from({ length: Math.min(20, count - all.length) }, () => Watcher.connect(gateway.ws, token)));
    for (const watcher of some) if (room) watcher.send(requestOf(1, 'room.watch', { name: room }));
    all.push(...some);
  }
  return all;
}
