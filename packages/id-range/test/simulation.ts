/**
 * Several servers over one pair of witnesses, on one simulated clock, with a seed that decides every delay and fault. What a
 * schedule does is data, so that fast-check can shrink it.
 */
import {
  type AbandonReason,
  type CounterRange,
  type Ledger,
  type MarkStore,
  RangeAllocator,
  TwoWitnessLease,
} from '@lakh/id-range';
import {
  faultyLedger,
  faultyMarkStore,
  MemoryLedger,
  MemoryMarkNode,
  SimulatedClock,
  seededRandom,
  type WitnessFault,
} from '@lakh/testkit';

/** Each event happens `afterMs` after the one before it, to the server of that index, where it concerns one. */
export interface SimulatedEvent {
  readonly afterMs: number;
  readonly server: number;
  readonly kind: 'burst' | 'wait' | 'crash' | 'shut down' | 'expire sessions' | 'outage' | 'copy' | 'forget' | 'wipe';
}

/** Which guards are in force, and which witness may lose its memory. */
export type Setting =
  | 'both witnesses'
  | 'both witnesses, ZooKeeper forgets'
  | 'both witnesses, the ledger forgets'
  | 'ZooKeeper alone'
  | 'the ledger alone';

export interface Schedule {
  readonly seed: number;
  readonly setting: Setting;
  readonly servers: number;
  readonly rangeSize: number;
  /** Of each call to a witness. */
  readonly faultRate: number;
  readonly events: readonly SimulatedEvent[];
}

/** How often each thing happened, over all schedules: a fault that never happened was not tested. */
export class Coverage {
  readonly counts = new Map<string, number>();
  add(what: string, count = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + count);
  }
  toString(): string {
    return [...this.counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, count]) => `${what}: ${count}`)
      .join('\n');
  }
}

interface Origin {
  readonly incarnation: string;
  readonly atMs: number;
}

/** Replaces a witness by one with a guard taken out. */
export interface Sabotage {
  marks?(inner: MarkStore, node: MemoryMarkNode): MarkStore;
  ledger?(inner: Ledger): Ledger;
}

const WRITE_FAULTS: readonly WitnessFault[] = [
  'slow',
  'unavailable',
  'unknown, applied',
  'unknown, not applied',
  'unknown, applied later',
  'stale',
];
const READ_FAULTS: readonly WitnessFault[] = ['slow', 'unavailable'];

/** A ledger that writes down everything and refuses nothing. */
const withoutRefusals = (inner: Ledger): Ledger => ({
  ...inner,
  record: async (lease) => {
    await inner.record(lease);
    return 'recorded';
  },
});

export class Simulation {
  readonly clock = new SimulatedClock();
  readonly node = new MemoryMarkNode();
  readonly ledger = new MemoryLedger();
  readonly #random: () => number;
  readonly #schedule: Schedule;
  readonly #coverage: Coverage;
  readonly #sabotage: Sabotage;
  readonly #issued = new Map<number, Origin>();
  readonly #servers: RangeAllocator[] = [];
  readonly #names = new WeakMap<RangeAllocator, string>();
  readonly #duplicates: string[] = [];
  #incarnations = 0;
  #healthy = false;
  #outageUntilMs = 0;
  #markCopy = this.node.copy();
  #ledgerCopy = this.ledger.copy();

  constructor(schedule: Schedule, coverage: Coverage, sabotage: Sabotage = {}) {
    this.#schedule = schedule;
    this.#coverage = coverage;
    this.#sabotage = sabotage;
    this.#random = seededRandom(schedule.seed);
  }

  /** Runs the schedule, then lets everything heal. Returns a description of each counter issued twice. */
  async run(): Promise<readonly string[]> {
    for (let i = 0; i < this.#schedule.servers; i += 1) this.#start(i);
    for (const event of this.#schedule.events) {
      await this.clock.advance(event.afterMs);
      this.#happen(event);
    }
    this.#healthy = true;
    // Past the longest delay of a slow call, of a late write and of a backoff.
    for (let i = 0; i < 6; i += 1) {
      await this.clock.advance(20_000);
      for (let server = 0; server < this.#servers.length; server += 1) this.#burst(server);
    }
    return this.#duplicates;
  }

  /** Servers that cannot issue though everything has healed. */
  stuck(): readonly string[] {
    return this.#servers.flatMap((allocator, i) => {
      const { state, lastErrorCode } = allocator.snapshot();
      return state === 'ready' ? [] : [`server ${i} is ${state}: ${lastErrorCode}`];
    });
  }

