/** Where a guard can be taken out of a simulated server or of its operator: mostly something else in a port's place. */
import type { Clock, Ledger, MarkStore, RemainderStore } from '@lakh/id-range';
import type { Slices } from '@lakh/issuing';
import type { LinkStore } from '@lakh/links';
import type { OperationsPorts } from '@lakh/operations';
import type { SimulatedDatabase } from './database/database.js';
import type { SimulatedProcess } from './process.js';
import type { Ensemble } from './zookeeper/ensemble.js';

/** What a sabotage may look at, of the server that it is in. */
export interface Inside {
  readonly clock: Clock;
  readonly process: SimulatedProcess;
  readonly ensemble: Ensemble;
  readonly database: SimulatedDatabase;
  /** One for all servers of a schedule. */
  readonly shared: Map<string, unknown>;
}

export interface Sabotage {
  marks?(inner: MarkStore, inside: Inside): MarkStore;
  ledger?(inner: Ledger, inside: Inside): Ledger;
  remainders?(inner: RemainderStore, inside: Inside): RemainderStore;
  links?(inner: LinkStore): LinkStore;
  /** In a supervisor, of what its workers ask. */
  slices?(inner: Slices): Slices;
  /** A worker that gives its tails back goes on issuing from them. */
  readonly workerIssuesAfterReturn?: boolean;
  /** In the operator's place; resolves when there is nothing left to do. */
  repair?(ports: OperationsPorts): Promise<void>;
  /** The ledger does not look at the links before it calls itself virgin. */
  readonly ignoresLinks?: boolean;
  /** A server that gives its tails back goes on issuing from them. */
  readonly issuesAfterRelease?: boolean;
  /** Whoever is started in the place of a server that died publishes what that one had on record. */
  readonly successorPublishes?: boolean;
  /** How long an attempt may take. */
  readonly attemptLimitMs?: number;
}

/** A port whose `method` does what it does and then answers `answer`, whatever came of it. */
export function answering<P extends object, M extends keyof P>(
  inner: P,
  method: M,
  answer: P[M] extends (...args: never[]) => Promise<infer A> ? A : never,
): P {
  const call = inner[method] as (...args: unknown[]) => Promise<unknown>;
  const answered = async (...args: unknown[]) => {
    await call.apply(inner, args);
    return answer;
  };
  return { ...inner, [method]: answered };
}

/** A ledger that writes down everything and refuses nothing. */
export const withoutRefusals = (inner: Ledger): Ledger =>
  answering(answering(answering(inner, 'record', 'recorded'), 'release', 'released'), 'claim', 'claimed');

/** A store that writes at whatever version is there. */
export const withoutVersionCheck = (inner: MarkStore): MarkStore => ({
  ...inner,
  write: async (_version, mark) => {
    const fresh = await inner.read();
    return fresh === 'missing' ? { outcome: 'stale' } : inner.write(fresh.version, mark);
  },
});
