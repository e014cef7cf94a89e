export interface BackoffOptions {
  readonly firstMs: number;
  readonly capMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The part of each pause that is never cut short; default a half. 0 suits contenders for one write, of whom one can come through. */
  readonly leastPart?: number;
}

/** Past it the cap has long been reached, and the power must not become Infinity. */
const MOST_DOUBLINGS = 30;

/**
 * How long to wait after failure number `failures` (1, 2, …) in a row: doubling from `firstMs` up to `capMs`, and drawn between a part of that
 * and all of it, so that servers that failed at one moment do not knock again at one moment.
 */
export function backoff({ firstMs, capMs, random, leastPart = 0.5 }: BackoffOptions): (failures: number) => number {
  return (failures) =>
    Math.min(capMs, firstMs * 2 ** Math.min(Math.max(0, failures - 1), MOST_DOUBLINGS)) *
    (leastPart + random() * (1 - leastPart));
}
