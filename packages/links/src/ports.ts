/**
 * The domain's ports. Adapters live in mysql, redis and sqlite; one conformance suite a port (in testkit) holds each of them, and
 * the in-memory fakes, to the same behaviour.
 */
import type { Sighting } from './change-log.js';
import type { Changes } from './changes.js';
import type { DeletedLinks } from './deleted-links.js';
import type { LinkDetails } from './details.js';
import type { FieldProblem } from './errors.js';
import type { KeyedRequest } from './idempotency.js';
import type { InsertOutcome } from './insert-outcome.js';
import type { Link, LinkRecord, NewLink, StoredLink, StoredRecord, Tombstone } from './link.js';
import type { LinkTerms } from './terms.js';

export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number;
}

/** What is left of a link, and who made it so: this call, or an earlier one. */
export type RemoveOutcome =
  | { readonly outcome: 'removed' | 'already-removed'; readonly tombstone: Tombstone }
  | { readonly outcome: 'conflict'; readonly link: Link }
  | { readonly outcome: 'missing' };

/** What an edit sets; what is left out stays as it is. */
export interface LinkChanges extends Partial<Pick<Link, 'longUrl' | 'expiresAtMs' | 'redirectStatus'>> {
  readonly terms?: Changes<LinkTerms>;
  readonly details?: Changes<LinkDetails>;
}

/** What is kept of an edit that came with an idempotency key, beside its link: that it was made. */
export interface EditReceipt extends KeyedRequest {
  readonly atMs: number;
}

/**
 * What a link is after an edit. `unchanged`: it was like that already. `conflict`: it is of another version than was asked for. `repeated`: the
 * edit was made before, by its receipt, whatever became of the link since. `reused`: another edit was made with the key of its receipt. `invalid`: what it
 * would set does not go with what the link has.
 */
export type EditOutcome =
  | { readonly outcome: 'edited' | 'unchanged' | 'conflict' | 'repeated' | 'reused'; readonly link: LinkRecord }
  | { readonly outcome: 'invalid'; readonly link: LinkRecord; readonly problems: readonly FieldProblem[] }
  | { readonly outcome: 'deleted'; readonly tombstone: Tombstone }
  | { readonly outcome: 'missing' };

export type ClickOutcome = 'counted' | 'spent' | 'changed';

/**
 * Durable home of the links. Every call settles within the store's own deadline and rejects with `StoreUnavailableError`
 * (nothing was applied) or `StoreOutcomeUnknownError` (a write may have been). `(domainId, code)` is the only arbiter.
 */
export interface LinkStore {
  /**
   * False while every insert would be refused at once, so that no counter need be spent on one. Undefined where that is never
   * known beforehand. A store finds out by itself when it is back.
   */
  readonly available?: boolean;
  /** False while an insert of this very code would be refused at once, though others may be taken. Undefined where all are alike. */
  takes?(domainId: number, code: string): boolean;
  /** Resolves `inserted` only once the row is durable. Concurrent calls may be coalesced; each settles by itself. */
  insert(link: NewLink): Promise<InsertOutcome>;
  /** `fresh`: ask the primary only. Otherwise a replica may answer, but "no such code" always comes from the primary. */
  find(domainId: number, code: string, options?: { readonly fresh?: boolean }): Promise<StoredLink | undefined>;
  /** As {@link find} of the primary, with what only those see who keep the link. */
  read(domainId: number, code: string): Promise<StoredRecord | undefined>;
  /** As {@link find}, with what the answer proves: for who fills caches with it. */
  sight(domainId: number, code: string, options?: { readonly fresh?: boolean }): Promise<Sighting | undefined>;
  /**
   * Changes a link and raises its version by one, if it is of one of `ifVersions` where they are given. Edits are applied one by one. An edit with a
   * `receipt` is made once: it is kept in the same transaction, of an edit that was made or changed nothing.
   */
  edit(
    domainId: number,
    code: string,
    changes: LinkChanges,
    ifVersions?: readonly number[],
    receipt?: EditReceipt,
  ): Promise<EditOutcome>;
  /**
   * Counts that a link of this version leads somebody to its target, if that was counted fewer than `most` times; durably, before it resolves. `spent`: it
   * was not. `changed`: it is of another version by now, or no link any more. `isCounted` false: it is only looked at.
   */
  click(link: Pick<Link, 'domainId' | 'code' | 'version'>, most: number, isCounted: boolean): Promise<ClickOutcome>;
  /** Forgets receipts of edits from before `beforeMs`, at most `limit`. @returns how many */
  forgetReceipts(beforeMs: number, limit: number): Promise<number>;
  /**
   * Turns the row into a tombstone that keeps its code for ever and raises its version, if it is of one of `ifVersions` where they are given.
   * A code without a row is `missing`, a tombstone `already-removed`. What the link was is kept apart as deleted at `keptAtMs`, in the same transaction, where that
   * is given.
   */
  remove(domainId: number, code: string, ifVersions?: readonly number[], keptAtMs?: number): Promise<RemoveOutcome>;
  readonly deleted: DeletedLinks;
}

