const JITTER_PART = 0.1;
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
