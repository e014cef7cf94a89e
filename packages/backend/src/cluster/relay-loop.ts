import { type RelayOptions, relayInvalidations } from '@lakh/links';
import type { Logger } from '@lakh/process';

export interface RelayLoopOptions extends RelayOptions {
  readonly log: Pick<Logger, 'info' | 'debug'> | undefined;
}

/**
 * How often the outbox is looked at. Servers that lost Redis do not believe it for two seconds after it is back, and within those
 * what waits has to be delivered.
 */
const ROUND_EVERY_MS = 500;

/** Relays invalidations until the returned function is called, which waits for the round under way. */
export function startRelay({ log, ...ends }: RelayLoopOptions): () => Promise<void> {
  let round: Promise<void> | undefined;
  const timer = setInterval(() => {
    round ??= relayInvalidations(ends)
      .then((delivered) => {
        if (delivered > 0) log?.info({ delivered }, 'invalidations delivered from the outbox');
      })
      // They stay in the outbox; the database's own check says that it is away.
      .catch((error: unknown) => log?.debug({ err: error }, 'the outbox cannot be asked'))
      .finally(() => {
        round = undefined;
      });
  }, ROUND_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await round;
  };
}
