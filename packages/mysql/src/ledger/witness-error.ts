import { UnknownOutcomeError, WitnessUnavailableError } from '@lakh/id-range';
import { DatabaseUnsupportedError, mayBeApplied, SqlFailure } from '../wire/errors.js';

/** The allocator's error for a failure of the database that holds the ledger; anything else is passed through as it is. */
export function witnessError(error: unknown): unknown {
  if (error instanceof DatabaseUnsupportedError) return new WitnessUnavailableError(error.message, { cause: error });
  if (!(error instanceof SqlFailure)) return error;
  return mayBeApplied(error)
    ? new UnknownOutcomeError(`the ledger did not say whether it recorded: ${error.message}`, { cause: error })
    : new WitnessUnavailableError(`the ledger cannot be used now: ${error.serverMessage}`, { cause: error });
}
