// Ports that are free on loopback now, for UDP and TCP, IPv4 and IPv6.
import dgram from 'node:dgram';
import net from 'node:net';

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

let next = 21000 + (process.pid % 97) * 200;

async function free(port) {
  for (const address of ['127.0.0.1', '::1'])
    if (!(await udpFree(port, address)) || !(await tcpFree(port, address))) return false;
  return true;
}

/** One free port; below the range the kernel gives out by itself, so that nobody takes it meanwhile. */
export async function freePort() {
  for (let tries = 0; tries < 500; tries++) {
    next = next >= 31900 ? 21000 : next + 1;
    if (await free(next)) return next;
  }
  throw new Error('no free port');
}
