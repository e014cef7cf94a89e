import type { InvalidationOutbox, LinkCache } from './ports.js';

/** How many invalidations one round reads; a round that was full is followed by the next at once. */
const ROUND_SIZE = 200;

/**
 * Carries invalidations from the outbox to the shared cache: what a delete could not deliver because the cache was away is
 * delivered once it is back. Several servers may relay the same one: the cache keeps the highest version, so twice is harmless.
 *
 * A cache that is just back takes tombstones before it is trusted with reads, so it is offered them whether `available` or not;
 * the first one that it does not take ends the round.
 *
 * Resolves with how many were delivered; rejects when the outbox cannot be asked (nothing is lost: they are still in it).
 */
export async function relayInvalidations(outbox: InvalidationOutbox, cache: LinkCache): Promise<number> {
  let delivered = 0;
  for (;;) {
    const round = await outbox.pending(ROUND_SIZE);
    for (const invalidation of round) {
      const { domainId, code, version } = invalidation;
      if (!(await cache.put({ state: 'deleted', domainId, code, version }))) return delivered;
      await outbox.done(invalidation);
      delivered += 1;
    }
    if (round.length < ROUND_SIZE) return delivered;
  }
}
