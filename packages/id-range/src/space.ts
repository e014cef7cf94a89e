/** Counters are below this: seven characters of base 62. A mark may equal it (everything is leased) and never exceeds it. */
export const COUNTER_SPACE_END = 62 ** 7;

/**
 * Fewer than this are told to people. 1 % of what one sealed key covers (62^6): at 2,000 creates a second more than three days, time to add a
 * key and restart the servers in working hours. docs/runbooks/counter_space_ended.md has an alert with this number.
 */
export const LITTLE_LEFT = 568_000_000;

/** The first mark of every namespace, whatever its range size (I6). */
export const FIRST_MARK = 100_000;
