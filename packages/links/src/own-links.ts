import { ForbiddenError } from '@lakh/base';
import type { Actor } from './actor.js';
import { StoreUnavailableError } from './errors.js';
import type { LinkRecord } from './link.js';
import type { LinkStore } from './ports.js';

/** Whether a link is one that an actor may look at or change. @throws ForbiddenError */
export function demandReach({ reach, owner }: Actor, link: Pick<LinkRecord, 'owner'>): void {
  if (reach === 'own' && link.owner !== owner) throw new ForbiddenError('This link is not of this API key’s owner.');
}

/** Others change the link at the same time, again and again. */
const ATTEMPTS = 10;

/**
 * A change of a link by somebody who may reach all links, or only their owner's: then it is made of the very version that was seen to be theirs, so that
 * a link that changes hands at that moment is not changed by who had it.
 *
 * @param change makes it of one of these versions; of any where they are undefined. Settles with `conflict` for a link of another
 * @throws ForbiddenError, and as the store and `change` do
 */
export async function changeWithinReach<T extends { readonly outcome: string }>(
  store: Pick<LinkStore, 'read'>,
  { domainId, code, actor, ifVersions }: Reached,
  change: (ifVersions: readonly number[] | undefined) => Promise<T>,
): Promise<T> {
  if (actor.reach !== 'own') return change(ifVersions);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const present = await store.read(domainId, code);
    const seen = present?.state === 'live' ? present : undefined;
    if (seen) demandReach(actor, seen);
    const isMeant = seen !== undefined && (ifVersions === undefined || ifVersions.includes(seen.version));
    const met = await change(isMeant ? [seen.version] : []);
    const isToSayAgain = ifVersions === undefined || seen === undefined;
    if (met.outcome !== 'conflict' || !isToSayAgain) return met;
  }
  throw new StoreUnavailableError('Others change this link at the same time.', { isBusy: true });
}

interface Reached {
  readonly domainId: number;
  readonly code: string;
  readonly actor: Actor;
  readonly ifVersions: readonly number[] | undefined;
}
