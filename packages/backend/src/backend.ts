import type { FactStore } from '@lakh/facts';
import type { SharedCounters } from '@lakh/http';
import type { Witnesses } from '@lakh/id-range';
import type { BusyCodes, ChangeFeed, CopyKeeper, LinkCache, LinkStore, ReservationStore } from '@lakh/links';
import type { Admin } from '@lakh/operations';
import type { HealthCheck } from '@lakh/process';
import type { SharedKeys } from './shared-keys.js';

/** What counts the counters of one namespace, for those who issue them and for those who repair it. */
export interface WitnessPorts {
  /** What all servers of the system agree on. */
  readonly facts: FactStore;
  /** The cluster's opens its ZooKeeper session at the first call, so that who never issues never talks to ZooKeeper. */
  witnesses(): Witnesses;
  /** Everything that an operator's commands ask of storage. Rejects as `LinkInspector` does. */
  admin(): Promise<Admin>;
}

/** Everything that one system keeps, of one namespace: each port of the domain, opened and closed together. */
export interface Backend extends WitnessPorts {
  /** What an operator is told this is: addresses or a file. Carries no password. */
  readonly name: string;
  readonly links: LinkStore;
  /** Of creates with idempotency keys. */
  readonly reservations: ReservationStore;
  /** Undefined where nothing is shared between servers, or no cache was named. */
  readonly cache: LinkCache | undefined;
  /** Brings a change that was committed to the cache at once. Undefined where there is none. */
  readonly hasten: CopyKeeper['hasten'] | undefined;
  /** What other servers change. Undefined where nobody tells. */
  readonly changes: ChangeFeed | undefined;
  /** What servers are asked for most. Undefined where nothing is shared between servers. */
  readonly busyCodes: BusyCodes | undefined;
  /** Whether all that the cache has is believed now. */
  isCacheProven(): boolean;
  /** Of rate limits. Undefined where nothing is shared between servers. */
  readonly counters: SharedCounters | undefined;
  /** What servers of this system can tell each other's work by. */
  readonly keys: SharedKeys;
  /** By name: what has been opened so far. */
  readonly checks: Readonly<Record<string, HealthCheck>>;
  /** Whether links can be looked up, in each place that knows them, as far as this is a question: all of them (`ok`), those that it happens to have (`degraded`), none (`down`). */
  readonly sources: readonly HealthCheck[];
  /**
   * Brings the schema up to date, or checks that it is, and loads the keys. Tries for as long as the database is away and `signal` is not aborted;
   * everything else that goes wrong is final.
   */
  prepare(signal: AbortSignal): Promise<void>;
  /** Loads the keys alone, as who neither makes nor migrates anything: whatever is in the way, tries for as long as `signal` is not aborted. */
  loadKeys(signal: AbortSignal): Promise<void>;
  /** Resolves once links have been asked for, or it is known that they cannot be, so that `checks` tell the truth. Rejects when `signal` is aborted. */
  reachLinks(signal: AbortSignal): Promise<void>;
  /** Shows this process to operators until the returned function is called; nothing is ever decided by it. */
  register(serverId: string, facts: ServerFacts): () => void;
  /**
   * Keeps the cache true to the store, as every server does, until the returned function is called, which waits for what is under way. Where it was
   * not called nothing of the cache is believed.
   */
  relay(): () => Promise<void>;
  /**
   * Forgets what idempotency keys stood for once they are as old as they are kept, and what deleted links were after `restoreMs`, until the returned function
   * is called.
   */
  sweep(restoreMs: number): () => Promise<void>;
  close(): Promise<void>;
}

/** What a server says of itself, beside what every process can. */
export interface ServerFacts {
  readonly url: string;
  readonly rangeSize: number;
}
