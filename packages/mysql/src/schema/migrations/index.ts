import { linksAndLedger } from './0001-links-and-ledger.js';
import { remainders } from './0002-remainders.js';
import { idempotency } from './0003-idempotency.js';
import { bucketsAndChanges } from './0004-buckets-and-changes.js';
import { beats } from './0005-beats.js';
import { whatLinksHave } from './0006-what-links-have.js';
import type { Migration } from './migration.js';

export { type Migration, type PiecesStatement, type Statement, textOf } from './migration.js';

/** Every step, in order; the place is the number. */
export const MIGRATIONS: readonly Migration[] = [
  linksAndLedger,
  remainders,
  idempotency,
  bucketsAndChanges,
  beats,
  whatLinksHave,
];
