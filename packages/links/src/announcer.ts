import type { StoredLink } from './link.js';
import type { Invalidation } from './ports.js';

export interface AnnouncerOptions {
  /** Brings a change to the shared cache, as `CopyKeeper.hasten` does. Undefined where there is none. */
  readonly hasten?: ((domainId: number, code: string, version: number) => Promise<boolean>) | undefined;
  /** Tells this process's own caches; called before the shared one is told. */
  readonly invalidate?: (invalidation: Invalidation) => void;
}

/** Tells the caches that a link was changed. False: not all of them know yet; within moments they do, or believe nothing of before. */
export type Announce = (changed: StoredLink) => Promise<boolean>;

export function createAnnouncer({ hasten, invalidate }: AnnouncerOptions): Announce {
  return async (changed) => {
    invalidate?.(changed);
    return hasten === undefined || hasten(changed.domainId, changed.code, changed.version);
  };
}
