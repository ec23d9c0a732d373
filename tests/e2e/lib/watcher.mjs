// A WebSocket client that only counts: many of them cost this side of the test little. What it got is
// checked when the gateway is at its end, so that it costs nothing before.
import net from 'node:net';
import { randomBytes } from 'node:crypto';
import { Frames } from './frames.mjs';
import { Checker } from './schema.mjs';

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

export function requestOf(id, method, params = {}) {
  const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
  return Object.assign(frameOf(text), { text });
}

/* The same notification for many connections is looked at once. */
const recent = new Map();

function isNews(port, payload) {
  if (!payload.subarray(0, 40).includes('"method"')) return true;
  const some = recent.get(port) ?? [];
  if (some.some((each) => each.equals(payload))) return false;
  recent.set(port, [...some.slice(-15), Buffer.from(payload)]);
  return true;
}

export class Watcher {
  /** Resolves when the server has taken the connection in. */
  static connect(address, token) {
    const url = new URL(address.replace(/^ws/, 'http'));
    const watcher = new Watcher(net.connect(Number(url.port), url.hostname), address);
    watcher.socket.write(upgrade(url, token));
    return new Promise((resolve, reject) => {
      watcher.onOpen = () => resolve(watcher);
      watcher.socket.once('error', reject);
      watcher.closed.then(() => reject(new Error('refused')));
    });
  }

  constructor(socket, address) {
    Object.assign(this, { socket, messages: 0, bytes: 0, controlBytes: 0, last: '', keep: null, isOpen: false, head: Buffer.alloc(0) });
    this.frames = new Frames((frame) => this.frame(frame));
    this.checker = new Checker(address);
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    this.closed.then(() => (this.isClosed = true));
    socket.on('data', (data) => this.take(data));
  }

  take(data) {
    this.bytes += data.length;
    if (this.isOpen) return void this.frames.take(data);
    this.head = Buffer.concat([this.head, data]);
    const end = this.head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!this.head.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) return void this.socket.destroy();
    this.isOpen = true;
    this.onOpen();
    this.frames.take(this.head.subarray(end + 4));
  }

  frame({ final, opcode, payload }) {
    if (opcode >= 8) this.controlBytes += 2 + payload.length;
    if (opcode === 9) this.socket.write(Buffer.concat([Buffer.from([0x8a, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
    else if (opcode === 8) {
      [this.closeCode, this.closeReason] = [payload.readUInt16BE(0), payload.subarray(2).toString()];
      this.socket.end();
    } else {
      this.messages++;
      if (final && isNews(this.checker.port, payload)) this.checker.later(payload.toString());
      this.onMessage?.(payload);
    }
  }

  send(...requests) {
    for (const { text } of requests) if (text) this.checker.sent(text);
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
