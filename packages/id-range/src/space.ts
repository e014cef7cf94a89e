/** Counters are below this: seven characters of base 62. A mark may equal it (everything is leased) and never exceeds it. */
export const COUNTER_SPACE_END = 62 ** 7;

/** The first mark of every namespace, whatever its range size (I6). */
export const FIRST_MARK = 100_000;
