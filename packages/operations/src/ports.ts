import type { CounterWitness, LeaseHolder, LedgerAdmin, MarkAdmin, RemainderStore } from '@lakh/id-range';
import type { LinkInspector } from '@lakh/links';
import type { SealedKey } from '@lakh/short-code';

/** A process, by what its leases say of it. */
export type RunningServer = Pick<LeaseHolder, 'serverId' | 'processStartMs'>;

/** Everything that an operator's command touches; of one namespace. */
export interface OperationsPorts {
  readonly namespace: string;
  /** What is looked at, for the heads of answers: an ensemble and a database, or a file. No passwords. */
  readonly system: string;
  readonly marks: MarkAdmin;
  readonly ledger: LedgerAdmin;
  readonly remainders: Pick<RemainderStore, 'list' | 'claim'>;
  readonly counters: CounterWitness;
  readonly links: LinkInspector;
  /** Processes that are known to run now, and so hold what is left of their ranges. */
  readonly runningServers: () => Promise<readonly RunningServer[]>;
  /** For `audit` of codes that no link has; without them a sealed code cannot be read. */
  readonly sealedKeys: readonly SealedKey[];
  /** Who works here, for the rows that a repair writes. */
  readonly operator: LeaseHolder;
  readonly newClusterId: () => string;
  readonly nowMs: () => number;
  /** Waits. */
  readonly pause: (ms: number) => Promise<void>;
  /** Longer than an attempt of any server may take (`attemptLimitMs` of id-range). Milliseconds. */
  readonly settleMs: number;
}
