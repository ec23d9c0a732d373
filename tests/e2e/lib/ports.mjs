// Ports that are free on loopback now, for UDP and TCP, IPv4 and IPv6.
import dgram from 'node:dgram';
import net from 'node:net';
import { readFileSync } from 'node:fs';

const udpFree = (port, address) =>
  new Promise((resolve) => {
    const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, address, () => socket.close(() => resolve(true)));
  });

const tcpFree = (port, address) =>
  new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, address, () => server.close(() => resolve(true)));
  });

/* The kernel gives out by itself from here on; 32768 almost everywhere. */
function firstGivenOut() {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0]) || 32768;
  } catch {
    return 32768;
  }
}

const END = firstGivenOut() > 13000 ? Math.min(31900, firstGivenOut() - 100) : 31900, BEGIN = END - 10900;
let next = BEGIN + (process.pid % 50) * 200;

async function free(port) {
  for (const address of ['127.0.0.1', '::1'])
    if (!(await udpFree(port, address)) || !(await tcpFree(port, address))) return false;
  return true;
}

/** The first of `count` free ports in a row; below the range the kernel gives out by itself, so that nobody takes it
 * meanwhile. */
export async function freePort(count = 1) {
  for (let tries = 0; tries < 500; tries++) {
    if (next + count > END) next = BEGIN;
    const first = next + 1;
    next += count; // before the first await: tests run side by side
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if ((await Promise.all(ports.map(free))).every(Boolean)) return first;
  }
  throw new Error('no free port');
}
