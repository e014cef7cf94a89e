/** Fewer failures in a window are a hiccup. */
const FAILURES_THAT_COUNT = 3;
/** And fewer than this part of the window's calls: late answers of a busy server that serves the others. */
const PART_THAT_COUNTS = 0.1;
const WINDOW_MS = 1_000;

/** Whether a server fails often enough that it is better not asked. */
export class Failures {
  readonly #nowMs: () => number;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #calls = 0;
  #failures = 0;

  /** @param nowMs milliseconds that only grow */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  answered(): void {
    this.#count();
  }

  /** @returns whether it is too many */
  failed(): boolean {
    this.#count();
    this.#failures += 1;
    return this.#failures >= FAILURES_THAT_COUNT && this.#failures >= this.#calls * PART_THAT_COUNTS;
  }

  #count(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#calls = 0;
      this.#failures = 0;
    }
    this.#calls += 1;
  }
}
