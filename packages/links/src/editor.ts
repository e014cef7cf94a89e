import { type Actor, demand } from './actor.js';
import { isPossibleCode } from './alias.js';
import { type AnnouncerOptions, createAnnouncer } from './announcer.js';
import {
  ChangedSinceError,
  type FieldProblem,
  IdempotencyKeyReusedError,
  InvalidLinkError,
  LinkGoneError,
  LinkNotFoundError,
} from './errors.js';
import { validateExpiry } from './expiry.js';
import { type FurtherFields, validateFurther } from './further-fields.js';
import { type Digest, IdempotencyKeys } from './idempotency.js';
import type { Link, LinkRecord } from './link.js';
import { type LongUrlPolicy, validateLongUrl } from './long-url.js';
import { changeWithinReach } from './own-links.js';
import { type Passwords, withPasswordKept } from './passwords.js';
import type { Clock, EditOutcome, LinkChanges, LinkStore } from './ports.js';
import { validateRedirectStatus } from './redirect-status.js';

/** As a caller sent it; nothing is validated yet. What is undefined stays as it is. */
export interface EditRequest {
  readonly longUrl?: unknown;
  /** Null: the link does not expire. */
  readonly expiresAt?: unknown;
  /** Null: the server's default. */
  readonly redirectStatus?: unknown;
  readonly fields?: FurtherFields | undefined;
}

export interface EditorOptions extends AnnouncerOptions {
  readonly store: LinkStore;
  readonly clock: Clock;
  readonly policy: LongUrlPolicy;
  /** Told once of each link that was edited, and by whom. */
  readonly onEdited?: (link: Link, actor: Actor) => void;
  /** For edits with idempotency keys; undefined where there are none. */
  readonly digest?: Digest;
  /** Undefined where no link may have a password. */
  readonly passwords?: Passwords | undefined;
}

export interface EditResult {
  readonly link: LinkRecord;
  /** False when it was like that already; its version is the same then. */
  readonly edited: boolean;
  /** Whether an earlier request with the same key made the edit. */
  readonly replayed: boolean;
  /** Whether every cache was told. If not, they hear of it within moments, and believe nothing from before for longer than their bound. */
  readonly delivered: boolean;
}

export interface Editor {
  /**
   * Changes a link, if it is of one of `ifVersions` where they are given. An edit that changes nothing tells the caches again. Rejects with
   * `ForbiddenError`, {@link InvalidLinkError} (naming every invalid field), {@link LinkNotFoundError}, {@link LinkGoneError} (deleted: for
   * good), {@link ChangedSinceError}, or as the store does: after `StoreOutcomeUnknownError` it may be changed, and asking again is safe.
   *
   * `key`: the same caller's next request with it, for this link, makes no further edit for a day, and answers the link as it is then; with
   * `IdempotencyKeyReusedError` or `IdempotencyKeyInUseError`.
   */
  edit(
    domainId: number,
    code: string,
    request: EditRequest,
    actor: Actor,
    ifVersions?: readonly number[],
    key?: string,
  ): Promise<EditResult>;
  /** What {@link edit} would refuse the request for; empty when it is valid. */
  check(request: EditRequest): readonly FieldProblem[];
}

