import { type Clock, type Invalidation, type LinkCache, type RelayOptions, relayInvalidations } from '@lakh/links';
import type { Logger } from '@lakh/process';
import { startRounds } from '../rounds.js';

export interface RelayLoopOptions extends Pick<RelayOptions, 'outbox' | 'store'> {
  /** Undefined on a server that was given none; others of the same database may have one. */
  readonly cache: LinkCache | undefined;
  readonly clock: Clock;
  /** How old an invalidation gets that nobody delivers: longer than a cache keeps what it would end. */
  readonly keptForMs: number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'debug'> | undefined;
}

/**
 * How often the outbox is looked at. Servers that lost Redis do not believe it for two seconds after it is back, and within those
 * what waits has to be delivered.
 */
const ROUND_EVERY_MS = 500;
const FORGET_EVERY_MS = 60_000;
/** Rows of one statement. */
const FORGET_SIZE = 500;

/**
 * Relays invalidations, and forgets those that are too old to matter, until the returned function is called; that waits for the
 * one in hand, not for all that wait.
 */
export function startRelay(options: RelayLoopOptions): () => Promise<void> {
  const { log } = options;
  let forgetDueMs = Number.NEGATIVE_INFINITY;
  /** Codes told of as unreadable since the last look at what is old. */
  const unreadable = new Set<string>();

  function onUnreadable({ code }: Invalidation, error: unknown): void {
    if (unreadable.has(code)) return;
    unreadable.add(code);
    log?.warn({ code, err: error }, 'an invalidation waits for a link that cannot be read');
  }

  async function work(signal: AbortSignal): Promise<void> {
    await deliver(options, { signal, onUnreadable });
    if (performance.now() < forgetDueMs) return;
    await forgetOld(options, signal);
    unreadable.clear();
    forgetDueMs = performance.now() + FORGET_EVERY_MS;
  }

  // They stay in the outbox; the database's own check says that it is away.
  return startRounds(ROUND_EVERY_MS, work, (error) => log?.debug({ err: error }, 'the outbox cannot be asked'));
}

async function deliver(
  { cache, outbox, store, log }: RelayLoopOptions,
  ways: Required<Pick<RelayOptions, 'signal' | 'onUnreadable'>>,
): Promise<void> {
  if (cache === undefined) return;
  const delivered = await relayInvalidations({ outbox, store, cache, ...ways });
  if (delivered > 0) log?.info({ delivered }, 'invalidations delivered from the outbox');
}

async function forgetOld({ outbox, clock, keptForMs, log }: RelayLoopOptions, signal: AbortSignal): Promise<void> {
  const beforeMs = Math.max(0, clock.nowMs() - keptForMs);
  let forgotten = 0;
  for (let last = FORGET_SIZE; last === FORGET_SIZE && !signal.aborted; forgotten += last) {
    last = await outbox.forget(beforeMs, FORGET_SIZE);
  }
  if (forgotten > 0) log?.info({ forgotten }, 'invalidations forgotten: no cache holds anything so old any more');
}
