// A small test runner: tests register themselves, run two at a time, and clean up after themselves.
const registered = [];

/** Registers a test. `options`: `long` runs with --long only, `alone` with nothing beside it, `timeout` seconds. */
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

/* What is printed of one test, in one piece: others run beside it. */
async function report(entry, number, options) {
  const head = `${number} - ${entry.name}`;
  if (entry.options.long && !options.long) {
    console.log(`ok ${head} # SKIP runs with --long`);
    return true;
  }
  const started = Date.now();
  const { errors, skipped, notes } = await runOne(entry, options);
  const lines = [...notes, ...errors.map((error) => error.stack ?? error), `${((Date.now() - started) / 1000).toFixed(1)} s`];
  const verdict = skipped ? `ok ${head} # SKIP ${skipped.message}` : `${errors.length ? 'not ok' : 'ok'} ${head}`;
  console.log([verdict, ...lines.map((line) => String(line).replace(/^/gm, '# '))].join('\n'));
  return errors.length === 0;
}

/* Runs `entries` in their order, `width` at a time; gives how many failed. */
async function runSome(entries, width, options) {
  let failed = 0;
  const left = [...entries];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) failed += !(await report(next.entry, next.number, options));
  };
  await Promise.all(Array.from({ length: width }, worker));
  return failed;
}

/* They wait most of their time; browsers take turns of their own. */
const WIDTH = 4;

/** Runs what was registered, most of it side by side; gives true when nothing failed. */
export async function runAll(options) {
  const wanted = registered
    .filter(({ name }) => options.only.length === 0 || options.only.some((word) => name.includes(word)))
    .map((entry, index) => ({ entry, number: index + 1 }));
  console.log(`TAP version 13\n1..${wanted.length}`);
  const beside = wanted.filter(({ entry }) => !entry.options.alone);
  const alone = wanted.filter(({ entry }) => entry.options.alone);
  return (await runSome(beside, WIDTH, options)) + (await runSome(alone, 1, options)) === 0;
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
