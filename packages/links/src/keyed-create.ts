import type { AliasClaims } from './claim-alias.js';
import { created, type Draft, newLink, type ShortenResult } from './draft.js';
import { DuplicateCounterError, StoreUnavailableError } from './errors.js';
import { demandSame, isKept, type KeyedRequest } from './idempotency.js';
import type { CodeSource, GeneratedCode, LinkStore, Reservation, ReservationStore } from './ports.js';

export interface KeyedCreateOptions {
  readonly store: Pick<LinkStore, 'insert'>;
  readonly codes: Pick<CodeSource, 'reportBurnt' | 'reportDuplicate'>;
  readonly reservations: ReservationStore;
  readonly newInsertId: () => string;
  readonly claims: Pick<AliasClaims, 'claim'>;
}

/** What a request has beside its key. */
export interface KeyedDraft {
  /** Its expiry may have passed since it was first asked for. */
  readonly draft: Draft;
  /** Throws for what may not be asked for now. */
  readonly demandNow: () => void;
  /** Gives counters one after the other to `use`, until one is not taken. */
  readonly useCounters: (use: (next: GeneratedCode) => Promise<ShortenResult | undefined>) => Promise<ShortenResult>;
}

/**
 * One create with an idempotency key: code and insert id are kept under the key, durably, and the link is inserted by them. Whoever comes
 * with the key later, to whatever process, repeats that very insert, and a row with its id is success. So whatever is cut short
 * between two steps is finished by the next request, or costs one counter; no step is undone, and none spans two rows.
 *
 * A reservation gives way to another only once its own insert has met a row of somebody else's: these last for ever, so that insert can
 * make no link any more, however late it is carried out. Or once it is older than keys are kept.
 */
export class KeyedCreate {
  readonly #options: KeyedCreateOptions;
  readonly #request: KeyedRequest;
  readonly #asked: KeyedDraft;
  /** What stands under the key, as far as is known; it may have lapsed. */
  #standing: Reservation | undefined;
  #replayed = false;

  constructor(options: KeyedCreateOptions, request: KeyedRequest, asked: KeyedDraft) {
    this.#options = options;
    this.#request = request;
    this.#asked = asked;
  }

  async run(): Promise<ShortenResult> {
    const { draft, demandNow, useCounters } = this.#asked;
    this.#follow(await this.#options.reservations.find(this.#request.keyHash));
    this.#replayed = this.#reservation !== undefined;
    if (!this.#replayed) demandNow();
    if (draft.alias !== undefined) return this.#claim(draft.alias);
    const reserved = this.#reservation;
    if (reserved !== undefined) {
      const result = await this.#insert(reserved);
      if (result) return result;
      this.#options.codes.reportBurnt(reserved.counter, 'taken');
    }
    return useCounters((next) => this.#use(next));
  }

  get #reservation(): Reservation | undefined {
    const standing = this.#standing;
    return standing && isKept(standing.reservedAtMs, this.#asked.draft.createdAtMs) ? standing : undefined;
  }

  async #claim(alias: string): Promise<ShortenResult> {
    if (this.#reservation === undefined) await this.#reserve('alias', alias, 0);
    const reserved = this.#reservation;
    if (reserved === undefined) throw new StoreUnavailableError('the reservation was given up meanwhile');
    const { code, insertId, reservedAtMs } = reserved;
    return this.#options.claims.claim(
      { ...this.#asked.draft, createdAtMs: reservedAtMs },
      code,
      insertId,
      this.#replayed,
    );
  }

  /** Undefined: the counter is spent, and another is needed. */
  async #use({ counter, code }: GeneratedCode): Promise<ShortenResult | undefined> {
    const { codes } = this.#options;
    const isOwn = await this.#reserve('generated', code, counter).catch((error: unknown) => {
      if (error instanceof StoreUnavailableError) codes.reportBurnt(counter, 'refused');
      throw error;
    });
    const reserved = this.#reservation;
    const result = reserved && (await this.#insert(reserved));
    if (result !== undefined && !isOwn) codes.reportBurnt(counter, 'unneeded');
    return result;
  }

  /** @returns false where another process was first: what it reserved stands now */
  async #reserve(kind: Reservation['kind'], code: string, counter: number): Promise<boolean> {
    const { reservations, newInsertId } = this.#options;
    const { keyHash, requestHash } = this.#request;
    const reservedAtMs = this.#reservation?.reservedAtMs ?? this.#asked.draft.createdAtMs;
    const own = { requestHash, kind, code, counter, insertId: newInsertId(), reservedAtMs };
    this.#follow(await reservations.reserve(keyHash, own, this.#standing));
    const isOwn = this.#standing?.insertId === own.insertId;
    if (!isOwn) this.#replayed = true;
    return isOwn;
  }

  #follow(found: Reservation | undefined): void {
    this.#standing = found;
    if (this.#reservation) demandSame(this.#reservation.requestHash, this.#request);
  }

  /** Undefined: the code is taken. The link is made, or was made, at the time of its reservation. */
  async #insert(reserved: Reservation): Promise<ShortenResult | undefined> {
    const { store, codes } = this.#options;
    const draft = { ...this.#asked.draft, createdAtMs: reserved.reservedAtMs };
    const { kind, code, counter, insertId } = reserved;
    const met = await store.insert(newLink(draft, kind, code, counter, insertId));
    if (met.outcome === 'inserted') return created(met.link, this.#replayed);
    if (met.outcome === 'taken') return undefined;
    try {
      await this.#giveUp(reserved);
    } finally {
      codes.reportDuplicate(counter);
    }
    throw new DuplicateCounterError(`Counter ${counter} (code ${code}) was used already; issuing has stopped.`);
  }

  /** The broken counter is reported once, and not by every server that the caller tries next. */
  async #giveUp(reserved: Reservation): Promise<void> {
    const { reservations, newInsertId } = this.#options;
    const lapsed = { ...reserved, insertId: newInsertId(), reservedAtMs: 0 };
    await reservations.reserve(this.#request.keyHash, lapsed, reserved);
  }
}
