import { type Actor, demand } from './actor.js';
import { isPossibleCode } from './alias.js';
import { type AnnouncerOptions, createAnnouncer } from './announcer.js';
import { ChangedSinceError, type FieldProblem, InvalidLinkError, LinkGoneError, LinkNotFoundError } from './errors.js';
import { validateExpiry } from './expiry.js';
import type { Link } from './link.js';
import { type LongUrlPolicy, validateLongUrl } from './long-url.js';
import type { Clock, EditOutcome, LinkChanges, LinkStore } from './ports.js';
import { validateRedirectStatus } from './redirect-status.js';

/** As a caller sent it; nothing is validated yet. What is undefined stays as it is. */
export interface EditRequest {
  readonly longUrl?: unknown;
  /** Null: the link does not expire. */
  readonly expiresAt?: unknown;
  /** Null: the server's default. */
  readonly redirectStatus?: unknown;
}

export interface EditorOptions extends AnnouncerOptions {
  readonly store: LinkStore;
  readonly clock: Clock;
  readonly policy: LongUrlPolicy;
  /** Told once of each link that was edited, and by whom. */
  readonly onEdited?: (link: Link, actor: Actor) => void;
}

export interface EditResult {
  readonly link: Link;
  /** False when it was like that already; its version is the same then. */
  readonly edited: boolean;
  /** Whether every cache was told. If not, the outbox's relay does it later, and L1's lifetime bounds the rest. */
  readonly delivered: boolean;
}

export interface Editor {
  /**
   * Changes a link, if it is of one of `ifVersions` where they are given. An edit that changes nothing tells the caches again. Rejects with
   * `ForbiddenError`, {@link InvalidLinkError} (naming every invalid field), {@link LinkNotFoundError}, {@link LinkGoneError} (deleted: for
   * good), {@link ChangedSinceError}, or as the store does: after `StoreOutcomeUnknownError` it may be changed, and asking again is safe.
   */
  edit(
    domainId: number,
    code: string,
    request: EditRequest,
    actor: Actor,
    ifVersions?: readonly number[],
  ): Promise<EditResult>;
  /** What {@link edit} would refuse the request for; empty when it is valid. */
  check(request: EditRequest): readonly FieldProblem[];
}

export function createEditor({ store, clock, policy, onEdited, ...others }: EditorOptions): Editor {
  const announce = createAnnouncer(others);

  return {
    async edit(domainId, code, request, actor, ifVersions) {
      demand('edit', actor);
      const fields = validate(request, policy, clock.nowMs());
      const problems = problemsOf(fields);
      if (problems.length > 0) throw new InvalidLinkError(problems);
      const changes: LinkChanges = Object.assign({}, ...fields);
      const met: EditOutcome = isPossibleCode(code)
        ? await store.edit(domainId, code, changes, ifVersions)
        : { outcome: 'missing' };
      if (met.outcome === 'missing') throw new LinkNotFoundError('There is no link with this code.');
      if (met.outcome === 'deleted') throw new LinkGoneError('This link was deleted.');
      if (met.outcome === 'conflict') throw new ChangedSinceError(met.link.version);
      if (met.outcome === 'edited') onEdited?.(met.link, actor);
      return { link: met.link, edited: met.outcome === 'edited', delivered: await announce(met.link) };
    },
    check: (request) => problemsOf(validate(request, policy, clock.nowMs())),
  };
}

type Checked = (LinkChanges & { readonly problem?: never }) | { readonly problem: FieldProblem };

function validate(request: EditRequest, policy: LongUrlPolicy, nowMs: number): readonly Checked[] {
  return [
    request.longUrl === undefined ? {} : targetOf(request.longUrl, policy),
    valueOrNull(request.expiresAt, { expiresAtMs: null }, (value) => validateExpiry(value, nowMs)),
    valueOrNull(request.redirectStatus, { redirectStatus: null }, validateRedirectStatus),
  ];
}

/** Of every field, so that a caller learns of all problems at once. */
function problemsOf(fields: readonly Checked[]): readonly FieldProblem[] {
  return fields.flatMap(({ problem }) => problem ?? []);
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
