import type { CachedLink, ChangeLog, CopyClock, LinkCache, LinkCopy, LinkStore } from '@lakh/links';
import type { SimulatedClock } from '@lakh/testkit';
import type { Coverage } from '../coverage.js';
import type { CopyDatabase } from './database.js';
import type { ScriptFaults, SimulatedRedis } from './redis.js';
import type { Truth } from './truth.js';
import type { WireFaults } from './wire.js';

/** S, a fifth of its default, as everything that time is measured by here. */
export const VALID_FOR_MS = 1_000;

/** Where a guard can be taken out: something else in a port's place. */
export interface CopySabotage {
  copyAndLog?(copy: LinkCopy, log: ChangeLog, clock: CopyClock): { readonly copy: LinkCopy; readonly log: ChangeLog };
  cache?(inner: LinkCache, clock: CopyClock): LinkCache;
  store?(inner: Pick<LinkStore, 'sight'>): Pick<LinkStore, 'sight'>;
  /** What L1 is told of what was found. */
  kept?(found: CachedLink, clock: CopyClock): CachedLink;
  readonly scripts?: ScriptFaults;
  /** Aliases that were lost with the end of the database's log are made again. */
  readonly remakesAliases?: boolean;
  /** Caches are told of a change before it is made. */
  readonly announcesFirst?: boolean;
}

/** What all servers of a schedule have in common. */
export interface CopyWorld {
  readonly time: SimulatedClock;
  readonly random: () => number;
  readonly newNonce: () => string;
  readonly coverage: Coverage;
  readonly faults: WireFaults;
  readonly truth: Truth;
  readonly redis: SimulatedRedis;
  readonly database: CopyDatabase;
  readonly buckets: readonly number[];
  readonly messageLoss: number;
  readonly rowsAtOnce: number;
  readonly withdraws: boolean;
  readonly sabotage: CopySabotage;
}
