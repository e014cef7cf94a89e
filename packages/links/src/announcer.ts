import type { StoredLink } from './link.js';
import type { Invalidation, InvalidationOutbox, LinkCache } from './ports.js';

export interface AnnouncerOptions {
  /** Undefined where there is no shared cache. */
  readonly cache?: LinkCache | undefined;
  /** Where the store left the invalidation; one that is delivered here need not be relayed. */
  readonly outbox?: InvalidationOutbox | undefined;
  /** Tells this process's own caches; called before the shared one is told. */
  readonly invalidate?: (invalidation: Invalidation) => void;
}

/** Tells the caches what a change made of a link. False: not all of them; the outbox's relay does it later. */
export type Announce = (changed: StoredLink) => Promise<boolean>;

export function createAnnouncer({ cache, outbox, invalidate }: AnnouncerOptions): Announce {
  return async (changed) => {
    invalidate?.(changed);
    if (cache === undefined) return true;
    if (!(await cache.announce(changed))) return false;
    // An invalidation that stays in the outbox is delivered twice, which is harmless.
    await outbox?.done(changed).catch(() => {});
    return true;
  };
}
