import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SYSTEM_PATH } from '../config.js';
import { StartFailedError } from '../errors.js';
import type { StackContext } from './plans.js';
import { MIGRATE_DATABASE_FILE, secretFile } from './secrets.js';

const run = promisify(execFile);
const MIGRATE_DEADLINE_MS = 60_000;

/** `lakh migrate` as the user that may change tables, so that no server needs to be. */
export async function migrateDatabase(context: StackContext, signal: AbortSignal): Promise<void> {
  const program = join(context.root, 'services', 'lakh', 'dist', 'main.js');
  try {
    await run(process.execPath, [program, 'migrate'], {
      cwd: context.dir,
      env: { PATH: SYSTEM_PATH, LAKH_DATABASE_FILE: secretFile(context.dir, MIGRATE_DATABASE_FILE) },
      timeout: MIGRATE_DEADLINE_MS,
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new StartFailedError(`the database's schema could not be brought up to date: ${(stderr || message).trim()}`);
  }
}
