import { type LeaseRecord, type Ledger, type LedgerHead, LedgerMissingError } from '@lakh/id-range';

interface Head {
  readonly head: number;
  readonly clusterId: string;
}

/** An old copy of a {@link MemoryLedger}, for restoring it. */
export type LedgerCopy = { readonly head: Head | undefined; readonly leases: readonly LeaseRecord[] };

/** The ledger of one namespace in memory, shared by as many clients as are asked for. */
export class MemoryLedger {
  #head: Head | undefined;
  #leases: readonly LeaseRecord[] = [];
  #generatedLinks = 0;

  client(): Ledger {
    return {
      head: async () => this.#readHead(),
      record: async (lease) => this.#record(lease),
      create: async (head, clusterId) => this.#create(head, clusterId),
    };
  }

  get leases(): readonly LeaseRecord[] {
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
    if (!(start >= 0 && start < end)) throw new RangeError(`not a range: [${start}, ${end})`);
    if (!this.#head) throw new LedgerMissingError();
    if (this.#leases.some((other) => start < other.range.end && other.range.start < end)) return 'overlap';
    this.#leases = [...this.#leases, lease];
    this.#head = { ...this.#head, head: Math.max(this.#head.head, end) };
    return 'recorded';
  }

  #create(head: number, clusterId: string): 'created' | 'exists' | 'not-empty' {
    if (this.#head) return 'exists';
    if (!this.#virgin()) return 'not-empty';
    this.#head = { head, clusterId };
    return 'created';
  }
}
