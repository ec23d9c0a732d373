// A small test runner: tests register themselves, run side by side, and clean up after themselves.
const registered = [];

/* How long is waited at least for what must come, in seconds: a busy machine lets a process stand still for seconds. It
 * costs time only where a test fails. */
const PATIENCE = 30;
const TEST_PATIENCE = 120;

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
    this.queued = 0; // ms
  }

  /** Waits for a turn at what not everybody can have at once: that is not of the test's own time. */
  async queue(turn) {
    const begun = performance.now();
    this.turn = turn;
    await turn;
    this.turn = null;
    this.queued += performance.now() - begun;
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

function withTimeout(context, promise, seconds) {
  let timer;
  const begun = performance.now();
  const limit = new Promise((_, reject) => {
    const look = () => {
      const left = begun + context.queued + seconds * 1000 - performance.now();
      if (context.turn) context.turn.then(() => (timer = setTimeout(look, 0)));
      else if (left > 0) timer = setTimeout(look, left);
      else reject(new Error(`not finished after ${seconds} s`));
    };
    look();
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

async function runOne({ options, body }, runOptions) {
  const context = new Context(runOptions);
  const errors = [];
  try {
    await withTimeout(context, body(context), Math.max(options.timeout ?? 60, TEST_PATIENCE));
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
const WIDTH = 5;

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

/** Polls `check` until it gives something true; `what` names it in the error. It is patient: how fast something is, is no
 * question for it. */
export async function until(what, check, seconds = PATIENCE) {
  const patience = Math.max(seconds, PATIENCE), end = performance.now() + patience * 1000;
  for (;;) {
    const isLast = performance.now() > end; // after that it is asked once more: it may be this process that stood still
    const value = await check();
    if (value) return value;
    if (isLast) throw new Error(`${what}: not within ${patience} s`);
    await sleep(50);
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
