import { CodedError } from '@lakh/base';

/** The argument of a command makes no sense: no counter, no code, no such row. */
export class InvalidArgumentError extends CodedError {
  readonly code = 'invalid_argument';
}

/** At the rate on record more counters may have been leased since the copy was made: they would be given again. */
export class SkipTooSmallError extends CodedError {
  readonly code = 'skip_too_small';
}

/** So many counters cannot have been issued since any copy was made, and what is skipped is gone for good. */
export class SkipTooLargeError extends CodedError {
  readonly code = 'skip_too_large';
}

/** Every attempt found that somebody else had just written; nothing is wrong, and trying again is safe. */
export class RepairContentionError extends CodedError {
  readonly code = 'repair_contention';
  constructor(rounds: number) {
    super(`others wrote to the witnesses in each of ${rounds} rounds; what was done is safe: run the command again`);
  }
}

/** The system has been started before, so that a first start by hand would be none. */
export class AlreadyBootstrappedError extends CodedError {
  readonly code = 'already_bootstrapped';
}

/** The file is no export of a ledger, is damaged, or is one of another system. */
export class LedgerFileError extends CodedError {
  readonly code = 'ledger_file_invalid';
}
