/**
 * How fast counters are used, from samples of the total issued. Rises within a sample or two and falls over minutes: too high a
 * rate costs a range that a crash may lose, too low a rate costs an outage.
 */
const RISE = 0.5;
const FALL_MS = 120_000;
/** Shorter samples would take one burst for a rate. */
const SHORTEST_SAMPLE_MS = 100;

export class BurnMeter {
  #lastMs: number;
  #lastIssued: number;
  #perMs = 0;

  constructor(nowMs: number, issued: number) {
    this.#lastMs = nowMs;
    this.#lastIssued = issued;
  }

  get perMs(): number {
    return this.#perMs;
  }

  sample(nowMs: number, issued: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (elapsedMs < SHORTEST_SAMPLE_MS) return;
    const rate = (issued - this.#lastIssued) / elapsedMs;
    const weight = rate > this.#perMs ? RISE : 1 - Math.exp(-elapsedMs / FALL_MS);
    this.#perMs += (rate - this.#perMs) * weight;
    this.#lastMs = nowMs;
    this.#lastIssued = issued;
  }
}
