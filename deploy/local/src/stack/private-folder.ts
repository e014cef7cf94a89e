import { chmodSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { NotPrivateError } from '../errors.js';
import { STATE_FILE } from './state.js';

const OTHERS = 0o077;
const WRITABLE_BY_ANYBODY = 0o002;
const STICKY = 0o1000;

/**
 * Whose folder it is decides which processes are signalled, what is run and where is written: root at work in somebody else's would do all of
 * that in his place.
 *
 * @throws NotPrivateError
 */
export function requireOwnFolder(dir: string): void {
  const { uid } = statSync(dir);
  const me = process.getuid?.();
  if (uid !== me) {
    throw new NotPrivateError(
      `${dir} belongs to another user (${uid}, not ${me}): choose another --dir, or be that user`,
    );
  }
}

/**
 * Makes the stack's folder, or one that is there and holds nothing else, its user's alone.
 *
 * @throws NotPrivateError where that is not this user's to decide, or would close to others what is not the stack's
 */
export function makePrivateFolder(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const real = realpathSync(dir);
  requireOwnFolder(real);
  const { mode } = statSync(real);
  for (let above = dirname(real), below = real; above !== below; below = above, above = dirname(above)) {
    const parent = statSync(above).mode;
    if ((parent & WRITABLE_BY_ANYBODY) !== 0 && (parent & STICKY) === 0) {
      throw new NotPrivateError(
        `anybody may replace what is in ${above} (mode ${octal(parent)}): choose another --dir`,
      );
    }
  }
  if ((mode & OTHERS) === 0) return;
  const holds = readdirSync(real);
  if (holds.length > 0 && !holds.includes(STATE_FILE)) {
    throw new NotPrivateError(
      `${dir} holds other things, and others may enter it (mode ${octal(mode)}): chmod 700 it, or choose another --dir`,
    );
  }
  chmodSync(real, 0o700);
}

const octal = (mode: number): string => (mode & 0o7777).toString(8);