  stop(): void {
    for (const server of this.#servers) server.stop();
    this.#coverage.add('counters issued', this.#issued.size);
  }

  #start(server: number): void {
    const { rangeSize, setting } = this.#schedule;
    const { clock } = this;
    const random = this.#random;
    const name = `server ${server}, start ${++this.#incarnations}`;
    const faults = { clock, random, draw: (call: string, write: boolean) => this.#draw(call, write) };
    let marks = this.node.client();
    let ledger = this.ledger.client();
    if (setting === 'the ledger alone') marks = this.#lyingMarks(marks);
    if (setting === 'ZooKeeper alone') ledger = withoutRefusals(ledger);
    marks = this.#sabotage.marks?.(marks, this.node) ?? marks;
    ledger = this.#sabotage.ledger?.(ledger) ?? ledger;
    const source = new TwoWitnessLease({
      marks: faultyMarkStore(marks, faults),
      ledger: faultyLedger(ledger, faults),
      clock,
      random,
      holder: { serverId: name, host: 'host', processStartMs: clock.wallMs(), codec: 'base62' },
      newClusterId: () => `cluster of ${name}`,
      observer: {
        leased: () => this.#coverage.add('leased'),
        abandoned: (reason: AbandonReason) => this.#coverage.add(`abandoned: ${reason}`),
        refused: (error) => this.#coverage.add(`refused: ${error.code}`),
      },
    });
    const allocator = new RangeAllocator({ source, clock, random, rangeSize, maxHeld: 3, waitMs: 5000 });
    allocator.start();
    this.#servers[server] = allocator;
    this.#names.set(allocator, name);
  }

  /** A coordination service that answers anything: marks of any height, and success to every write. */
  #lyingMarks(inner: MarkStore): MarkStore {
    return {
      create: inner.create,
      read: async () => {
        const snapshot = await inner.read();
        if (snapshot === 'missing' || this.#random() < 0.5) return snapshot;
        this.#coverage.add('lie');
        const next = 100_000 + Math.floor(this.#random() * 20) * this.#schedule.rangeSize;
        return { ...snapshot, mark: { next: Math.max(next, snapshot.mark.ledgered), ledgered: 0 } };
      },
      write: async (version, mark) => {
        const write = await inner.write(version, mark);
        return write.outcome === 'written' ? write : { outcome: 'written', witnessVersion: 1 };
      },
    };
  }

  #draw(call: string, write: boolean): WitnessFault {
    if (this.#healthy) return 'none';
    if (this.clock.monotonicMs() < this.#outageUntilMs) return 'unavailable';
    if (this.#random() >= this.#schedule.faultRate) return 'none';
    const kinds = write ? WRITE_FAULTS : READ_FAULTS;
    const fault = kinds[Math.floor(this.#random() * kinds.length)]!;
    this.#coverage.add(`fault: ${call}, ${fault}`);
    return fault;
  }

  #happen({ kind, server: index }: SimulatedEvent): void {
    const server = index % this.#schedule.servers;
    const allocator = this.#servers[server]!;
    if (kind === 'forget' || kind === 'wipe') {
      this.#forget(kind);
      return;
    }
    this.#coverage.add(`event: ${kind}`);
    if (kind === 'burst') this.#burst(server);
    if (kind === 'wait') this.#wait(allocator);
    if (kind === 'crash') {
      // Its calls that are under way still arrive; it just does not live to see the answers.
      allocator.stop();
      this.#start(server);
    }
    if (kind === 'shut down') {
      allocator.seal();
      this.#start(server);
    }
    if (kind === 'expire sessions') this.node.expireSessions();
    if (kind === 'outage') this.#outageUntilMs = this.clock.monotonicMs() + 30_000;
    if (kind === 'copy') {
      this.#markCopy = this.node.copy();
      this.#ledgerCopy = this.ledger.copy();
    }
  }

  #forget(kind: 'forget' | 'wipe'): void {
    const { setting } = this.#schedule;
    if (setting === 'both witnesses, ZooKeeper forgets') {
      if (kind === 'wipe') this.node.wipe();
      else this.node.restore(this.#markCopy);
      this.#coverage.add(`event: ZooKeeper, ${kind}`);
    }
    if (setting === 'both witnesses, the ledger forgets') {
      if (kind === 'wipe') this.ledger.wipe();
      else this.ledger.restore(this.#ledgerCopy);
      this.#coverage.add(`event: the ledger, ${kind}`);
    }
  }

  #burst(server: number): void {
    const allocator = this.#servers[server]!;
    const count = Math.min(allocator.snapshot().heldIds, 1 + Math.floor(this.#random() * 2 * this.#schedule.rangeSize));
    for (let i = 0; i < count; i += 1) this.#use(allocator.next(), allocator);
  }

  #wait(allocator: RangeAllocator): void {
    allocator.nextOrWait().then(
      (counter) => {
        this.#coverage.add('waited for a counter');
        this.#use(counter, allocator);
      },
      (error: { code: string }) => this.#coverage.add(`waited in vain: ${error.code}`),
    );
  }

  #use(counter: number, allocator: RangeAllocator): void {
    const origin = { incarnation: this.#names.get(allocator)!, atMs: this.clock.monotonicMs() };
    const before = this.#issued.get(counter);
    if (before) this.#duplicates.push(this.#describe(counter, before, origin));
    else this.#issued.set(counter, origin);
  }

  /** The counter, both origins, its neighbours, and every lease on record that covers it. */
  #describe(counter: number, first: Origin, second: Origin): string {
    const say = (origin: Origin | undefined) => (origin ? `${origin.incarnation} at ${origin.atMs} ms` : 'nobody');
    const covers = ({ start, end }: CounterRange) => start <= counter && counter < end;
    const leases = this.ledger.leases.filter(({ range }) => covers(range));
    return [
      `counter ${counter} was issued by ${say(first)} and by ${say(second)}`,
      `  ${counter - 1}: ${say(this.#issued.get(counter - 1))}; ${counter + 1}: ${say(this.#issued.get(counter + 1))}`,
      ...leases.map(({ range, holder }) => `  [${range.start}, ${range.end}) is on record for ${holder.serverId}`),
    ].join('\n');
  }
}
