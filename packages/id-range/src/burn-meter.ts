/**
 * How fast counters are used, from samples of the total issued. A moving mean that rises within seconds and falls within minutes:
 * too high a rate costs a range that a crash may lose, too low a rate costs an outage. Its weights follow from the time that a
 * sample covers, so it does not matter when samples are taken.
 */
const RISE_MS = 10_000;
const FALL_MS = 120_000;
/** Below this, the coarseness of clocks and bursts would be most of the sample. */
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
    this.#perMs += (rate - this.#perMs) * (1 - Math.exp(-elapsedMs / (rate > this.#perMs ? RISE_MS : FALL_MS)));
    this.#lastMs = nowMs;
    this.#lastIssued = issued;
  }
}
