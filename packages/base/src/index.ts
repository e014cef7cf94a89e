/** What every room may use: an error with a stable code, the pause before another attempt, text in columns or in memory of its own. No I/O. */
export { type BackoffOptions, backoff } from './backoff.js';
export { CodedError, type FieldProblem, ForbiddenError } from './coded-error.js';
export { columns } from './columns.js';
export { ownText } from './own-text.js';
