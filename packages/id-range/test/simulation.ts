/**
 * Several servers over one pair of witnesses, on one simulated clock, with a seed that decides every delay and fault. What a
 * schedule does is data, so that fast-check can shrink it.
 */
import { type CounterRange, RangeAllocator, ReclaimingLease, TwoWitnessLease } from '@lakh/id-range';
import {
  faultyLedger,
  faultyMarkStore,
  faultyRemainderStore,
  MemoryLedger,
  MemoryMarkNode,
  SimulatedClock,
  seededRandom,
  type WitnessFault,
} from '@lakh/testkit';
import {
  type Coverage,
  type Liar,
  type Life,
  lyingMarks,
  lyingRemainders,
  mortal,
  type Sabotage,
  type Schedule,
  type SimulatedEvent,
  withoutRefusals,
} from './simulated-schedule.js';

interface Origin {
  readonly incarnation: string;
  readonly atMs: number;
}

/** One process, from its start to its end. */
interface Server {
  readonly name: string;
  readonly life: Life;
  readonly source: ReclaimingLease;
  readonly allocator: RangeAllocator;
}

const REMAINDER_CALLS = /^remainder\.|^ledger\.(release|claim)$/;
const WRITE_FAULTS: readonly WitnessFault[] = [
  'slow',
  'unavailable',
  'unknown, applied',
  'unknown, not applied',
  'unknown, applied later',
  'stale',
];
/** The first steps of a stop take a few milliseconds each. */
const DYING_MS = 25;
const READ_FAULTS: readonly WitnessFault[] = ['slow', 'unavailable'];

