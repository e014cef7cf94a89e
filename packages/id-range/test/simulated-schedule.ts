/** What a simulated schedule consists of, and what may be done to the witnesses of a simulated server. */
import type { Clock, CounterRange, Ledger, MarkStore, Randomness, RemainderStore } from '@lakh/id-range';
import type { MemoryLedger, MemoryMarkNode } from '@lakh/testkit';

/** Each event happens `afterMs` after the one before it, to the server of that index, where it concerns one. */
export interface SimulatedEvent {
  readonly afterMs: number;
  readonly server: number;
  readonly kind:
    | 'burst'
    | 'wait'
    | 'crash'
    | 'shut down'
    /** Dies while it gives back what it had left. */
    | 'crash in shutdown'
    | 'expire sessions'
    | 'outage'
    | 'copy'
    | 'forget'
    | 'wipe';
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
  /** Where leases go wrong too, few servers ever hold anything to give back. */
  readonly faultsAt: 'every call' | 'remainders';
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

/** A guard taken out: mostly a witness in another's place. */
export interface Sabotage {
  marks?(inner: MarkStore, node: MemoryMarkNode): MarkStore;
  ledger?(inner: Ledger): Ledger;
  /** On the client's side of the network, unlike the two above. */
  remainders?(faulty: RemainderStore, clock: Clock): RemainderStore;
  /** A server that gives its tails back goes on issuing from them. */
  readonly issuesAfterRelease?: boolean;
}

/** A ledger that writes down everything and refuses nothing. */
export const withoutRefusals = (inner: Ledger): Ledger => ({
  ...inner,
  record: async (lease) => {
    await inner.record(lease);
    return 'recorded';
  },
  release: async (tail, holder, atMs) => {
    await inner.release(tail, holder, atMs);
    return 'released';
  },
  claim: async (range, holder, atMs) => {
    await inner.claim(range, holder, atMs);
    return 'claimed';
  },
});

/** A coordination service that answers anything: marks of any height, and success to every write. */
export function lyingMarks(inner: MarkStore, lie: Liar): MarkStore {
  return {
    create: inner.create,
    read: async () => {
      const snapshot = await inner.read();
      if (snapshot === 'missing' || lie.random() < 0.5) return snapshot;
      lie.told('lie');
      const next = 100_000 + Math.floor(lie.random() * 20) * lie.rangeSize;
      return { ...snapshot, mark: { next: Math.max(next, snapshot.mark.ledgered), ledgered: 0 } };
    },
    write: async (version, mark) => {
      const write = await inner.write(version, mark);
      return write.outcome === 'written' ? write : { outcome: 'written', witnessVersion: 1 };
    },
  };
}

/** Its remainders: what anybody ever leased, in any state and cut anywhere, and each to whoever wants it. */
export function lyingRemainders(ledger: MemoryLedger, lie: Liar): RemainderStore {
  const cut = ({ start, end }: CounterRange): CounterRange => {
    const from = lie.random() < 0.7 ? start : start + Math.floor(lie.random() * (end - start));
    return { start: from, end: lie.random() < 0.8 ? end : end + 1 };
  };
  return {
    list: async () => {
      const ranges = ledger.leases.filter(() => lie.random() < 0.5).map(({ range }) => cut(range));
      if (ranges.length > 0) lie.told('lie about remainders');
      return { remainders: ranges.map((range) => ({ range, version: undefined })), malformed: 0 };
    },
    publish: async () => 'published',
    claim: async () => 'claimed',
  };
}

export interface Liar {
  readonly random: Randomness;
  readonly rangeSize: number;
  told(lie: string): void;
}

/** Whether a simulated process still runs. */
export interface Life {
  dead: boolean;
}

/**
 * `port` as a process sees it that may die: after its death it makes no calls and hears no answers, while what it had sent is
 * applied all the same. `heardTooLate` is told of each answer that came after the death.
 */
export function mortal<T extends object>(port: T, life: Life, heardTooLate: (method: string) => void): T {
  const never = new Promise<never>(() => {});
  const methods = Object.entries(port).map(([method, call]) => [
    method,
    async (...args: unknown[]) => {
      if (life.dead) return never;
      try {
        return await call(...args);
      } finally {
        if (life.dead) {
          heardTooLate(method);
          // biome-ignore lint/correctness/noUnsafeFinally: whatever the answer was, the dead do not hear it.
          return never;
        }
      }
    },
  ]);
  return Object.fromEntries(methods) as T;
}
