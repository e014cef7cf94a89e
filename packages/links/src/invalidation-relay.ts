import type { InvalidationOutbox, LinkCache, LinkStore } from './ports.js';

/** How many invalidations one round reads; a round that was full is followed by the next at once. */
const ROUND_SIZE = 200;

export interface RelayOptions {
  readonly outbox: InvalidationOutbox;
  readonly store: Pick<LinkStore, 'find'>;
  readonly cache: LinkCache;
}

/**
 * Carries invalidations from the outbox to the shared cache: a change that could not be delivered because the cache was away is
 * delivered once it is back. Several servers may relay the same one: the cache keeps the highest version, so twice is harmless.
 *
 * An invalidation names a version and not what became of the link, so the cache gets the link as the primary has it now: whatever
 * the change was, what it made or something newer, and never anything older, for which the invalidation stays.
 *
 * A cache that is just back takes tombstones before it is trusted with reads, so it is offered them whether `available` or not;
 * the first one that it does not take ends the round.
 *
 * Resolves with how many were delivered; rejects when outbox or store cannot be asked (nothing is lost: they are still in it).
 */
export async function relayInvalidations({ outbox, store, cache }: RelayOptions): Promise<number> {
  let delivered = 0;
  for (;;) {
    const deliveredBefore = delivered;
    const round = await outbox.pending(ROUND_SIZE);
    // The first tells whether the cache takes any: while it is away, the database is not asked for the others.
    for (const part of [round.slice(0, 1), round.slice(1)]) {
      const present = await Promise.all(part.map(({ domainId, code }) => store.find(domainId, code, { fresh: true })));
      for (const [i, invalidation] of part.entries()) {
        const link = present[i];
        if (link === undefined || link.version < invalidation.version) continue;
        if (!(await cache.put(link))) return delivered;
        await outbox.done(invalidation);
        delivered += 1;
      }
    }
    if (round.length < ROUND_SIZE || delivered === deliveredBefore) return delivered;
  }
}
