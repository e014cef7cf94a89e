import type { Randomness } from '@lakh/id-range';
import type { SimulatedClock } from '@lakh/testkit';
import type { Coverage } from './coverage.js';
import type { SimulatedProcess } from './process.js';

/** What may happen to one request on its way. */
export type NetworkFault =
  | 'none'
  /** The request, or the answer, takes up to {@link SLOW_MS}: longer than any deadline, so that it may be applied after its caller gave up. */
  | 'slow request'
  | 'slow answer'
  /** The connection breaks with the request, or with the answer, on it. */
  | 'lost request'
  | 'lost answer'
  /** A read is answered by a follower that lags behind. */
  | 'stale'
  /** The server answers with an error that says that nothing was done. */
  | 'refused';

/** What a request is for, so that a schedule can have its faults where they matter. */
export type Purpose = 'lease' | 'remainder' | 'other';

export type Witness = 'ZooKeeper' | 'the ledger';

/** A way takes up to this much; a slow one up to the second. */
const NORMAL_MS = 3;
const SLOW_MS = 8_000;

const WRITE_FAULTS: readonly NetworkFault[] = ['slow request', 'slow answer', 'lost request', 'lost answer'];
const READ_FAULTS: Record<Witness, readonly NetworkFault[]> = {
  ZooKeeper: ['stale', 'stale', 'slow answer', 'lost request', 'lost answer'],
  'the ledger': ['slow answer', 'lost request', 'refused'],
};
const LEDGER_WRITE_FAULTS: readonly NetworkFault[] = [...WRITE_FAULTS, 'refused'];

export interface FaultPlan {
  /** Of each request. */
  readonly faultRate: number;
  readonly faultsAt: 'every request' | 'leases' | 'remainders';
}

interface Outage {
  readonly untilMs: number;
  /** Killed: connections break, and none is made. Frozen: they stay, and nothing is answered before it thaws. */
  readonly kind: 'killed' | 'frozen';
}

/** Between the processes and the witnesses: decides how long each message takes and what becomes of it. */
export class Network {
  readonly time: SimulatedClock;
  readonly random: Randomness;
  readonly coverage: Coverage;
  readonly #plan: FaultPlan;
  readonly #outages = new Map<Witness, Outage>();
  /** From now on nothing fails. */
  healthy = false;

  constructor(time: SimulatedClock, random: Randomness, coverage: Coverage, plan: FaultPlan) {
    this.time = time;
    this.random = random;
    this.coverage = coverage;
    this.#plan = plan;
  }

  draw(witness: Witness, request: string, kind: 'read' | 'write', purpose: Purpose): NetworkFault {
    const { faultRate, faultsAt } = this.#plan;
    if (this.healthy || this.random() >= faultRate) return 'none';
    if (faultsAt === 'leases' && purpose !== 'lease') return 'none';
    if (faultsAt === 'remainders' && purpose !== 'remainder') return 'none';
    const kinds = kind === 'read' ? READ_FAULTS[witness] : witness === 'ZooKeeper' ? WRITE_FAULTS : LEDGER_WRITE_FAULTS;
    const fault = kinds[Math.floor(this.random() * kinds.length)] as NetworkFault;
    this.coverage.add(`fault: ${request}, ${fault}`);
    return fault;
  }

  wayMs(isSlow: boolean): number {
    return this.random() * (isSlow ? SLOW_MS : NORMAL_MS);
  }

  /** When what would arrive at `atMs` does: a frozen witness reads it when it thaws. */
  #arrivalMs(witness: Witness, atMs: number): number {
    const outage = this.#outages.get(witness);
    return outage?.kind === 'frozen' ? Math.max(atMs, outage.untilMs) : atMs;
  }

  /** Of one connection: in how long what takes `wayMs` by itself arrives, behind what was sent before it. */
  inOrder(witness: Witness): (wayMs: number) => number {
    let arrivedMs = 0;
    return (wayMs) => {
      const nowMs = this.time.monotonicMs();
      arrivedMs = Math.max(arrivedMs, this.#arrivalMs(witness, nowMs + wayMs));
      return arrivedMs - nowMs;
    };
  }

  /** Something reaches a process after a usual way. */
  deliver(process: SimulatedProcess, run: () => void, isSlow = false): void {
    this.time.schedule(this.wayMs(isSlow), () => process.deliver(run));
  }

  isAway(witness: Witness): boolean {
    const outage = this.#outages.get(witness);
    return outage !== undefined && outage.untilMs > this.time.monotonicMs();
  }

  /** The witness is away for `ms`; its connections are the caller's to break. */
  takeAway(witness: Witness, kind: Outage['kind'], ms: number): void {
    this.#outages.set(witness, { kind, untilMs: this.time.monotonicMs() + ms });
  }

  heal(): void {
    this.healthy = true;
    this.#outages.clear();
  }
}
