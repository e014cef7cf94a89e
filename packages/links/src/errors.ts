import { CodedError, type FieldProblem } from '@lakh/base';

export type { FieldProblem };

/** The request is well formed but a field is missing, of a wrong type, unknown or invalid; names each. */
export class InvalidLinkError extends CodedError {
  readonly code = 'invalid_link';
  readonly problems: readonly FieldProblem[];
  constructor(problems: readonly FieldProblem[]) {
    super(problems.map((p) => `${p.field}: ${p.reason}`).join('; '));
    this.problems = problems;
  }
}

/** The alias belongs to another link. */
export class AliasTakenError extends CodedError {
  readonly code = 'alias_taken';
}

/** The alias was a link that was deleted: it is its owner's alone, once it cannot be restored any more. */
export class AliasDeletedError extends CodedError {
  readonly code = 'alias_deleted';
  readonly restorableUntilMs: number | undefined;
  constructor(message: string, restorableUntilMs?: number) {
    super(message);
    this.restorableUntilMs = restorableUntilMs;
  }
}

/** The same caller used the key for another request, less than a day ago. */
export class IdempotencyKeyReusedError extends CodedError {
  readonly code = 'idempotency_key_reused';
}

/** Another request with the key is under way. */
export class IdempotencyKeyInUseError extends CodedError {
  readonly code = 'idempotency_key_in_use';
  readonly retryAfterS = 1;
}

/** No link has this code. */
export class LinkNotFoundError extends CodedError {
  readonly code = 'link_not_found';
}

/** The link was there and is not any more: deleted, or past its expiry. */
export class LinkGoneError extends CodedError {
  readonly code = 'link_gone';
  /** Until when who is told may bring it back; undefined where it cannot be, or not by them. */
  readonly restorableUntilMs: number | undefined;
  constructor(message: string, restorableUntilMs?: number) {
    super(message);
    this.restorableUntilMs = restorableUntilMs;
  }
}

/** The link is of another version than the change was meant for. */
export class ChangedSinceError extends CodedError {
  readonly code = 'changed_since';
  constructor(version: number) {
    super(`The link was changed since: it is of version ${version} now.`);
  }
}

/** The link leads to the very address that it was asked for at: following it would go round in circles. */
export class LinkLoopError extends CodedError {
  readonly code = 'link_loop';
  readonly publicDetail = 'This link leads back to this service.';
}

/** The store could not be asked, and nothing was changed. */
export class StoreUnavailableError extends CodedError {
  readonly code = 'store_unavailable';
  /** Whether it could be asked, if fewer did. */
  readonly isBusy: boolean;
  constructor(message: string, { isBusy = false, ...options }: ErrorOptions & { readonly isBusy?: boolean } = {}) {
    super(message, options);
    this.isBusy = isBusy;
  }
}

/** A write was sent and its answer never came: it may be applied. Its counter is never used again. */
export class StoreOutcomeUnknownError extends CodedError {
  readonly code = 'store_outcome_unknown';
}

/** A generated code met another generated row: uniqueness is broken; issuing has stopped. */
export class DuplicateCounterError extends CodedError {
  readonly code = 'duplicate_counter';
}

/** Too many inserts in a row met aliases or tombstones. */
export class TooManyBurntCountersError extends CodedError {
  readonly code = 'too_many_burnt_counters';
}
