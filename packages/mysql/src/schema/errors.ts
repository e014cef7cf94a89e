import { CodedError } from '@lakh/base';

/** The database's schema is not the one that this program was built for. */
export class SchemaMismatchError extends CodedError {
  readonly code = 'schema_mismatch';
}
