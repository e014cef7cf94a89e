import type { FactStore } from '@lakh/facts';
import type { CounterWitness, LeaseHolder, LedgerAdmin, MarkAdmin, RemainderStore } from '@lakh/id-range';
import type { LinkInspector } from '@lakh/links';
import type { SealedKey } from '@lakh/short-code';

/** A process, by what its leases say of it. */
export type RunningServer = Pick<LeaseHolder, 'serverId' | 'processStartMs'>;

/** What a system keeps, damaged or not, as an operator sees it; of one namespace. */
export interface Admin {
  readonly marks: MarkAdmin;
  readonly ledger: LedgerAdmin;
  readonly remainders: Pick<RemainderStore, 'list' | 'claim'>;
  readonly counters: CounterWitness;
  readonly facts: Pick<FactStore, 'read'>;
  readonly links: LinkInspector;
  /** Processes that are known to run now, and so hold what is left of their ranges. */
  readonly runningServers: () => Promise<readonly RunningServer[]>;
  /** Longer than an attempt of any server may take (`attemptLimitMs` of id-range). Milliseconds. */
  readonly settleMs: number;
  /** A restore was carried out: what refused to be used before it may be used again. */
  readonly restored: () => Promise<void>;
}

/** Everything that an operator's command touches. */
export interface OperationsPorts extends Admin {
  readonly namespace: string;
  /** What is looked at, for the heads of answers: an ensemble and a database, or a file. No passwords. */
  readonly system: string;
  /** For `audit` of codes that no link has; without them a sealed code cannot be read. */
  readonly sealedKeys: readonly SealedKey[];
  /** Who works here, for the rows that a repair writes. */
  readonly operator: LeaseHolder;
  readonly newClusterId: () => string;
  readonly nowMs: () => number;
  /** Waits. */
  readonly pause: (ms: number) => Promise<void>;
}
