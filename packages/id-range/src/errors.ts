/**
 * Every error of the allocator: one class, one stable code, one HTTP status. The codes are API: docs/reference/errors.md
 * lists them and a test holds the two together.
 */
export abstract class IdRangeError extends Error {
  abstract readonly code: string;
  abstract readonly status: number;
  override get name(): string {
    return this.constructor.name;
  }
}

/** Nothing left to issue right now; leases go on being tried in the background (I8). */
export class IdsExhaustedError extends IdRangeError {
  readonly code = 'ids_exhausted';
  readonly status = 503;
}

/** The counter space itself has ended; no lease will ever succeed again. */
export class CounterSpaceEndedError extends IdRangeError {
  readonly code = 'counter_space_ended';
  readonly status = 503;
}

/** A witness could not be asked, and nothing was changed. */
export class WitnessUnavailableError extends IdRangeError {
  readonly code = 'witness_unavailable';
  readonly status = 503;
}

/** A write was sent and its answer never came: it may have been applied. Whatever it would have given is abandoned (I2). */
export class UnknownOutcomeError extends IdRangeError {
  readonly code = 'unknown_outcome';
  readonly status = 503;
}

/** A witness answered with something that cannot be a mark or a head (I6). */
export class WitnessCorruptError extends IdRangeError {
  readonly code = 'witness_corrupt';
  readonly status = 503;
}
