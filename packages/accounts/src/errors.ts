import { CodedError, type FieldProblem } from '@lakh/base';

/** No key has this id, nor is it the name of a valid one. */
export class KeyNotFoundError extends CodedError {
  readonly code = 'key_not_found';
}

/** A valid key has this name: names are what logs and allowances go by. */
export class KeyNameTakenError extends CodedError {
  readonly code = 'key_name_taken';
}

/** There are as many keys as there may be. */
export class TooManyKeysError extends CodedError {
  readonly code = 'too_many_keys';
}

/** A field is missing, of a wrong type, unknown or invalid; names each. */
export class InvalidKeyRequestError extends CodedError {
  readonly code = 'invalid_key';
  readonly problems: readonly FieldProblem[];
  constructor(problems: readonly FieldProblem[]) {
    super(problems.map(({ field, reason }) => (field === '' ? reason : `${field}: ${reason}`)).join('; '));
    this.problems = problems;
  }
}

/** Others change keys at the same time, again and again. */
export class KeyContentionError extends CodedError {
  readonly code = 'key_contention';
  readonly retryAfterS = 1;
}

/** What the database holds under the name of keys is no document of keys that this release knows. */
export class KeyBookInvalidError extends CodedError {
  readonly code = 'key_book_invalid';
}