export function createEditor(options: EditorOptions): Editor {
  const { store, clock, policy, onEdited, digest, passwords, ...others } = options;
  const announce = createAnnouncer(others);
  const keys = digest && new IdempotencyKeys(digest);

  /** Valid as far as the fields themselves go at `nowMs`. `salt`: of what is kept of a password. */
  async function changesOf(request: EditRequest, nowMs: number, salt?: string): Promise<LinkChanges> {
    const { changes, further, problems } = validate(request, policy, nowMs);
    if (problems.length > 0) throw new InvalidLinkError(problems);
    return further === undefined ? changes : { ...changes, ...(await withPasswordKept(further, passwords, salt)) };
  }

  async function settle(met: EditOutcome, actor: Actor): Promise<EditResult> {
    if (met.outcome === 'missing') throw new LinkNotFoundError('There is no link with this code.');
    if (met.outcome === 'deleted') throw new LinkGoneError('This link was deleted.');
    if (met.outcome === 'conflict') throw new ChangedSinceError(met.link.version);
    if (met.outcome === 'invalid') throw new InvalidLinkError(met.problems);
    if (met.outcome === 'reused')
      throw new IdempotencyKeyReusedError('This Idempotency-Key was used for another edit.');
    const { outcome, link } = met;
    if (outcome === 'edited') onEdited?.(link, actor);
    const delivered = await announce(link);
    return { link, edited: outcome === 'edited', replayed: outcome === 'repeated', delivered };
  }

  async function editByKey(subject: Subject, request: EditRequest, actor: Actor, key: string): Promise<EditResult> {
    if (keys === undefined || digest === undefined) throw new Error('keys are not taken here');
    const { domainId, code, ifVersions } = subject;
    const atMs = clock.nowMs();
    const salt = digest(JSON.stringify(['salt', actor.kind, actor.name, key, domainId, code])).slice(0, SALT_LENGTH);
    const changes = await changesOf(request, 0, salt);
    const asked = { ...UNCHANGED, ...changes };
    return keys.use({ key, actor, purpose: ['edit', domainId, code], asked }, async (keyed) => {
      // An expiry that has passed by now may be that of an edit which was made in time, and may not be set any more.
      const { problems } = validate(request, policy, atMs);
      const versions = problems.length > 0 ? [] : ifVersions;
      const met = await changeWithinReach(store, { domainId, code, actor, ifVersions: versions }, (meant) =>
        store.edit(domainId, code, changes, meant, { ...keyed, atMs }),
      );
      if (met.outcome === 'conflict' && problems.length > 0) throw new InvalidLinkError(problems);
      return settle(met, actor);
    });
  }

  return {
    async edit(domainId, code, request, actor, ifVersions, key) {
      demand('edit', actor);
      if (!isPossibleCode(code)) {
        await changesOf(request, clock.nowMs());
        return settle({ outcome: 'missing' }, actor);
      }
      if (key !== undefined) return editByKey({ domainId, code, ifVersions }, request, actor, key);
      const changes = await changesOf(request, clock.nowMs());
      const met = await changeWithinReach(store, { domainId, code, actor, ifVersions }, (meant) =>
        store.edit(domainId, code, changes, meant),
      );
      return settle(met, actor);
    },
    check: (request) => validate(request, policy, clock.nowMs()).problems,
  };
}

interface Subject {
  readonly domainId: number;
  readonly code: string;
  readonly ifVersions: readonly number[] | undefined;
}

/** Fixes the order of the fields. */
const UNCHANGED = { longUrl: undefined, expiresAtMs: undefined, redirectStatus: undefined };

/** Of 16 bytes. */
const SALT_LENGTH = 32;

type Checked = (LinkChanges & { readonly problem?: never }) | { readonly problem: FieldProblem };

/** Of every field, so that a caller learns of all problems at once. */
function validate(request: EditRequest, policy: LongUrlPolicy, nowMs: number) {
  const checked: readonly Checked[] = [
    request.longUrl === undefined ? {} : targetOf(request.longUrl, policy),
    valueOrNull(request.expiresAt, { expiresAtMs: null }, (value) => validateExpiry(value, nowMs)),
    valueOrNull(request.redirectStatus, { redirectStatus: null }, validateRedirectStatus),
  ];
  const further = request.fields && validateFurther(request.fields, policy);
  return {
    changes: Object.assign({}, ...checked) as LinkChanges,
    further: further?.changes,
    problems: [...checked.flatMap(({ problem }) => problem ?? []), ...(further?.problems ?? [])],
  };
}

function targetOf(longUrl: unknown, policy: LongUrlPolicy): Checked {
  const result = validateLongUrl(longUrl, policy);
  return 'problem' in result ? result : { longUrl: result.href };
}

/** What is not asked for changes nothing; null clears. */
function valueOrNull(value: unknown, cleared: LinkChanges, validate: (value: unknown) => Checked): Checked {
  if (value === undefined) return {};
  return value === null ? cleared : validate(value);
}
