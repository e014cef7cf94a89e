/** Requests for links, as numbers: below `keys` those of a Zipf distribution or a scan, above it each a link that is asked for once. */

export interface TraceOptions {
  readonly alpha: number;
  readonly keys: number;
  readonly requests: number;
  /** Of all requests. */
  readonly onceShare: number;
  /** Of all requests: one link after another, over and over. */
  readonly scanShare: number;
  /** Requests after which what is asked for moves on by one link. */
  readonly movesEvery: number;
  readonly seed: number;
}

const ONCE_SHARE = 0.08;
const SCAN_SHARE = 0.2;
/** Requests after which every link has risen by a rank, and the first has fallen behind all. */
const MOVES_EVERY = 200;

const plain = { onceShare: ONCE_SHARE, scanShare: 0, movesEvery: Number.POSITIVE_INFINITY };
const ALPHAS = [0.8, 1, 1.2, 1.5];

/** Quartiles of 45 production caches: alpha 0.82, 1.23 and 1.51; the median of what is asked for once, 7.9 %. */
export const TRACES: readonly (Omit<TraceOptions, 'keys' | 'requests' | 'seed'> & { readonly name: string })[] = [
  ...ALPHAS.map((alpha) => ({ ...plain, name: `Zipf ${alpha}`, alpha })),
  ...ALPHAS.map((alpha) => ({ ...plain, name: `Zipf ${alpha} and a scan`, alpha, scanShare: SCAN_SHARE })),
  ...[0.8, 1.2].map((alpha) => ({ ...plain, name: `Zipf ${alpha} that moves`, alpha, movesEvery: MOVES_EVERY })),
];

/** mulberry32: the same numbers from the same seed, everywhere. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Which of `keys` is asked for, the first most often: its share is that of 1 / rank ^ alpha. */
function zipf(keys: number, alpha: number): (random: number) => number {
  const below = new Float64Array(keys);
  let sum = 0;
  for (let i = 0; i < keys; i += 1) {
    sum += 1 / (i + 1) ** alpha;
    below[i] = sum;
  }
  return (random) => {
    const asked = random * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((below[middle] as number) > asked) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

export function traceOf({ alpha, keys, requests, onceShare, scanShare, movesEvery, seed }: TraceOptions): Uint32Array {
  const random = randomOf(seed);
  const rank = zipf(keys, alpha);
  const trace = new Uint32Array(requests);
  let once = keys;
  let scanned = 0;
  for (let i = 0; i < requests; i += 1) {
    const kind = random();
    if (kind < onceShare) trace[i] = once++;
    // From the least popular on: that a scan finds popular links in the cache says nothing of it.
    else if (kind < onceShare + scanShare) trace[i] = keys - 1 - (scanned++ % keys);
    else trace[i] = (rank(random()) + Math.floor(i / movesEvery)) % keys;
  }
  return trace;
}

/** A path of a generated link; those of neighbours in the trace's order are none in the alphabet's. */
export function pathOf(key: number): string {
  return `/${(100_000 + ((Math.imul(key, 0x9e37_79b1) >>> 0) % 2 ** 31)).toString(36)}`;
}
