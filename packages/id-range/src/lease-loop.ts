/**
 * One lease attempt at a time, for ever. At rest, waiting (for the moment that was asked for, or for the end of a backoff), or
 * in flight. A failure waits for a backoff that doubles up to a cap and that nobody shortens; a success is at rest until the
 * next `wake()`. A refusal is a failure like any other: repeated at the capped pace, so that a repair is noticed by itself.
 */
import { backoff } from '@lakh/base';
import type { AllocatorObserver } from './observer.js';
import type { Clock, CounterRange, Randomness, RangeSource } from './ports.js';

export interface LeaseLoopOptions {
  readonly source: RangeSource;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly rangeSize: number;
  readonly backoffFirstMs: number;
  readonly backoffCapMs: number;
  readonly observer?: AllocatorObserver;
}

type Phase =
  | { readonly name: 'resting' }
  | { readonly name: 'waiting'; readonly backoff: boolean; readonly dueMs: number; readonly cancel: () => void }
  | { readonly name: 'in flight' };

const RESTING: Phase = { name: 'resting' };

/** Weight of the newest lease in the mean latency. */
const LATENCY_WEIGHT = 0.2;

export class LeaseLoop {
  readonly #options: LeaseLoopOptions;
  readonly #leased: (range: CounterRange) => void;
  readonly #backoffMs: (failures: number) => number;
  #phase: Phase = RESTING;
  #running = false;
  #attempt: Promise<void> = Promise.resolve();
  #failures = 0;
  #lastError: unknown;
  #latencyMs: number | undefined;

  /** `leased` gets each acknowledged range, also one that arrives after `stop()`. */
  constructor(options: LeaseLoopOptions, leased: (range: CounterRange) => void) {
    const { backoffFirstMs: firstMs, backoffCapMs: capMs, random } = options;
    this.#options = options;
    this.#leased = leased;
    this.#backoffMs = backoff({ firstMs, capMs, random });
  }

  get running(): boolean {
    return this.#running;
  }

  get inFlight(): boolean {
    return this.#phase.name === 'in flight';
  }

  /** How the last attempt failed; undefined once one has succeeded, or before any has failed. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Mean of the recent acknowledged leases; 0 before the first. */
  get latencyMs(): number {
    return this.#latencyMs ?? 0;
  }

  /** Until the next attempt begins; 0 when none is waiting. */
  get dueInMs(): number {
    return this.#phase.name === 'waiting' ? Math.max(0, this.#phase.dueMs - this.#options.clock.monotonicMs()) : 0;
  }

  /** Resolves when the attempt in flight, if there is one, has ended and was told of. */
  settled(): Promise<void> {
    return this.#attempt;
  }

  start(): void {
    this.#running = true;
  }

  stop(): void {
    this.#running = false;
    if (this.#phase.name !== 'waiting') return;
    this.#phase.cancel();
    this.#phase = RESTING;
  }

  /** Asks for an attempt within `delayMs`. Starts no I/O itself: the attempt runs from the clock. */
  wake(delayMs: number): void {
    if (!this.#running || this.#phase.name === 'in flight') return;
    if (this.#phase.name === 'waiting') {
      if (this.#phase.backoff || this.dueInMs <= delayMs) return;
      this.#phase.cancel();
    }
    this.#attemptAfter(delayMs, false);
  }

  #attemptAfter(delayMs: number, backoff: boolean): void {
    const { clock } = this.#options;
    const cancel = clock.schedule(delayMs, () => {
      this.#attempt = this.#tryOnce();
    });
    this.#phase = { name: 'waiting', backoff, dueMs: clock.monotonicMs() + delayMs, cancel };
  }

  async #tryOnce(): Promise<void> {
    const { clock, rangeSize, source } = this.#options;
    this.#phase = { name: 'in flight' };
    const startedMs = clock.monotonicMs();
    let range: CounterRange;
    try {
      range = await source.lease(rangeSize);
    } catch (error) {
      this.#phase = RESTING;
      this.#failed(error);
      return;
    }
    this.#phase = RESTING;
    this.#failures = 0;
    this.#lastError = undefined;
    const tookMs = clock.monotonicMs() - startedMs;
    this.#latencyMs =
      this.#latencyMs === undefined ? tookMs : this.#latencyMs + (tookMs - this.#latencyMs) * LATENCY_WEIGHT;
    this.#leased(range);
  }

  #failed(error: unknown): void {
    this.#lastError = error;
    this.#failures += 1;
    const delayMs = this.#backoffMs(this.#failures);
    this.#options.observer?.leaseFailed(error, this.#failures, delayMs);
    if (this.#running) this.#attemptAfter(delayMs, true);
  }
}
