// Runs the end-to-end tests against one gateway binary and prints TAP (version 13).
import { readdirSync } from 'node:fs';
import { resolve, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runAll } from './lib/tap.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const options = { binary: '', long: false, only: [], sanitized: false, shots: '' };
const words = process.argv.slice(2);
while (words.length) {
  const word = words.shift();
  if (word === '--long') options.long = true;
  else if (word === '--only') options.only.push(words.shift());
  else if (word === '--sanitized') options.sanitized = true;
  else if (word === '--screenshots') options.shots = resolve(words.shift());
  else if (!options.binary && !word.startsWith('-')) options.binary = resolve(word);
  else {
    console.error(`unknown argument ${word}`);
    process.exit(2);
  }
}
if (!options.binary) {
  console.error('usage: tests/e2e/run GATEWAY_BINARY [--long] [--only WORD] [--sanitized] [--screenshots DIRECTORY]');
  process.exit(2);
}
for (const file of readdirSync(here).filter((name) => name.endsWith('.test.mjs')).sort())
  await import(pathToFileURL(join(here, file)));
// What is thrown outside of a test (a callback of a stream) is a failure, but not the end of the others and of their clean-up.
let strays = 0;
process.on('uncaughtException', (error) => {
  strays++;
  console.log(`not ok - outside of any test\n${String(error?.stack ?? error).replace(/^/gm, '# ')}`);
});
process.exit((await runAll(options)) && strays === 0 ? 0 : 1);
