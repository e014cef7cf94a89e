import { type Actor, demand } from './actor.js';
import { type AnnouncerOptions, createAnnouncer } from './announcer.js';
import { type ByKey, createByKey } from './by-key.js';
import { AliasClaims, type GraceOptions } from './claim-alias.js';
import { created, type Draft, newLink, type ShortenRequest, type ShortenResult, withPassword } from './draft.js';
import {
  DuplicateCounterError,
  type FieldProblem,
  InvalidLinkError,
  StoreUnavailableError,
  TooManyBurntCountersError,
} from './errors.js';
import type { Digest } from './idempotency.js';
import type { InsertOutcome } from './insert-outcome.js';
import type { KeyedBatch } from './keyed-batch.js';
import type { LongUrlPolicy } from './long-url.js';
import { insertMany, NotShortened, type Shortened } from './many-rows.js';
import type { Passwords } from './passwords.js';
import type { Clock, CodeSource, GeneratedCode, LinkStore, ReservationStore } from './ports.js';
import { isReservedWord } from './reserved-words.js';
import { TakenAhead } from './taken-ahead.js';
import { validateDraft } from './validate-draft.js';

export interface ShortenPolicy extends LongUrlPolicy {
  /** How many inserts in a row may meet aliases and tombstones before a create gives up. Default 32. */
  readonly maxBurntCounters?: number;
}

export interface ShortenerOptions extends AnnouncerOptions {
  readonly store: LinkStore;
  readonly codes: CodeSource;
  readonly clock: Clock;
  /** Gives each insert its own id; see `createInsertIds`. */
  readonly newInsertId: () => string;
  readonly policy: ShortenPolicy;
  /** Undefined where no link may have a password. */
  readonly passwords?: Passwords | undefined;
  /** For creates with idempotency keys; undefined where there are none. */
  readonly idempotency?: { readonly digest: Digest; readonly reservations: ReservationStore };
  /** Of aliases that are asked for again after their deletion; without it they are nobody's. */
  readonly grace?: GraceOptions;
  /** Told of each alias that was given to somebody. No range on record says who had it made, as of a counter. */
  readonly onClaimed?: (claimed: ShortenResult, actor: Actor) => void;
}

export interface Shortener {
  /**
   * Resolves once the link is durable. Rejects with `ForbiddenError`, {@link InvalidLinkError} (naming every invalid field),
   * `AliasTakenError`, `AliasDeletedError`, {@link TooManyBurntCountersError}, {@link DuplicateCounterError}, or whatever the store and
   * the allocator reject with; a counter that was taken is never used for another link in any of these cases.
   *
   * `key`: the same caller's next request with it answers the same link for a day, whatever became of this one; with `IdempotencyKeyReusedError`,
   * `IdempotencyKeyInUseError`, or `LinkGoneError` once that link was deleted.
   */
  shorten(domainId: number, request: ShortenRequest, actor: Actor, key?: string): Promise<ShortenResult>;
  /**
   * Creates several links that ask for no alias, each as {@link shorten} does and by itself, in as few statements as the store can. Rejects with
   * `ForbiddenError` alone; what else goes wrong is the link's own.
   */
  shortenMany(domainId: number, requests: readonly ShortenRequest[], actor: Actor): Promise<readonly Shortened[]>;
  /**
   * Creates several links by one key: `work` is given what creates each of them, by its index, as {@link shorten} does. The same caller's next call with
   * the key and the same requests creates the same links for a day, and what is missing of them; with `IdempotencyKeyReusedError` for other requests,
   * before anything is made, and `IdempotencyKeyInUseError`.
   */
  readonly batch: ByKey['batch'];
  /** What {@link shorten} would refuse the request for; empty when it is valid. Takes nothing and writes nothing. */
  check(domainId: number, request: ShortenRequest): readonly FieldProblem[];
}

const DEFAULT_MAX_BURNT_COUNTERS = 32;
/** Inserts that met what is taken before the codes behind them are looked at. One is an alias like any other. */
const MET_BEFORE_LOOK = 2;

/** Creates links. There is no look-up before the insert: the store's unique key is the only arbiter of a code. */
export function createShortener(options: ShortenerOptions): Shortener {
  return new LinkShortener(options);
}

class LinkShortener implements Shortener {
  readonly #options: ShortenerOptions;
  readonly #ahead: TakenAhead;
  readonly #claims: AliasClaims;
  readonly #byKey: ByKey | undefined;
  readonly #maxBurntCounters: number;

  constructor(options: ShortenerOptions) {
    const { idempotency, policy } = options;
    this.#options = options;
    this.#ahead = new TakenAhead(options);
    this.#maxBurntCounters = policy.maxBurntCounters ?? DEFAULT_MAX_BURNT_COUNTERS;
    const claims = new AliasClaims({ ...options, announce: createAnnouncer(options) });
    this.#claims = claims;
    this.#byKey =
      idempotency &&
      createByKey({
        ...{ ...options, ...idempotency, claims },
        validate: (domainId, request, nowMs, owner) => validateDraft(domainId, request, policy, nowMs, owner),
        useCounters: (draft, use) => this.#useCounters(draft, use),
      });
  }

  async shorten(domainId: number, request: ShortenRequest, actor: Actor, key?: string): Promise<ShortenResult> {
    demand('create', actor);
    if (key !== undefined) {
      const keyed = this.#demandKeys().shorten(domainId, request, actor, key);
      return request.alias == null ? keyed : this.#tell(await keyed, actor);
    }
    const { clock, policy, passwords } = this.#options;
    const asked = validateDraft(domainId, request, policy, clock.nowMs(), actor.owner);
    const draft = asked.password === undefined ? asked : await withPassword(asked, passwords);
    return draft.alias === undefined
      ? this.#useCounters(draft)
      : this.#tell(await this.#claims.claim(draft, draft.alias, this.#options.newInsertId()), actor);
  }

