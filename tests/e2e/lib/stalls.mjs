// How long this process stood still: what it saw late it may have been told in time, and what it said late was due earlier.
// Bounds of time are given that much more.
const PERIOD = 50, JITTER = 25; // ms
const stalls = []; // {at, ms}
let last = performance.now();

setInterval(() => {
  const now = performance.now(), ms = now - last - PERIOD;
  last = now;
  if (ms > JITTER) stalls.push({ at: now, ms });
}, PERIOD).unref();

/** Milliseconds for which it stood still since `since`, of performance.now(). */
export function stalledSince(since) {
  const running = Math.max(0, performance.now() - last - PERIOD - JITTER); // one that is not over yet
  return stalls.reduce((sum, { at, ms }) => sum + (at >= since ? ms : 0), running);
}
