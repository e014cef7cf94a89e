import type { Announce } from './announcer.js';
import { created, type Draft, newLink, type ShortenResult, sameAlias } from './draft.js';
import { AliasDeletedError, AliasTakenError } from './errors.js';
import type { NewLink } from './link.js';
import type { Passwords } from './passwords.js';
import type { Clock, LinkStore } from './ports.js';

/** What becomes of names whose links were deleted. */
export interface GraceOptions {
  /** For how long after its deletion a link can be restored, and its alias not be claimed. */
  readonly restoreMs: number;
  /** Whether those without a name are one, whose links are theirs. Else they own nothing. */
  readonly anonymousOwns: boolean;
}

export interface AliasClaimsOptions {
  readonly store: Pick<LinkStore, 'insert' | 'deleted'>;
  readonly clock: Clock;
  readonly passwords?: Passwords | undefined;
  /** Without it no alias is claimed again. */
  readonly grace?: GraceOptions | undefined;
  /** Tells the caches of a link that stands where they may know of a deleted one. */
  readonly announce: Announce;
}

/** Gives aliases to those who ask for them: by an insert, which a code's first owner makes, and after a deletion by a change of its row. */
export class AliasClaims {
  readonly #options: AliasClaimsOptions;

  constructor(options: AliasClaimsOptions) {
    this.#options = options;
  }

  /** The insert of who repeats a claim has the same id each time. @throws AliasTakenError, AliasDeletedError, LinkGoneError */
  async claim(draft: Draft, alias: string, insertId: string, replayed = false): Promise<ShortenResult> {
    const { store, passwords } = this.#options;
    const link = newLink(draft, 'alias', alias, 0, insertId);
    const met = await store.insert(link);
    if (met.outcome === 'inserted') return created(met.link, replayed);
    if (met.link.state === 'deleted') return { ...(await this.#reclaim(link)), replayed };
    const same = await sameAlias(met.link, draft, passwords);
    if (same !== undefined) return { link: same, created: false, replayed };
    throw new AliasTakenError(`The alias ${alias} is taken.`);
  }

  async #reclaim(link: NewLink): Promise<Omit<ShortenResult, 'replayed'>> {
    const { store, clock, grace, announce } = this.#options;
    const { code } = link;
    if (grace === undefined || (link.owner === '' && !grace.anonymousOwns)) throw deletedForEver(code);
    const met = await store.deleted.revive(link, clock.nowMs() - grace.restoreMs);
    if (met.outcome === 'revived') {
      await announce(met.link);
      return { link: met.link, created: true };
    }
    if (met.outcome === 'taken') {
      throw met.link.state === 'live' ? new AliasTakenError(`The alias ${code} is taken.`) : deletedForEver(code);
    }
    const untilMs = met.deletedAtMs + grace.restoreMs;
    throw new AliasDeletedError(
      `The alias ${code} was deleted: until ${new Date(untilMs).toISOString()} it can be restored, and from then on be claimed again by its owner.`,
      untilMs,
    );
  }
}

const deletedForEver = (alias: string) =>
  new AliasDeletedError(`The alias ${alias} was deleted, and is given to nobody but its owner.`);
