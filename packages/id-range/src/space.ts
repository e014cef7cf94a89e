/** Counters are below this: seven characters of base 62. A mark may equal it (everything is leased) and never exceeds it. */
export const COUNTER_SPACE_END = 62 ** 7;

/**
 * Fewer than this are told to people. 1 % of what one sealed key covers (62^6): at 2,000 creates a second more than three days, time to add a
 * key and restart the servers in working hours. docs/runbooks/counter_space_ended.md has an alert with this number.
 */
export const LITTLE_LEFT = 568_000_000;

/** The first mark of every namespace, whatever its range size (I6). */
export const FIRST_MARK = 100_000;

const LEAD_RANGES = 50_000;
const LEAST_LEAD_RANGE = 100_000;

/**
 * How far the mark may honestly be above the ledger's head: by ranges that servers took from it and gave up, because the ledger did not
 * record them. A ledger that can be read and not written makes a server do so at every attempt, in the end every five seconds: 50,000 are
 * what seventy servers give up in an hour, or one in almost three days. Ranges of `size`, of a lakh at least, for other servers may have
 * larger ones: with the default five thousand million counters, of the space's three and a half million million.
 */
export function plausibleLead(size: number): number {
  return LEAD_RANGES * Math.max(size, LEAST_LEAD_RANGE);
}
