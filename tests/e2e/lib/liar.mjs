// A relay in front of a SIP server (UDP) that changes what the server says, to see whether its peer notices.
import dgram from 'node:dgram';

const bound = () => new Promise((resolve, reject) => {
  const socket = dgram.createSocket('udp4');
  socket.once('error', reject);
  socket.bind(0, '127.0.0.1', () => resolve(socket));
});

/** `text` with another Content-Length, where the body is another one. */
function measured(text) {
  const end = text.indexOf('\r\n\r\n') + 4;
  return text.slice(0, end).replace(/^(Content-Length|l) *:.*$/im, `$1: ${text.length - end}`) + text.slice(end);
}

/** Every "127.0.0.1:PORT" of `ports` becomes another; credentials stay, they are signed. */
function readdressed(text, ports) {
  const one = (line) => (/^(Proxy-)?Authorization:/i.test(line) ? line
    : line.replace(/127\.0\.0\.1:(\d+)/g, (all, port) => (ports[port] ? `127.0.0.1:${ports[port]}` : all)));
  return text.split('\r\n').map(one).join('\r\n');
}

export class Liar {
  /** A relay to `serverPort` of loopback. `lie(text, port)` gives what the client at `port` is told instead of `text`. */
  static async start(t, serverPort, lie) {
    const liar = Object.assign(new Liar(), { serverPort, lie, clients: new Map() });
    liar.socket = await bound();
    liar.port = liar.socket.address().port;
    liar.socket.on('message', (data, { port }) => liar.fromClient(data.toString('latin1'), port));
    t.after(() => liar.close());
    return liar;
  }

  close() {
    this.closed = true;
    this.socket.close();
    for (const client of this.clients.values()) client.then((socket) => socket.close());
  }

  /* The socket towards the server that stands for the client at `port`. */
  towardsServer(port) {
    if (!this.clients.has(port))
      this.clients.set(port, bound().then((socket) => {
        socket.on('message', (data) => this.fromServer(data.toString('latin1'), port, socket.address().port));
        return socket;
      }));
    return this.clients.get(port);
  }

  async fromClient(text, port) {
    const socket = await this.towardsServer(port);
    const ports = { [this.port]: this.serverPort, [port]: socket.address().port };
    if (!this.closed) socket.send(Buffer.from(measured(readdressed(text, ports)), 'latin1'), this.serverPort, '127.0.0.1');
  }

  fromServer(text, port, ours) {
    const changed = this.lie(text, port);
    const ports = { [this.serverPort]: this.port, [ours]: port };
    if (!this.closed) this.socket.send(Buffer.from(measured(readdressed(changed, ports)), 'latin1'), port, '127.0.0.1');
  }
}
