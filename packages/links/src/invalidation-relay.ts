import { StoreUnavailableError } from './errors.js';
import type { StoredLink } from './link.js';
import type { Invalidation, InvalidationOutbox, LinkCache, LinkStore } from './ports.js';

/** How many invalidations one round reads; a round that was full is followed by the next at once. */
const ROUND_SIZE = 200;

export interface RelayOptions {
  readonly outbox: InvalidationOutbox;
  readonly store: Pick<LinkStore, 'find'>;
  readonly cache: LinkCache;
  /** Aborted when the process stops: the one in hand is finished, the others are left to the next round, whoever's it is. */
  readonly signal?: AbortSignal;
  /** Told of each whose link the store has and cannot read; it stays, and keeps none of the others. */
  readonly onUnreadable?: (invalidation: Invalidation, error: unknown) => void;
}

/**
 * Carries invalidations from the outbox to the shared cache: a change that could not be delivered because the cache was away is
 * delivered once it is back. Several servers may relay the same one: the cache keeps the highest version, so twice is harmless.
 *
 * An invalidation names a version and not what became of the link, so the cache gets the link as the primary has it now: whatever
 * the change was, what it made or something newer, and never anything older, for which the invalidation stays.
 *
 * A cache that is just back takes changes before it is trusted with reads, so it is offered them whether `available` or not;
 * the first one that it does not take ends the round.
 *
 * Resolves with how many were delivered; rejects when outbox or store cannot be asked (nothing is lost: they are still in it).
 */
export async function relayInvalidations(options: RelayOptions): Promise<number> {
  const { outbox, cache, signal } = options;
  let delivered = 0;
  for (;;) {
    const deliveredBefore = delivered;
    const round = await outbox.pending(ROUND_SIZE);
    // The first tells whether the cache takes any: while it is away, the database is not asked for the others.
    for (const part of [round.slice(0, 1), round.slice(1)]) {
      const present = await Promise.all(part.map((invalidation) => presentOf(invalidation, options)));
      for (const [i, invalidation] of part.entries()) {
        if (signal?.aborted) return delivered;
        const link = present[i];
        if (link === undefined || link.version < invalidation.version) continue;
        if (!(await cache.announce(link))) return delivered;
        await outbox.done(invalidation);
        delivered += 1;
      }
    }
    if (round.length < ROUND_SIZE || delivered === deliveredBefore) return delivered;
  }
}

async function presentOf(
  invalidation: Invalidation,
  { store, onUnreadable }: RelayOptions,
): Promise<StoredLink | undefined> {
  try {
    return await store.find(invalidation.domainId, invalidation.code, { fresh: true });
  } catch (error) {
    if (error instanceof StoreUnavailableError) throw error;
    onUnreadable?.(invalidation, error);
    return undefined;
  }
}
