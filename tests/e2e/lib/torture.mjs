// The messages of tests/torture/messages.txt, which says how they are written.
import { readFileSync } from 'node:fs';

function bytes(text, transport) {
  const parts = [];
  let rest = text.replaceAll('\n', '\r\n');
  for (let match; (match = /@\{([^}]*)\}/.exec(rest)); rest = rest.slice(match.index + match[0].length)) {
    parts.push(Buffer.from(rest.slice(0, match.index)));
    const repeat = /^(\d+)\*(.*)$/.exec(match[1]);
    if (match[1] === 'VIA') parts.push(Buffer.from(transport.toUpperCase()));
    else if (repeat) parts.push(Buffer.from(repeat[2].repeat(Number(repeat[1]))));
    else parts.push(Buffer.from(match[1].replaceAll(' ', ''), 'hex'));
  }
  return Buffer.concat([...parts, Buffer.from(rest)]);
}

/** [{name, answers, bytes}] of those that go over `transport`. */
export function tortureMessages(transport) {
  const file = readFileSync(new URL('../../torture/messages.txt', import.meta.url), 'utf8');
  return file.split(/^=== /m).slice(1).flatMap((section) => {
    const [head, ...lines] = section.split('\n');
    const [name, , transports, answers] = head.split(' ');
    while (lines[0].startsWith('#')) lines.shift();
    if (transports !== 'both' && transports !== transport) return [];
    return [{ name, answers: answers.split('|'), bytes: bytes(lines.join('\n'), transport) }];
  });
}