  async shortenMany(
    domainId: number,
    requests: readonly ShortenRequest[],
    actor: Actor,
  ): Promise<readonly Shortened[]> {
    demand('create', actor);
    const { clock, policy } = this.#options;
    const nowMs = clock.nowMs();
    const asked = requests.map((request) => {
      try {
        return validateDraft(domainId, request, policy, nowMs, actor.owner);
      } catch (error) {
        return new NotShortened(error);
      }
    });
    const drafts = await this.#withPasswords(asked);
    return insertMany(
      {
        nextCode: () => this.#nextCode(domainId),
        insert: (next, draft) => this.#insert(next, draft),
        judge: (next, met) => this.#judge(next, met),
        again: (taken, draft) => {
          this.#options.codes.reportBurnt(taken.counter, 'taken');
          return this.#useCounters(draft);
        },
      },
      drafts,
    );
  }

  async batch<T>(
    domainId: number,
    requests: readonly ShortenRequest[],
    actor: Actor,
    key: string,
    work: (batch: KeyedBatch) => Promise<T>,
  ): Promise<T> {
    return this.#demandKeys().batch(domainId, requests, actor, key, ({ replayed, shorten }) =>
      work({
        replayed,
        shorten: async (index) => {
          const result = await shorten(index);
          return requests[index]?.alias == null ? result : this.#tell(result, actor);
        },
      }),
    );
  }

  check(domainId: number, request: ShortenRequest): readonly FieldProblem[] {
    const { clock, policy } = this.#options;
    try {
      validateDraft(domainId, request, policy, clock.nowMs(), '');
      return [];
    } catch (error) {
      if (error instanceof InvalidLinkError) return error.problems;
      throw error;
    }
  }

  #demandKeys(): ByKey {
    if (this.#byKey === undefined) throw new Error('keys are not taken here');
    return this.#byKey;
  }

  #tell(result: ShortenResult, actor: Actor): ShortenResult {
    if (result.created) this.#options.onClaimed?.(result, actor);
    return result;
  }

  async #withPasswords(asked: readonly (Draft | NotShortened)[]): Promise<readonly (Draft | NotShortened)[]> {
    const hasPassword = (each: Draft | NotShortened) => !(each instanceof NotShortened) && each.password !== undefined;
    if (!asked.some(hasPassword)) return asked;
    const { passwords } = this.#options;
    return Promise.all(
      asked.map((each) =>
        each instanceof NotShortened
          ? each
          : withPassword(each, passwords).catch((error: unknown) => new NotShortened(error)),
      ),
    );
  }

  async #useCounters(draft: Draft, use?: UseCounter): Promise<ShortenResult> {
    const { codes, store } = this.#options;
    const max = this.#maxBurntCounters;
    let skipped = 0;
    for (let met = 0; met <= max; ) {
      this.#demandStore();
      const next = await codes.nextOrWait();
      if (store.takes?.(draft.domainId, next.code) === false) {
        // Where it would lie is away; the next code lies elsewhere, most likely.
        codes.reportBurnt(next.counter, 'refused');
        skipped += 1;
        if (skipped <= max) continue;
        throw new StoreUnavailableError('Where the next codes would lie, the store is away.');
      }
      const isUsable = this.#isUsable(next, draft.domainId);
      const result = isUsable ? await (use ? use(next) : this.#useCounter(next, draft)) : undefined;
      if (result) return result;
      codes.reportBurnt(next.counter, 'taken');
      if (!isUsable) continue;
      met += 1;
      if (met >= MET_BEFORE_LOOK) await this.#ahead.look(draft.domainId);
    }
    throw new TooManyBurntCountersError(`${max + 1} inserts in a row met codes that are taken.`);
  }

  /** A code that is not known to be taken. */
  async #nextCode(domainId: number): Promise<GeneratedCode> {
    const { codes } = this.#options;
    for (;;) {
      this.#demandStore();
      const next = await codes.nextOrWait();
      if (this.#isUsable(next, domainId)) return next;
      codes.reportBurnt(next.counter, 'taken');
    }
  }

  /** A counter that is taken is spent, whatever the store says: an outage would use up what is held. */
  #demandStore(): void {
    if (this.#options.store.available === false)
      throw new StoreUnavailableError('The store is away, or takes no links.');
  }

  #isUsable({ code }: GeneratedCode, domainId: number): boolean {
    return !isReservedWord(code) && !this.#ahead.has(domainId, code);
  }

  /** Undefined: the code is taken. */
  async #useCounter(next: GeneratedCode, draft: Draft): Promise<ShortenResult | undefined> {
    return this.#judge(next, await this.#insert(next, draft));
  }

  #insert({ counter, code }: GeneratedCode, draft: Draft): Promise<InsertOutcome> {
    const { store, codes, newInsertId } = this.#options;
    return store.insert(newLink(draft, 'generated', code, counter, newInsertId())).catch((error: unknown) => {
      if (error instanceof StoreUnavailableError) codes.reportBurnt(counter, 'refused');
      throw error;
    });
  }

  #judge({ counter, code }: GeneratedCode, { outcome, link }: InsertOutcome): ShortenResult | undefined {
    if (outcome === 'inserted') return created(link);
    if (outcome === 'taken') return undefined;
    this.#options.codes.reportDuplicate(counter);
    throw new DuplicateCounterError(`Counter ${counter} (code ${code}) was used already; issuing has stopped.`);
  }
}

type UseCounter = (next: GeneratedCode) => Promise<ShortenResult | undefined>;
