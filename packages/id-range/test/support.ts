import type {
  AbandonReason,
  CounterRange,
  IdRangeError,
  LeaseObserver,
  Ledger,
  MarkStore,
  RangeSource,
  RemainderStore,
} from '@lakh/id-range';
import { type Clock, TwoWitnessLease, type TwoWitnessLeaseOptions, WitnessUnavailableError } from '@lakh/id-range';
import { MemoryLedger, MemoryMarkNode } from '@lakh/testkit';

/** Remembers all that a lease reports. */
export class LeaseLog implements LeaseObserver {
  readonly ranges: CounterRange[] = [];
  readonly lost: { reason: AbandonReason; range: CounterRange }[] = [];
  readonly refusals: string[] = [];
  leased(range: CounterRange): void {
    this.ranges.push(range);
  }
  abandoned(reason: AbandonReason, range: CounterRange): void {
    this.lost.push({ reason, range });
  }
  refused(error: IdRangeError): void {
    this.refusals.push(error.code);
  }
}

/** Timers run at once: for tests in which nothing but the order of calls matters. */
export const hastyClock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => 0,
  schedule: (_delayMs, run) => {
    queueMicrotask(run);
    return () => {};
  },
};

/** A clock that stands still but for what a test lets pass, on either of its hands. */
export function handClock() {
  const hands = { monotonicMs: 0, wallMs: 1_700_000_000_000 };
  const clock: Clock = { ...hastyClock, monotonicMs: () => hands.monotonicMs, wallMs: () => hands.wallMs };
  return { clock, hands };
}

let clusters = 0;

/** Two witnesses in memory, and leases of any number of servers over them. */
export function witnesses() {
  const node = new MemoryMarkNode();
  const ledger = new MemoryLedger();
  const log = new LeaseLog();
  const server = (options: Partial<TwoWitnessLeaseOptions> = {}) =>
    new TwoWitnessLease({
      marks: node.client(),
      ledger: ledger.client(),
      clock: hastyClock,
      random: () => 0.5,
      holder: { serverId: 'server-1', host: 'host-1', processStartMs: 0, codec: 'base62' },
      newClusterId: () => `cluster-${++clusters}`,
      observer: log,
      ...options,
    });
  return { node, ledger, log, server };
}

/** `store` with some of its methods replaced. */
export function override<T extends MarkStore | Ledger | RemainderStore>(store: T, methods: Partial<T>): T {
  return { ...store, ...methods };
}

/** A source of ranges that can be slow or down, or follow a script. */
export class RangeTap implements RangeSource {
  readonly #clock: Clock;
  readonly leased: CounterRange[] = [];
  calls = 0;
  latencyMs = 3;
  fails: Error | undefined;
  /** The ranges to give; when used up, the source fails. Without it, ranges follow each other from 100,000. */
  script: CounterRange[] | undefined;
  mostInFlight = 0;
  #inFlight = 0;
  #next = 100_000;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async lease(size: number): Promise<CounterRange> {
    this.calls += 1;
    this.#inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.#inFlight);
    await new Promise<void>((resolve) => {
      this.#clock.schedule(this.latencyMs, resolve);
    });
    this.#inFlight -= 1;
    if (this.fails) throw this.fails;
    const range = this.script ? this.script.shift() : { start: this.#next, end: this.#next + size };
    if (!range) throw new WitnessUnavailableError('the script has ended');
    this.#next = range.end;
    this.leased.push(range);
    return range;
  }
}
