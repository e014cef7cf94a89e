import { type Actor, demand } from './actor.js';
import { isPossibleCode } from './alias.js';
import { type AnnouncerOptions, createAnnouncer } from './announcer.js';
import { ChangedSinceError, LinkNotFoundError } from './errors.js';
import type { Tombstone } from './link.js';
import { changeWithinReach } from './own-links.js';
import type { LinkStore, RemoveOutcome } from './ports.js';

export interface RemoverOptions extends AnnouncerOptions {
  readonly store: LinkStore;
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
   * Deletes a link for good, if it is of one of `ifVersions` where they are given; its code is never used again. Deleting it again tells
   * the caches again, whatever the version. Rejects with `ForbiddenError`, {@link LinkNotFoundError}, {@link ChangedSinceError}, or as the
   * store does: after `StoreOutcomeUnknownError` it may be deleted, and asking again is safe.
   */
  remove(domainId: number, code: string, actor: Actor, ifVersions?: readonly number[]): Promise<RemoveResult>;
}

export function createRemover({ store, onRemoved, ...others }: RemoverOptions): Remover {
  const announce = createAnnouncer(others);

  return {
    async remove(domainId, code, actor, ifVersions) {
      demand('delete', actor);
      const met: RemoveOutcome = isPossibleCode(code)
        ? await changeWithinReach(store, { domainId, code, actor, ifVersions }, (versions) =>
            store.remove(domainId, code, versions),
          )
        : { outcome: 'missing' };
      if (met.outcome === 'missing') throw new LinkNotFoundError('There is no link with this code.');
      if (met.outcome === 'conflict') throw new ChangedSinceError(met.link.version);
      if (met.outcome === 'removed') onRemoved?.(met.tombstone, actor);
      return { removed: met.outcome === 'removed', delivered: await announce(met.tombstone) };
    },
  };
}
