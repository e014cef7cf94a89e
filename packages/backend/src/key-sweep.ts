import {
  type Clock,
  type DeletedLinks,
  IDEMPOTENCY_KEY_KEPT_MS,
  type LinkStore,
  type ReservationStore,
} from '@lakh/links';
import { type Logger, startRounds } from '@lakh/process';

export interface KeySweepOptions {
  readonly reservations: Pick<ReservationStore, 'forget'>;
  readonly links: Pick<LinkStore, 'forgetReceipts'> & { readonly deleted: Pick<DeletedLinks, 'forget'> };
  /** For how long what deleted links were is kept. */
  readonly restoreMs: number;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug'> | undefined;
}

const SWEEP_EVERY_MS = 60_000;
/** Rows of one statement: a data file's is written in the process's own thread. */
const SWEEP_SIZE = 500;
/** Clocks of servers differ, and none may forget what another still goes by. */
const CLOCK_SKEW_MS = 60_000;

/**
 * Forgets what idempotency keys stood for, and what deleted links were, once nobody goes by it any more, until the returned function is called; that waits for the statement in
 * hand. Every server may do it: twice is harmless.
 */
export function startKeySweep({ reservations, links, restoreMs, clock, log }: KeySweepOptions): () => Promise<void> {
  async function work(signal: AbortSignal): Promise<void> {
    const nowMs = clock.nowMs();
    const beforeMs = Math.max(0, nowMs - IDEMPOTENCY_KEY_KEPT_MS - CLOCK_SKEW_MS);
    const deletedBeforeMs = Math.max(0, nowMs - restoreMs - CLOCK_SKEW_MS);
    for (const forget of [
      () => reservations.forget(beforeMs, SWEEP_SIZE),
      () => links.forgetReceipts(beforeMs, SWEEP_SIZE),
      () => links.deleted.forget(deletedBeforeMs, SWEEP_SIZE),
    ]) {
      while (!signal.aborted && (await forget()) === SWEEP_SIZE);
    }
  }

  // They wait for the next sweep; the store's own check says that it is away.
  return startRounds(SWEEP_EVERY_MS, work, (error) =>
    log?.debug({ err: error }, 'old idempotency keys and deleted links cannot be forgotten now'),
  );
}
