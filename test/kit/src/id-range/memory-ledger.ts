import {
  type CounterRange,
  type LeaseHolder,
  type LeaseRecord,
  type Ledger,
  type LedgerHead,
  LedgerMissingError,
} from '@lakh/id-range';

interface Head {
  readonly head: number;
  readonly clusterId: string;
}

/** A lease as it stands now: its holder is who may issue from it, or, when it is released, who gave it back. */
export interface MemoryLease extends LeaseRecord {
  readonly state: 'leased' | 'released';
}

/** An old copy of a {@link MemoryLedger}, for restoring it. */
export type LedgerCopy = { readonly head: Head | undefined; readonly leases: readonly MemoryLease[] };

/** The ledger of one namespace in memory, shared by as many clients as are asked for. */
export class MemoryLedger {
  #head: Head | undefined;
  #leases: readonly MemoryLease[] = [];
  #generatedLinks = 0;

  client(): Ledger {
    return {
      head: async () => this.#readHead(),
      record: async (lease) => this.#record(lease),
      create: async (head, clusterId) => this.#create(head, clusterId),
      release: async (tail, holder) => this.#release(tail, holder),
      claim: async (range, holder, claimedAtMs) => this.#claim(range, holder, claimedAtMs),
    };
  }

  get leases(): readonly MemoryLease[] {
    return this.#leases;
  }

  /** The store has a generated link from now on: this namespace is not virgin any more. */
  addGeneratedLink(): void {
    this.#generatedLinks += 1;
  }

  /** Loses the head row and keeps the leases. */
  dropHead(): void {
    this.#head = undefined;
  }

  copy(): LedgerCopy {
    return { head: this.#head, leases: this.#leases };
  }

  restore(copy: LedgerCopy): void {
    this.#head = copy.head;
    this.#leases = copy.leases;
  }

  wipe(): void {
    this.restore({ head: undefined, leases: [] });
  }

  #virgin(): boolean {
    return this.#leases.length === 0 && this.#generatedLinks === 0;
  }

  #readHead(): LedgerHead | 'missing' {
    return this.#head ? { ...this.#head, virgin: this.#virgin() } : 'missing';
  }

  #record(lease: LeaseRecord): 'recorded' | 'overlap' {
    const { start, end } = lease.range;
    assertRange(lease.range);
    if (!this.#head) throw new LedgerMissingError();
    if (this.#leases.some((other) => start < other.range.end && other.range.start < end)) return 'overlap';
    this.#leases = [...this.#leases, { ...lease, state: 'leased' }];
    this.#head = { ...this.#head, head: Math.max(this.#head.head, end) };
    return 'recorded';
  }

  #create(head: number, clusterId: string): 'created' | 'exists' | 'not-empty' {
    if (this.#head) return 'exists';
    if (!this.#virgin()) return 'not-empty';
    this.#head = { head, clusterId };
    return 'created';
  }

  #release(tail: CounterRange, holder: LeaseHolder): 'released' | 'refused' {
    assertRange(tail);
    const own = this.#leases.find(
      (lease) =>
        lease.state === 'leased' &&
        lease.range.end === tail.end &&
        lease.range.start <= tail.start &&
        lease.holder.serverId === holder.serverId &&
        lease.holder.host === holder.host &&
        lease.holder.processStartMs === holder.processStartMs,
    );
    if (!own) return 'refused';
    const kept = own.range.start < tail.start ? [{ ...own, range: { start: own.range.start, end: tail.start } }] : [];
    const given: MemoryLease = { ...own, range: tail, state: 'released' };
    this.#leases = [...this.#leases.filter((lease) => lease !== own), ...kept, given];
    return 'released';
  }

  #claim(range: CounterRange, holder: LeaseHolder, leasedAtMs: number): 'claimed' | 'refused' {
    assertRange(range);
    const found = this.#leases.find(
      ({ state, range: { start, end } }) => state === 'released' && start === range.start && end === range.end,
    );
    if (!found) return 'refused';
    this.#leases = this.#leases.map((lease) =>
      lease === found ? { ...lease, holder, leasedAtMs, state: 'leased' } : lease,
    );
    return 'claimed';
  }
}

function assertRange({ start, end }: CounterRange): void {
  if (!(start >= 0 && start < end)) throw new RangeError(`not a range: [${start}, ${end})`);
}
