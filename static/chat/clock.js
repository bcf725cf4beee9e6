// Time, which tests put in the place of their own, and how long to wait before another attempt.

const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

export const systemClock = {
  /** The time of day. It jumps when somebody sets the clock. */
  now: () => Date.now(),
  /** Milliseconds that only ever pass, to measure with. */
  ticks: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** Full jitter: a thousand clients that lost the same server do not come back in the same moment. */
export function backoff(attempt, random) {
  return random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt);
}

/** A delay that the server asked for: it counts, and a little more is drawn. */
export const noSoonerThan = (ms, random) => ms + random() * FIRST_DELAY;
