// Another program, run to its end. Never with spawnSync: all tests of a run share this process, and what it relays for others
// (sockets of peers, the relay that reads along) would stand still until the program has ended.
import { spawn } from 'node:child_process';

/** {error, status, stdout, stderr}, as of spawnSync with texts; `input` goes to its standard input; it runs in `cwd`. */
export const runProgram = (command, args, { input = '', timeout, cwd } = {}) => new Promise((resolve) => {
  const child = spawn(command, args, { timeout, cwd });
  const texts = { stdout: '', stderr: '' };
  for (const name of Object.keys(texts)) child[name].setEncoding('utf8').on('data', (text) => (texts[name] += text));
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(input);
  child.on('error', (error) => resolve({ error, status: null, ...texts }));
  child.on('close', (status) => resolve({ status, ...texts }));
});
