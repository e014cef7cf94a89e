import type { ChangeLog, Clock, CopyKeeper } from '@lakh/links';
import { type Logger, startRounds } from '@lakh/process';

export interface KeepCopyOptions {
  /** Undefined on a server that was given no Redis; others of the same database may have one. */
  readonly keeper: Pick<CopyKeeper, 'start'> | undefined;
  readonly changeLog: Pick<ChangeLog, 'forget'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug'> | undefined;
}

/** A copy that has heard nothing for longer, or comes back from an older snapshot, begins anew, which costs a question to the database a link. */
const KEPT_MS = 3_600_000;
const FORGET_EVERY_MS = 60_000;
/** Rows of one statement. */
const FORGET_SIZE = 500;

/**
 * Keeps the copy, and forgets changes that no copy needs to hear of any more, until the returned function is called; that waits for the rounds
 * in hand.
 */
export function keepCopy({ keeper, changeLog, clock, log }: KeepCopyOptions): () => Promise<void> {
  async function forgetOld(signal: AbortSignal): Promise<void> {
    const beforeMs = Math.max(0, clock.nowMs() - KEPT_MS);
    while (!signal.aborted && (await changeLog.forget(beforeMs, FORGET_SIZE)) === FORGET_SIZE);
  }

  const stops = [
    // They wait for the next round; the database's own check says that it is away.
    startRounds(FORGET_EVERY_MS, forgetOld, (error) =>
      log?.debug({ err: error }, 'old changes cannot be forgotten now'),
    ),
    keeper?.start(),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop?.()));
  };
}
