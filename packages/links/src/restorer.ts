import { type Actor, demand } from './actor.js';
import { isPossibleCode } from './alias.js';
import { type AnnouncerOptions, createAnnouncer } from './announcer.js';
import { ChangedSinceError, LinkGoneError, LinkNotFoundError, StoreUnavailableError } from './errors.js';
import type { Link, LinkRecord } from './link.js';
import { demandReach } from './own-links.js';
import type { Clock, LinkStore } from './ports.js';

export interface RestorerOptions extends AnnouncerOptions {
  readonly store: LinkStore;
  readonly clock: Clock;
  /** For how long after its deletion a link can be restored; 0: never. */
  readonly restoreMs: number;
  /** Told once of each link that was restored, and by whom. */
  readonly onRestored?: (link: Link, actor: Actor) => void;
}

export interface RestoreResult {
  readonly link: LinkRecord;
  /** False when it was there. */
  readonly restored: boolean;
  /** Whether every cache was told. If not, they hear of it within moments, and believe nothing from before for longer than their bound. */
  readonly delivered: boolean;
}

export interface Restorer {
  /**
   * Makes a link of a deleted one again, as it was and of the next version, for who may delete it, if it is of one of `ifVersions` where they are given. A link
   * that is there stays as it is, and is told of again. Rejects with `ForbiddenError`, {@link LinkNotFoundError}, {@link LinkGoneError} (nothing is kept of it
   * any more), {@link ChangedSinceError}, or as the store does.
   */
  restore(domainId: number, code: string, actor: Actor, ifVersions?: readonly number[]): Promise<RestoreResult>;
  /** Why there is no link any more where one was deleted, with until when this actor may restore it. */
  goneError(domainId: number, code: string, actor: Actor): Promise<LinkGoneError>;
}

/** Others change the link at the same time, again and again. */
const ATTEMPTS = 10;

export function createRestorer(options: RestorerOptions): Restorer {
  const { store, clock, restoreMs, onRestored, ...others } = options;
  const announce = createAnnouncer(others);

  /** When what is kept since then is forgotten; undefined: it is now. */
  function untilMs(keptSinceMs: number | undefined): number | undefined {
    const until = keptSinceMs === undefined ? Number.NEGATIVE_INFINITY : keptSinceMs + restoreMs;
    return restoreMs > 0 && until >= clock.nowMs() ? until : undefined;
  }

  /** Of the very tombstone that was seen to be within reach. Undefined: somebody changed it meanwhile. */
  async function tryRestore(domainId: number, code: string, actor: Actor, ifVersions: readonly number[] | undefined) {
    const deleted = isPossibleCode(code) ? await store.deleted.read(domainId, code) : undefined;
    if (deleted === undefined) {
      const link = isPossibleCode(code) ? await store.read(domainId, code) : undefined;
      if (link === undefined) throw new LinkNotFoundError('There is no link with this code.');
      if (link.state === 'deleted') return undefined;
      demandReach(actor, link);
      demandVersion(link, ifVersions);
      return { link, restored: false };
    }
    demandReach(actor, deleted);
    demandVersion(deleted.tombstone, ifVersions);
    if (untilMs(deleted.keptSinceMs) === undefined) throw forgotten();
    const met = await store.deleted.restore(deleted.tombstone, clock.nowMs() - restoreMs);
    if (met.outcome === 'forgotten') throw forgotten();
    return met.outcome === 'restored' ? { link: met.link, restored: true } : undefined;
  }

  return {
    async restore(domainId, code, actor, ifVersions) {
      demand('delete', actor);
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const met = await tryRestore(domainId, code, actor, ifVersions);
        if (met === undefined) continue;
        if (met.restored) onRestored?.(met.link, actor);
        return { ...met, delivered: await announce(met.link) };
      }
      throw new StoreUnavailableError('Others change this link at the same time.', { isBusy: true });
    },

    async goneError(domainId, code, actor) {
      const mayRestore = restoreMs > 0 && actor.rights.includes('delete');
      const deleted = mayRestore ? await store.deleted.read(domainId, code) : undefined;
      const isReached = deleted !== undefined && (actor.reach !== 'own' || deleted.owner === actor.owner);
      return new LinkGoneError('This link was deleted.', isReached ? untilMs(deleted.keptSinceMs) : undefined);
    },
  };
}

const forgotten = () => new LinkGoneError('This link was deleted, and nothing is kept of it that could be restored.');

function demandVersion({ version }: Pick<Link, 'version'>, ifVersions: readonly number[] | undefined): void {
  if (ifVersions !== undefined && !ifVersions.includes(version)) throw new ChangedSinceError(version);
}
