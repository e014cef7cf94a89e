import { type Actor, demand } from './actor.js';
import { isPossibleCode } from './alias.js';
import { type AnnouncerOptions, createAnnouncer } from './announcer.js';
import { ChangedSinceError, LinkNotFoundError } from './errors.js';
import type { Tombstone } from './link.js';
import { changeWithinReach, demandReach } from './own-links.js';
import type { Clock, LinkStore, RemoveOutcome } from './ports.js';

export interface RemoverOptions extends AnnouncerOptions {
  readonly store: LinkStore;
  /** For how long deleted links can be restored; not at all without it. */
  readonly grace?: { readonly clock: Clock; readonly restoreMs: number };
  /** Told once of each link that was deleted, and by whom. */
  readonly onRemoved?: (tombstone: Tombstone, actor: Actor) => void;
}

export interface RemoveResult {
  /** False when it was deleted before. */
  readonly removed: boolean;
  /** Whether every cache was told. If not, they hear of it within moments, and believe nothing from before for longer than their bound. */
  readonly delivered: boolean;
}

export interface Remover {
  /**
   * Deletes a link, if it is of one of `ifVersions` where they are given; what it was is kept for as long as it may be restored, unless `forever`. Deleting it
   * again tells the caches again, whatever the version, and with `forever` nothing is kept any more. Rejects with `ForbiddenError`, {@link LinkNotFoundError}, {@link ChangedSinceError}, or as the
   * store does: after `StoreOutcomeUnknownError` it may be deleted, and asking again is safe.
   */
  remove(
    domainId: number,
    code: string,
    actor: Actor,
    ifVersions?: readonly number[],
    options?: { readonly forever?: boolean },
  ): Promise<RemoveResult>;
}

export function createRemover({ store, grace, onRemoved, ...others }: RemoverOptions): Remover {
  const announce = createAnnouncer(others);

  return {
    async remove(domainId, code, actor, ifVersions, { forever = false } = {}) {
      demand('delete', actor);
      const keptAtMs = forever || !grace?.restoreMs ? undefined : grace.clock.nowMs();
      const met: RemoveOutcome = isPossibleCode(code)
        ? await changeWithinReach(store, { domainId, code, actor, ifVersions }, (versions) =>
            store.remove(domainId, code, versions, keptAtMs),
          )
        : { outcome: 'missing' };
      if (met.outcome === 'missing') throw new LinkNotFoundError('There is no link with this code.');
      if (met.outcome === 'conflict') throw new ChangedSinceError(met.link.version);
      if (met.outcome === 'removed') onRemoved?.(met.tombstone, actor);
      else if (forever) await erase(store, met.tombstone, actor);
      return { removed: met.outcome === 'removed', delivered: await announce(met.tombstone) };
    },
  };
}

/** What is kept of what was deleted before. */
async function erase(store: LinkStore, tombstone: Tombstone, actor: Actor): Promise<void> {
  const deleted = await store.deleted.read(tombstone.domainId, tombstone.code);
  if (deleted?.tombstone.version !== tombstone.version) return;
  demandReach(actor, deleted);
  await store.deleted.erase(tombstone);
}
