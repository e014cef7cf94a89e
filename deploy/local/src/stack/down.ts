import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SECRETS_DIR } from './secrets.js';
import { type Session, STATE_LOCK, VERB_LOCK } from './session.js';
import { PROCESS_NAME, type ProcessRecord, recordsOf, STATE_FILE } from './state.js';

export interface DownOptions {
  /** Also removes what the stack wrote, data included. */
  readonly wipe?: boolean;
  /** When aborted, what still drains is ended at once. */
  readonly hurry?: AbortSignal;
}

/** The verb `down`, with the stack's lock held. */
export async function downStack(session: Session, options: DownOptions): Promise<void> {
  await endAll(session, options.hurry);
  session.report('everything has ended');
  if (options.wipe) wipe(session.context.dir);
}

/** First who takes requests, then who answers them, last what these need. Throws when one could not be ended, after trying all. */
export async function endAll(session: Session, hurry?: AbortSignal): Promise<void> {
  const state = session.read();
  const waves: readonly ProcessRecord[][] = [
    recordsOf(state, 'gateway'),
    [...recordsOf(state, 'shorten'), ...recordsOf(state, 'redirect')],
    recordsOf(state, 'vtgate'),
    [...recordsOf(state, 'vttablet'), ...recordsOf(state, 'vtctld')],
    [...recordsOf(state, 'zookeeper'), ...recordsOf(state, 'mysql'), ...recordsOf(state, 'redis')],
  ];
  const failures: unknown[] = [];
  for (const wave of waves) {
    const results = await Promise.allSettled(wave.map(({ name }) => session.stop(name, hurry)));
    failures.push(...results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])));
  }
  if (failures.length > 0) throw failures[0];
}

/** Only what the stack made: its folder may be one that somebody else uses too. */
function wipe(dir: string): void {
  const own = readdirSync(dir).filter((name) => PROCESS_NAME.test(name));
  for (const name of own) rmSync(join(dir, name), { recursive: true, force: true });
  rmSync(join(dir, SECRETS_DIR), { recursive: true, force: true });
  for (const file of [STATE_FILE, STATE_LOCK, VERB_LOCK]) rmSync(join(dir, file), { force: true });
  try {
    rmdirSync(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'EBUSY') throw error;
  }
}
