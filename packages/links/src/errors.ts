/** Errors of the domain: one class, one stable code, one HTTP status (docs/reference/errors.md, checked by a test). */
export abstract class LinkError extends Error {
  abstract readonly code: string;
  abstract readonly status: number;
  override get name(): string {
    return this.constructor.name;
  }
}

/** One invalid input field. `reason` is a sentence for people, `rule` a stable word for programs. */
export interface FieldProblem {
  readonly field: string;
  readonly rule: string;
  readonly reason: string;
}

/** The request is well formed but a field is missing, of a wrong type, unknown or invalid; names each. */
export class InvalidLinkError extends LinkError {
  readonly code = 'invalid_link';
  readonly status = 422;
  readonly problems: readonly FieldProblem[];
  constructor(problems: readonly FieldProblem[]) {
    super(problems.map((p) => `${p.field}: ${p.reason}`).join('; '));
    this.problems = problems;
  }
}

/** The alias belongs to another link, or did to a deleted one. */
export class AliasTakenError extends LinkError {
  readonly code = 'alias_taken';
  readonly status = 409;
}

/** No link has this code. */
export class LinkNotFoundError extends LinkError {
  readonly code = 'link_not_found';
  readonly status = 404;
}

/** The link was there and is not any more: deleted, or past its expiry. */
export class LinkGoneError extends LinkError {
  readonly code = 'link_gone';
  readonly status = 410;
}

/** The store could not be asked, and nothing was changed. */
export class StoreUnavailableError extends LinkError {
  readonly code = 'store_unavailable';
  readonly status = 503;
}

/** A write was sent and its answer never came: it may be applied. Its counter is never used again. */
export class StoreOutcomeUnknownError extends LinkError {
  readonly code = 'store_outcome_unknown';
  readonly status = 503;
}

/** A generated code met another generated row: uniqueness is broken; issuing has stopped. */
export class DuplicateCounterError extends LinkError {
  readonly code = 'duplicate_counter';
  readonly status = 503;
}

/** Too many counters in a row met aliases, tombstones or reserved words. */
export class TooManyBurntCountersError extends LinkError {
  readonly code = 'too_many_burnt_counters';
  readonly status = 503;
}
