/**
 * Whether Redis is asked.
 *
 *     down ──probe succeeds──▶ quarantine ──quarantineMs──▶ up
 *       ▲                          │                        │
 *       └──── calls or probe fail, or connection lost ──────┘
 *
 * While it is down nobody waits: a probe in the background finds out when it is back, never a user's request. Quarantine: after
 * an outage it may hold what was changed meanwhile, so it is not read until those who have invalidations waiting have
 * had time to deliver them. The very first connection needs none.
 */
export type RedisState = 'up' | 'down' | 'quarantine';

export interface BreakerOptions {
  readonly quarantineMs: number;
  /** Milliseconds that only grow. */
  readonly nowMs: () => number;
  /** `error`: of the failure that opened it. */
  readonly onChange: (state: RedisState, reason: string, error?: unknown) => void;
}

/** Fewer failures in a window are a hiccup. */
const FAILURES_TO_OPEN = 3;
/** And fewer than this part of the window's calls: late answers of a busy server that serves the others. */
const FAILURE_PART_TO_OPEN = 0.1;
const WINDOW_MS = 1_000;
/** One may be late for a slow command of somebody else's. */
const PROBES_TO_OPEN = 2;

export class Breaker {
  readonly #options: BreakerOptions;
  #state: RedisState = 'down';
  #hasFailed = false;
  #quarantineEndMs = 0;
  #windowStartMs = 0;
  #calls = 0;
  #failures = 0;
  #failedProbes = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): RedisState {
    if (this.#state === 'quarantine' && this.#options.nowMs() >= this.#quarantineEndMs) {
      this.#change('up', 'quarantine over');
    }
    return this.#state;
  }

  /** A call was answered, if only with an error about one key. */
  success(): void {
    this.#count();
  }

  /** A call was not answered, or with an error that the next one would meet too. */
  failure(error: unknown): void {
    if (!this.#count()) return;
    this.#failures += 1;
    if (this.#failures >= FAILURES_TO_OPEN && this.#failures >= this.#calls * FAILURE_PART_TO_OPEN) {
      this.open(`${this.#failures} of ${this.#calls} calls failed`, error);
    }
  }

  /** Every master answered a probe. */
  probeAnswered(): void {
    this.#failedProbes = 0;
    if (this.state !== 'down') return;
    const nowMs = this.#options.nowMs();
    this.#startWindow(nowMs);
    this.#quarantineEndMs = nowMs + this.#options.quarantineMs;
    if (this.#hasFailed) this.#change('quarantine', 'a probe was answered');
    else this.#change('up', 'connected');
  }

  /** Some master did not answer a probe. */
  probeFailed(error: unknown): void {
    this.#failedProbes += 1;
    if (this.#failedProbes >= PROBES_TO_OPEN) this.open(`${this.#failedProbes} probes in a row failed`, error);
  }

  /** Stops asking until a probe is answered. A Redis that is away from the start is told of too, once. */
  open(reason: string, error?: unknown): void {
    const isNews = this.#state !== 'down' || !this.#hasFailed;
    this.#hasFailed = true;
    if (isNews) this.#change('down', reason, error);
  }

  /** False while it is open: what calls find then decides nothing. */
  #count(): boolean {
    if (this.state === 'down') return false;
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#windowStartMs >= WINDOW_MS) this.#startWindow(nowMs);
    this.#calls += 1;
    return true;
  }

  #startWindow(nowMs: number): void {
    this.#windowStartMs = nowMs;
    this.#calls = 0;
    this.#failures = 0;
  }

  #change(state: RedisState, reason: string, error?: unknown): void {
    this.#state = state;
    this.#options.onChange(state, reason, error);
  }
}
