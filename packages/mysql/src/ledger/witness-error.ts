import { UnknownOutcomeError, WitnessUnavailableError } from '@lakh/id-range';
import { DatabaseUnsupportedError, mayBeApplied, SqlFailure } from '../wire/errors.js';
import type { StatementTimer } from '../wire/timing.js';

/** The allocator's error for a failure of the database that holds the ledger; anything else is passed through as it is. */
export function witnessError(error: unknown): unknown {
  if (error instanceof DatabaseUnsupportedError) return new WitnessUnavailableError(error.message, { cause: error });
  if (!(error instanceof SqlFailure)) return error;
  return mayBeApplied(error)
    ? new UnknownOutcomeError(`the ledger did not say whether it recorded: ${error.message}`, { cause: error })
    : new WitnessUnavailableError(`the ledger cannot be used now: ${error.serverMessage}`, { cause: error });
}

/** Runs what asks the ledger, is timed, and fails with the allocator's errors. */
export function ledgerCall(timer: StatementTimer): <T>(work: () => Promise<T>) => Promise<T> {
  return (work) =>
    timer('ledger', 1, work).catch((error: unknown) => {
      throw witnessError(error);
    });
}
