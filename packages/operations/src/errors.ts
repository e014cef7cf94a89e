/** Errors of the operator's commands: one class, one stable code, one HTTP status (docs/reference/errors.md). */
export abstract class OperationsError extends Error {
  abstract readonly code: string;
  abstract readonly status: number;
  override get name(): string {
    return this.constructor.name;
  }
}

/** The argument of a command makes no sense: no counter, no code, no such row. */
export class InvalidArgumentError extends OperationsError {
  readonly code = 'invalid_argument';
  readonly status = 422;
}

/** Every attempt found that somebody else had just written; nothing is wrong, and trying again is safe. */
export class RepairContentionError extends OperationsError {
  readonly code = 'repair_contention';
  readonly status = 503;
  constructor(rounds: number) {
    super(`others wrote to the witnesses in each of ${rounds} rounds; what was done is safe: run the command again`);
  }
}

/** The system has been started before, so that a first start by hand would be none. */
export class AlreadyBootstrappedError extends OperationsError {
  readonly code = 'already_bootstrapped';
  readonly status = 409;
}

/** The file is no export of a ledger, is damaged, or is one of another system. */
export class LedgerFileError extends OperationsError {
  readonly code = 'ledger_file_invalid';
  readonly status = 422;
}
