import { type Actor, demand } from './actor.js';
import { isPossibleCode } from './alias.js';
import { LinkNotFoundError } from './errors.js';
import type { Tombstone } from './link.js';
import type { Invalidation, InvalidationOutbox, LinkCache, LinkStore, RemoveOutcome } from './ports.js';

export interface RemoverOptions {
  readonly store: LinkStore;
  /** Undefined where there is no shared cache. */
  readonly cache?: LinkCache | undefined;
  /** Where the store left the invalidation; one that is delivered here need not be relayed. */
  readonly outbox?: InvalidationOutbox | undefined;
  /** Tells this process's own caches; called before the shared one is told. */
  readonly invalidate?: (invalidation: Invalidation) => void;
  /** Told once of each link that was deleted, and by whom. */
  readonly onRemoved?: (tombstone: Tombstone, actor: Actor) => void;
}

export interface RemoveResult {
  /** False when it was deleted before. */
  readonly removed: boolean;
  /** Whether every cache was told. If not, the outbox's relay does it later, and L1's lifetime bounds the rest. */
  readonly delivered: boolean;
}

export interface Remover {
  /**
   * Deletes a link for good; its code is never used again. Deleting it again tells the caches again. Rejects with
   * `ForbiddenError`, {@link LinkNotFoundError}, or as the store does: after `StoreOutcomeUnknownError` it may be deleted, and
   * asking again is safe.
   */
  remove(domainId: number, code: string, actor: Actor): Promise<RemoveResult>;
}

export function createRemover({ store, cache, outbox, invalidate, onRemoved }: RemoverOptions): Remover {
  async function deliver(tombstone: Tombstone): Promise<boolean> {
    if (cache === undefined) return true;
    if (!(await cache.put(tombstone))) return false;
    // An invalidation that stays in the outbox is delivered twice, which is harmless.
    await outbox?.done(tombstone).catch(() => {});
    return true;
  }

  return {
    async remove(domainId, code, actor) {
      demand('delete', actor);
      const met: RemoveOutcome = isPossibleCode(code) ? await store.remove(domainId, code) : { outcome: 'missing' };
      if (met.outcome === 'missing') throw new LinkNotFoundError('There is no link with this code.');
      if (met.outcome === 'removed') onRemoved?.(met.tombstone, actor);
      invalidate?.(met.tombstone);
      return { removed: met.outcome === 'removed', delivered: await deliver(met.tombstone) };
    },
  };
}
