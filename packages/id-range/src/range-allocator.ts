/**
 * Issues counters from leased ranges.
 *
 * The allocator holds a current range, from which `next()` takes the cursor, and spare ranges behind it. Its state follows
 * from what it holds, from how the last lease attempt ended, and from two facts that nothing takes back:
 *
 *   starting   nothing was ever held. The first lease is under way, or being retried.
 *   ready      something is held, and the last attempt did not fail.
 *   degraded   something is held, and the last attempt failed. Issuing goes on; attempts go on.
 *   exhausted  nothing is held any more. `next()` throws, `nextOrWait()` waits; attempts go on, and the one that succeeds
 *              makes it ready again.
 *   sealed     `seal()` gave the unissued rest away. `next()` throws for ever.
 *   broken     a counter was found issued twice. `next()` throws for ever, and what was held is lost.
 *
 *   starting, exhausted → ready        a lease was acknowledged
 *   ready → degraded → ready           a lease failed; a later one was acknowledged
 *   ready, degraded → exhausted        the last held counter was issued
 *   any but broken → sealed            seal()
 *   any → broken                       dropRange(), or a source that hands out a range twice
 *
 * Leasing goes on beside that (lease-loop.ts) and never blocks it. An acknowledged lease decides whether another follows: there
 * is always a range's worth of spare counters, and as many as the runway needs at the measured burn rate and lease latency, up to
 * `maxHeld`. Ranges are of any size (remainders of others among them), so all of this is reckoned in counters.
 *
 * `next()` compares the cursor with one limit, the trip. Below it there is nothing to do. The trip is the counter at which more
 * has to be leased, if the current range contains it, and the range's end otherwise; 0 when sealed or broken.
 */
import { type AllocatorSnapshot, type RangeAllocatorOptions, resolveOptions } from './allocator-options.js';
import { BurnMeter } from './burn-meter.js';
import {
  AllocatorSealedError,
  BrokenInvariantError,
  CounterSpaceEndedError,
  IdRangeError,
  IdsExhaustedError,
} from './errors.js';
import { LeaseLoop } from './lease-loop.js';
import type { CounterRange, Slice } from './ports.js';
import { COUNTER_SPACE_END } from './space.js';
import { Waiters } from './waiters.js';

/** How often the burn rate is sampled and the runway judged while nothing else causes it. */
const SAMPLE_MS = 1000;

/** A jittered lease waits at most this part of the runway that is left. */
const JITTER_OF_RUNWAY = 1 / 8;

const NO_RANGE: CounterRange = { start: 0, end: 0 };

export class RangeAllocator {
  readonly #options: ReturnType<typeof resolveOptions>;
  readonly #leases: LeaseLoop;
  readonly #waiters: Waiters;
  readonly #burn: BurnMeter;

  #cursor = 0;
  #trip = 0;
  #current: CounterRange = NO_RANGE;
  readonly #spares: CounterRange[] = [];
  #spareIds = 0;

  #issuedBefore = 0;
  #leasedRanges = 0;
  #leasedIds = 0;
  #ending: AllocatorSealedError | BrokenInvariantError | undefined;
  #cancelSampling: () => void = () => {};

  constructor(options: RangeAllocatorOptions) {
    this.#options = resolveOptions(options);
    const { clock, maxWaiters, waitMs } = this.#options;
    this.#leases = new LeaseLoop(this.#options, (range) => this.#accept(range));
    this.#waiters = new Waiters(clock, maxWaiters, waitMs);
    this.#burn = new BurnMeter(clock.monotonicMs(), 0);
  }

