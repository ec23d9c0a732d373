// A small test runner: tests register themselves, run one after the other, and clean up after themselves.
const registered = [];

/** Registers a test. `options`: `long` runs with --long only, `browser: true` needs Chromium, `timeout` seconds. */
export function test(name, options, body) {
  registered.push({ name, options, body });
}

export class Skip extends Error {}

/** What a test gets: the run's options, assertions, and `after` for what must be closed at the end. */
class Context {
  constructor(options) {
    this.options = options;
    this.cleanups = [];
    this.notes = [];
  }

  /** Registers a clean-up; they run in reverse order, also after a failure. */
  after(cleanup) {
    this.cleanups.push(cleanup);
  }

  note(text) {
    this.notes.push(text);
  }

  ok(condition, text) {
    if (!condition) throw new Error(text);
  }

  equal(actual, wanted, text) {
    const [a, w] = [JSON.stringify(actual), JSON.stringify(wanted)];
    if (a !== w) throw new Error(`${text}: ${a}, not ${w}`);
  }

  async close() {
    const errors = [];
    for (const cleanup of this.cleanups.reverse()) {
      try {
        await cleanup();
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}

function withTimeout(promise, seconds) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished after ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

async function runOne({ options, body }, runOptions) {
  const context = new Context(runOptions);
  const errors = [];
  try {
    await withTimeout(body(context), options.timeout ?? 60);
  } catch (error) {
    errors.push(error);
  }
  errors.push(...(await context.close()));
  const skipped = errors.find((error) => error instanceof Skip);
  return { errors: skipped ? [] : errors, skipped, notes: context.notes };
}

/** Runs what was registered; gives true when nothing failed. */
export async function runAll(options) {
  const wanted = registered.filter(
    ({ name }) => options.only.length === 0 || options.only.some((word) => name.includes(word)));
  console.log(`TAP version 13\n1..${wanted.length}`);
  let failed = 0;
  for (const [index, entry] of wanted.entries()) {
    const head = `${index + 1} - ${entry.name}`;
    if (entry.options.long && !options.long) {
      console.log(`ok ${head} # SKIP runs with --long`);
      continue;
    }
    const started = Date.now();
    const { errors, skipped, notes } = await runOne(entry, options);
    if (skipped) console.log(`ok ${head} # SKIP ${skipped.message}`);
    else console.log(`${errors.length ? 'not ok' : 'ok'} ${head}`);
    for (const line of [...notes, ...errors.map((error) => error.stack ?? String(error))])
      console.log(String(line).replace(/^/gm, '# '));
    console.log(`# ${((Date.now() - started) / 1000).toFixed(1)} s`);
    if (errors.length) failed += 1;
  }
  return failed === 0;
}

/** Polls `check` until it gives something true; `what` names it in the error. */
export async function until(what, check, seconds = 10) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(50);
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
