const JITTER_PART = 0.1;
/** More than a read and the put of what it found take together, and than clocks differ. */
const SLOWEST_PUT_MS = 60_000;

/** After so long no cache holds what was read before, however slowly it was put there: a value is kept for `ttlMs`, give or take. */
export function longestLifeMs(ttlMs: number): number {
  return Math.ceil(ttlMs * (1 + JITTER_PART)) + SLOWEST_PUT_MS;
}

/**
 * How long a value is kept, in milliseconds: `ttlMs` ±10 %, so that values cached together do not expire together. Whether the link
 * still redirects is judged from the value, at redirect time: one that has expired is kept as long as any other, or each of its
 * requests would be a question to the database.
 *
 * @param random uniform in [0, 1)
 */
export function jittered(ttlMs: number, random: number): number {
  return Math.max(1, Math.round(ttlMs * (1 - JITTER_PART + 2 * JITTER_PART * random)));
}