  /** Begins to lease. Does not wait: `nextOrWait()` does. */
  start(): void {
    if (this.#leases.running || this.#ending) return;
    this.#leases.start();
    this.#sampleLater();
    this.#prefetch();
  }

  /** Ends leasing and waiting; what is held can still be issued, and so can a lease that was in flight. */
  stop(): void {
    this.#leases.stop();
    this.#cancelSampling();
    this.#waiters.rejectAll(this.#ending ?? this.#exhaustedError());
  }

  /** Resolves when no lease is in flight: after `stop()`, when nothing can arrive any more. */
  settled(): Promise<void> {
    return this.#leases.settled();
  }

  /**
   * The next counter. Synchronous, without I/O, and without allocating as long as something is held. Throws
   * `IdsExhaustedError`, `CounterSpaceEndedError`, `AllocatorSealedError` or `BrokenInvariantError`.
   */
  next(): number {
    const counter = this.#cursor;
    if (counter < this.#trip) {
      this.#cursor = counter + 1;
      return counter;
    }
    return this.#nextBeyondTrip();
  }

  /**
   * The next counter, waiting for a lease while nothing is held: at most `waitMs`, at most `maxWaiters` callers, first come
   * first served. Rejects as `next()` throws.
   */
  async nextOrWait(): Promise<number> {
    if (!this.#ending && this.#advance()) return this.next();
    return this.#wait(() => this.next());
  }

  /**
   * As many counters as that, issued together, or what is left of the range that they are from: for whoever hands them on. Waits and rejects as
   * `nextOrWait()` does.
   */
  async sliceOrWait(most: number): Promise<Slice> {
    if (!this.#ending && this.#advance()) return this.#slice(most);
    return this.#wait(() => this.#slice(most));
  }

  #slice(most: number): Slice {
    const start = this.next();
    const end = Math.min(start + most, this.#current.end);
    this.#cursor = end;
    if (end >= this.#trip) this.#judge();
    return { start, end, lease: this.#current };
  }

  /** While nothing is held. */
  #wait<T>(take: () => T): Promise<T> {
    if (this.#ending) throw this.#ending;
    const hopeless = !this.#leases.running || this.#leases.lastError instanceof CounterSpaceEndedError;
    if (hopeless || this.#waiters.full) throw this.#exhaustedError();
    this.#prefetch();
    return this.#waiters.join(take, () => this.#exhaustedError());
  }

  /**
   * Issues nothing from now on, and returns what was never issued, in the order in which it would have been. A lease still in
   * flight is lost when it arrives.
   */
  seal(): readonly CounterRange[] {
    if (this.#ending) return [];
    const rest = this.held();
    this.#end(new AllocatorSealedError());
    return rest;
  }

  /**
   * The last line of defence: this counter met another generated link. Drops its range, and as it cannot be known what else went
   * wrong, everything else that is held: nothing is issued until a restart.
   */
  dropRange(counter: number): void {
    this.fail(`counter ${counter}, issued by this server, was already used by another generated link`);
  }

  /** The same for any other reason to think that counters were issued twice; `what` says which. */
  fail(what: string): void {
    if (this.#ending instanceof BrokenInvariantError) return;
    for (const range of this.held()) this.#options.observer?.lost('broken', range);
    const error = new BrokenInvariantError(what);
    this.#end(error);
    this.#options.observer?.broken?.(error);
  }

  /** What has not been issued yet, the current range's rest first. These are lost if the process dies now. */
  held(): readonly CounterRange[] {
    const rest = { start: this.#cursor, end: this.#current.end };
    return rest.start < rest.end ? [rest, ...this.#spares] : [...this.#spares];
  }

  /** For readiness, logs and metrics. */
  snapshot(): AllocatorSnapshot {
    const heldIds = this.#heldIds();
    const burnPerMs = this.#burn.perMs;
    const { code, message } = describeError(this.#ending ?? this.#leases.lastError);
    return {
      state: this.#state(heldIds),
      heldIds,
      heldRanges: this.held().length,
      runwayS: heldIds === 0 ? 0 : heldIds / burnPerMs / 1000,
      burnPerS: burnPerMs * 1000,
      issuedIds: this.#issued(),
      leasedRanges: this.#leasedRanges,
      waiting: this.#waiters.count,
      leasing: this.#leases.inFlight,
      sourceOk: this.#leases.lastError === undefined,
      lastErrorCode: code,
      lastErrorMessage: message,
    };
  }

  #state(heldIds: number): AllocatorSnapshot['state'] {
    if (this.#ending) return this.#ending instanceof BrokenInvariantError ? 'broken' : 'sealed';
    if (heldIds === 0) return this.#leasedRanges === 0 ? 'starting' : 'exhausted';
    return this.#leases.lastError === undefined ? 'ready' : 'degraded';
  }

  #nextBeyondTrip(): number {
    if (this.#ending) throw this.#ending;
    if (!this.#advance()) {
      this.#prefetch();
      throw this.#exhaustedError();
    }
    const counter = this.#cursor;
    this.#cursor = counter + 1;
    this.#judge();
    return counter;
  }

  /** Makes the next spare current when the current range has ended. False: nothing is held. */
  #advance(): boolean {
    if (this.#cursor < this.#current.end) return true;
    const range = this.#spares.shift();
    if (!range) return false;
    this.#issuedBefore = this.#issued();
    this.#spareIds -= range.end - range.start;
    this.#current = range;
    this.#cursor = range.start;
    this.#setTrip();
    return true;
  }

  #issued(): number {
    return this.#issuedBefore + this.#cursor - this.#current.start;
  }

  #heldIds(): number {
    return this.#current.end - this.#cursor + this.#spareIds;
  }

  /** How many counters have to be held for the runway, beside the rule of a range's worth to spare. */
  #neededIds(): number {
    return this.#burn.perMs * (this.#options.runwayMs + 2 * this.#leases.latencyMs);
  }

  #wantsMore(): boolean {
    const { maxHeld, rangeSize } = this.#options;
    const heldIds = this.#heldIds();
    if (heldIds > (maxHeld - 1) * rangeSize) return false;
    return this.#idsToSpare() < rangeSize || heldIds < this.#neededIds();
  }

  /** What is held beyond the current range, or beyond the one that comes next when that has ended. */
  #idsToSpare(): number {
    const [next] = this.#spares;
    return this.#cursor < this.#current.end || !next ? this.#spareIds : this.#spareIds - (next.end - next.start);
  }

  /** With half a range's worth left there is no time for a jitter, whatever rate was measured before a burst. */
  #leastIds(): number {
    return Math.floor(this.#options.rangeSize / 2);
  }

  #setTrip(): void {
    const { end } = this.#current;
    const held = end + this.#spareIds;
    const runway = Math.ceil(held - this.#neededIds());
    const least = held - this.#leastIds();
    let trip = end;
    if (runway > this.#cursor && runway < trip) trip = runway;
    if (least > this.#cursor && least < trip) trip = least;
    this.#trip = trip;
  }

  #judge(): void {
    this.#burn.sample(this.#options.clock.monotonicMs(), this.#issued());
    this.#setTrip();
    this.#prefetch();
  }

  #sampleLater(): void {
    this.#cancelSampling = this.#options.clock.schedule(SAMPLE_MS, () => {
      this.#judge();
      this.#sampleLater();
    });
  }

  #prefetch(): void {
    if (this.#wantsMore()) this.#leases.wake(this.#delayMs());
  }

  /** Servers that started together would lease together for ever; a short wait of random length, if there is time, parts them. */
  #delayMs(): number {
    const { prefetchJitterMs, random, rangeSize } = this.#options;
    if (this.#leasedIds < 2 * rangeSize || this.#heldIds() <= this.#leastIds()) return 0;
    // Infinity while nothing is issued.
    const runwayMs = this.#heldIds() / this.#burn.perMs;
    return random() * Math.min(prefetchJitterMs, runwayMs * JITTER_OF_RUNWAY);
  }

  #accept(range: CounterRange): void {
    if (this.#ending) {
      this.#options.observer?.lost('leased_too_late', range);
      return;
    }
    // The current range counts whole: what was issued from it must not come again either.
    const twice = [this.#current, ...this.#spares].some(({ start, end }) => range.start < end && start < range.end);
    if (twice || !isRange(range)) {
      this.fail(`the source leased [${range.start}, ${range.end}), which is ${twice ? 'held already' : 'no range'}`);
      return;
    }
    this.#leasedRanges += 1;
    this.#leasedIds += range.end - range.start;
    this.#spares.push(range);
    this.#spareIds += range.end - range.start;
    while (this.#waiters.count > 0 && this.#advance()) this.#waiters.serve();
    this.#judge();
  }

  #end(error: AllocatorSealedError | BrokenInvariantError): void {
    this.#issuedBefore = this.#issued();
    this.#ending = error;
    this.#current = NO_RANGE;
    this.#cursor = 0;
    this.#trip = 0;
    this.#spares.length = 0;
    this.#spareIds = 0;
    this.stop();
  }

  #exhaustedError(): IdRangeError {
    const cause = this.#leases.lastError;
    // A source that has nothing left itself knows better why, and for how long.
    if (cause instanceof CounterSpaceEndedError || cause instanceof IdsExhaustedError) return cause;
    const { code } = describeError(cause);
    const why = code === null ? 'a lease is under way' : `the last lease failed (${code}) and is being repeated`;
    const retryAfterS = Math.max(1, Math.ceil(this.#leases.dueInMs / 1000));
    return new IdsExhaustedError(`nothing is left to issue: ${why}`, retryAfterS, { cause });
  }
}

function isRange({ start, end }: CounterRange): boolean {
  return (
    Number.isSafeInteger(start) && Number.isSafeInteger(end) && start > 0 && start < end && end <= COUNTER_SPACE_END
  );
}

function describeError(error: unknown): { code: string | null; message: string | null } {
  if (error === undefined) return { code: null, message: null };
  if (error instanceof IdRangeError) return { code: error.code, message: error.message };
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error) };
}