export class Simulation {
  readonly clock = new SimulatedClock();
  readonly node = new MemoryMarkNode();
  readonly ledger = new MemoryLedger();
  readonly #random: () => number;
  readonly #schedule: Schedule;
  readonly #coverage: Coverage;
  readonly #sabotage: Sabotage;
  readonly #issued = new Map<number, Origin>();
  readonly #servers: Server[] = [];
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
    return this.#servers.flatMap(({ allocator }, i) => {
      const { state, lastErrorCode } = allocator.snapshot();
      return state === 'ready' ? [] : [`server ${i} is ${state}: ${lastErrorCode}`];
    });
  }

  stop(): void {
    for (const { allocator } of this.#servers) allocator.stop();
    this.#coverage.add('counters issued', this.#issued.size);
  }

  #start(server: number): void {
    const { rangeSize, setting } = this.#schedule;
    const { clock } = this;
    const random = this.#random;
    const name = `server ${server}, start ${++this.#incarnations}`;
    const faults = { clock, random, draw: (call: string, write: boolean) => this.#draw(call, write) };
    const lie: Liar = { random, rangeSize, told: (what) => this.#coverage.add(what) };
    let marks = this.node.client();
    let ledger = this.ledger.client();
    let remainders = this.node.remainders();
    if (setting === 'the ledger alone') {
      marks = lyingMarks(marks, lie);
      remainders = lyingRemainders(this.ledger, lie);
    }
    if (setting === 'ZooKeeper alone') ledger = withoutRefusals(ledger);
    marks = this.#sabotage.marks?.(marks, this.node) ?? marks;
    ledger = this.#sabotage.ledger?.(ledger) ?? ledger;
    remainders = faultyRemainderStore(remainders, faults);
    remainders = this.#sabotage.remainders?.(remainders, clock) ?? remainders;

    const life: Life = { dead: false };
    const tooLate = (port: string) => (method: string) =>
      this.#coverage.add(`died before it heard of ${port}.${method}`);
    const common = {
      ledger: mortal(faultyLedger(ledger, faults), life, tooLate('ledger')),
      holder: { serverId: name, host: 'host', processStartMs: clock.wallMs(), codec: 'base62' },
      clock,
      random,
    };
    const count = (what: string) => () => this.#coverage.add(what);
    const lease = new TwoWitnessLease({
      ...common,
      marks: mortal(faultyMarkStore(marks, faults), life, tooLate('mark')),
      newClusterId: () => `cluster of ${name}`,
      observer: {
        leased: count('leased'),
        abandoned: (reason) => this.#coverage.add(`abandoned: ${reason}`),
        refused: (error) => this.#coverage.add(`refused: ${error.code}`),
      },
    });
    const source = new ReclaimingLease({
      ...common,
      lease,
      remainders: mortal(remainders, life, tooLate('remainder')),
      smallestTail: 1,
      observer: {
        published: count('published'),
        notPublished: (reason) => this.#coverage.add(`not published: ${reason}`),
        claimed: count('claimed'),
        notClaimed: (reason) => this.#coverage.add(`not claimed: ${reason}`),
        missed: count('missed'),
        implausible: count('implausible'),
        malformed: count('malformed'),
        unlisted: count('unlisted'),
      },
    });
    const allocator = new RangeAllocator({ source, clock, random, rangeSize, maxHeld: 3, waitMs: 5000 });
    allocator.start();
    this.#servers[server] = { name, life, source, allocator };
  }

  #draw(call: string, write: boolean): WitnessFault {
    if (this.#healthy) return 'none';
    if (this.clock.monotonicMs() < this.#outageUntilMs) return 'unavailable';
    const { faultRate, faultsAt } = this.#schedule;
    if (faultsAt === 'remainders' && !REMAINDER_CALLS.test(call)) return 'none';
    if (this.#random() >= faultRate) return 'none';
    const kinds = write ? WRITE_FAULTS : READ_FAULTS;
    const fault = kinds[Math.floor(this.#random() * kinds.length)]!;
    this.#coverage.add(`fault: ${call}, ${fault}`);
    return fault;
  }

  #happen({ kind, server: index }: SimulatedEvent): void {
    const server = index % this.#schedule.servers;
    const process = this.#servers[server]!;
    if (kind === 'forget' || kind === 'wipe') {
      this.#forget(kind);
      return;
    }
    this.#coverage.add(`event: ${kind}`);
    if (kind === 'burst') this.#burst(server);
    if (kind === 'wait') this.#wait(process);
    if (kind === 'crash') {
      // Its calls that are under way still arrive; it just does not live to see the answers.
      process.life.dead = true;
      process.allocator.stop();
      this.#start(server);
    }
    if (kind === 'shut down' || kind === 'crash in shutdown') {
      void this.#shutDown(process);
      this.#start(server);
    }
    if (kind === 'crash in shutdown') {
      this.clock.schedule(this.#random() * DYING_MS, () => {
        process.life.dead = true;
      });
    }
    if (kind === 'expire sessions') this.node.expireSessions();
    if (kind === 'outage') this.#outageUntilMs = this.clock.monotonicMs() + 30_000;
    if (kind === 'copy') {
      this.#markCopy = this.node.copy();
      this.#ledgerCopy = this.ledger.copy();
    }
  }

  /** As a server does it: nothing more arrives, nothing more is issued, and then what is left is given back. */
  async #shutDown(process: Server): Promise<void> {
    const { allocator, source } = process;
    allocator.stop();
    await allocator.settled();
    if (this.#sabotage.issuesAfterRelease) {
      await source.release(allocator.held(), 60_000);
      while (allocator.snapshot().heldIds > 0) this.#use(allocator.next(), process);
    }
    await source.release(allocator.seal(), 60_000);
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
    const process = this.#servers[server]!;
    const { allocator } = process;
    const count = Math.min(allocator.snapshot().heldIds, 1 + Math.floor(this.#random() * 2 * this.#schedule.rangeSize));
    for (let i = 0; i < count; i += 1) this.#use(allocator.next(), process);
  }

  #wait(process: Server): void {
    process.allocator.nextOrWait().then(
      (counter) => {
        this.#coverage.add('waited for a counter');
        this.#use(counter, process);
      },
      (error: { code: string }) => this.#coverage.add(`waited in vain: ${error.code}`),
    );
  }

  #use(counter: number, { name }: Server): void {
    const origin = { incarnation: name, atMs: this.clock.monotonicMs() };
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