/** What a create with an idempotency key was given before its link is inserted: with it, anybody can repeat the insert. Nothing of the target is kept. */
export interface Reservation extends Pick<NewLink, 'kind' | 'code' | 'counter' | 'insertId'> {
  readonly requestHash: string;
  /** When the key was first used, which is when its link was made. */
  readonly reservedAtMs: number;
}

/** One reservation a key, by its hash. Errors as for {@link LinkStore}. */
export interface ReservationStore {
  find(keyHash: string): Promise<Reservation | undefined>;
  /**
   * Keeps `reservation` durably where nothing stands under the key, or `instead` does, by its insert id. Of several callers one wins.
   *
   * @returns what stands there now: `reservation`, or somebody else's; undefined where that was forgotten meanwhile
   */
  reserve(keyHash: string, reservation: Reservation, instead?: Reservation): Promise<Reservation | undefined>;
  /** Forgets those from before `beforeMs`, at most `limit`. @returns how many */
  forget(beforeMs: number, limit: number): Promise<number>;
}

/** A link as the shared cache has it. */
export interface CachedLink {
  readonly link: StoredLink;
  /** By the monotonic clock: until then it may be served, by who keeps it too. Past that it is what was true once. */
  readonly validUntilMs: number;
}

/**
 * The shared cache (L2): a copy of some links. It never decides anything: all of its methods settle within its own bounded wait, and a cache that is
 * down answers `undefined` or `false` at once instead of rejecting.
 */
export interface LinkCache {
  get(domainId: number, code: string): Promise<CachedLink | undefined>;
  /** Fills it with what was read. `false`: not taken, which matters to nobody. */
  put(sighting: Sighting): Promise<boolean>;
}

export type BurntReason = 'taken' | 'refused' | 'unneeded';

/** A counter and the code it encodes to. */
export interface GeneratedCode {
  readonly counter: number;
  readonly code: string;
}

/** Where generated codes come from. */
export interface CodeSource {
  /** Waits, bounded in count and time, for a lease when nothing is held. Rejects with what the allocator throws. */
  nextOrWait(): Promise<GeneratedCode>;
  /** What is held now, in the order in which it will be issued. Whoever looks has nothing of it. */
  upcoming(): Iterable<GeneratedCode>;
  /** The last line of defence fired for this counter: drop the range, stop being ready. */
  reportDuplicate(counter: number): void;
  /** A counter is spent without a link: its code is `taken` (a reserved word, an alias, a tombstone), the store `refused` the link, or it was `unneeded`: another server was first with the same idempotency key. */
  reportBurnt(counter: number, why: BurntReason): void;
}

/** A link changed: every cache must hear that what it has from before `version` is old. What became of it, the store knows. */
export interface Invalidation {
  readonly domainId: number;
  readonly code: string;
  readonly version: number;
}

/** Whoever keeps what a change may make old. */
export interface ChangeListener {
  changed(invalidation: Invalidation): void;
  /** Changes may have passed unheard until now. */
  missed(): void;
}

/**
 * What any server of the system announces, heard within moments. Nothing rests on it: whoever hears nothing is late by as long as caches
 * keep what they have.
 */
export interface ChangeFeed {
  /** Until the returned function is called; resolves when nothing more will be heard. */
  follow(listener: ChangeListener): () => Promise<void>;
}
