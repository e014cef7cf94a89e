import { isPossibleCode } from './alias.js';
import { LinkNotFoundError } from './errors.js';
import type { StoredLink, Tombstone } from './link.js';
import type { InvalidationOutbox, LinkCache, LinkStore } from './ports.js';

export interface RemoverOptions {
  readonly store: LinkStore;
  /** Undefined where there is no shared cache. */
  readonly cache?: LinkCache | undefined;
  /** Where the store left the invalidation; one that is delivered here need not be relayed. */
  readonly outbox?: InvalidationOutbox | undefined;
  /** This process's own caches; called before the shared one is told. */
  readonly onRemoved?: (tombstone: Tombstone) => void;
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
   * {@link LinkNotFoundError}, or as the store does: after `StoreOutcomeUnknownError` it may be deleted, and asking again is safe.
   */
  remove(domainId: number, code: string): Promise<RemoveResult>;
}

export function createRemover({ store, cache, outbox, onRemoved }: RemoverOptions): Remover {
  async function tombstoneOf(domainId: number, code: string): Promise<Tombstone | undefined> {
    let found: StoredLink | undefined;
    try {
      found = await store.find(domainId, code, { fresh: true });
    } catch {
      // The link is deleted all the same: only its version stays unknown, and the outbox holds that.
      return undefined;
    }
    return found?.state === 'deleted' ? found : undefined;
  }

  async function deliver(tombstone: Tombstone): Promise<boolean> {
    if (cache === undefined) return true;
    if (!(await cache.put(tombstone))) return false;
    // An invalidation that stays in the outbox is delivered twice, which is harmless.
    await outbox?.done(tombstone).catch(() => {});
    return true;
  }

  return {
    async remove(domainId, code) {
      const outcome = isPossibleCode(code) ? await store.remove(domainId, code) : 'missing';
      if (outcome === 'missing') throw new LinkNotFoundError('There is no link with this code.');
      const tombstone = await tombstoneOf(domainId, code);
      if (tombstone !== undefined) onRemoved?.(tombstone);
      const delivered = tombstone !== undefined && (await deliver(tombstone));
      return { removed: outcome === 'removed', delivered };
    },
  };
}
