// A relay in front of a gateway that reads along: what other programs say to its API and hear of it is checked as
// what the tests say and hear themselves. Bytes pass as they are.
import net from 'node:net';
import { texts } from './frames.mjs';
import { Checker } from './schema.mjs';

const END = '\r\n\r\n';

/** One direction: the head of HTTP first; `onHead` says whether what follows are frames for `onText`. */
function listener(onText) {
  let head = Buffer.alloc(0), isOver = false;
  const frames = texts(onText);
  return (data) => {
    if (isOver) return frames.take(data);
    head = Buffer.concat([head, data]);
    const end = head.indexOf(END);
    if (end < 0) return undefined;
    isOver = true;
    return end + END.length < head.length ? frames.take(head.subarray(end + END.length)) : undefined;
  };
}

function join(outside, port) {
  const inner = net.connect(port, '127.0.0.1');
  const checker = new Checker(`ws://127.0.0.1:${port}`);
  let isSocket = null; // not known yet
  const sent = listener((text) => checker.sent(text)), received = listener((text) => checker.received(text));
  inner.on('data', (data) => {
    isSocket ??= data.subarray(0, 13).toString() === 'HTTP/1.1 101 ';
    if (isSocket) received(data);
  });
  outside.on('data', (data) => {
    if (isSocket !== false) sent(data);
  });
  for (const [from, to] of [[outside, inner], [inner, outside]]) from.on('error', () => to.destroy()).pipe(to);
  return inner;
}

/** Listens for as long as the test lasts; gives its port. */
export async function relay(t, port) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    for (const each of [socket, join(socket, port)]) sockets.add(each.on('close', () => sockets.delete(each)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => (server.close(), sockets.forEach((socket) => socket.destroy())));
  return server.address().port;
}
