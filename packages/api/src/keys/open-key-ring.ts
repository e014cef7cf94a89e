import { setTimeout as sleep } from 'node:timers/promises';
import { KeyRing, type KeyRingOptions } from '@lakh/accounts';
import { backoff } from '@lakh/base';
import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import { type Logger, startRounds } from '@lakh/process';
import { keyCrypto } from './key-crypto.js';

export interface OpenKeyRingOptions extends Omit<KeyRingOptions, 'crypto'> {
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** How often keys are read again; by so much one that was made or revoked elsewhere is late. Default 2,000. */
  readonly lookEveryMs?: number;
  /** Given the keys that let in, once they are known. */
  readonly onLoaded: (ring: KeyRing) => void;
  /** Aborted when the server is told to stop. */
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 2_000;
const NOTE_EVERY_MS = 60_000;
const retryMs = backoff({ firstMs: 200, capMs: 5_000, random: Math.random });

/**
 * Reads the keys of the database, and goes on reading them until the returned function is called. Who cannot read them at the start lets nobody in: it waits
 * while the database is away, and rejects with `KeyBookInvalidError`. Later those of before go on: what cannot read keys cannot read links either.
 */
export async function openKeyRing({
  facts,
  clock,
  log,
  onLoaded,
  signal,
  lookEveryMs = LOOK_EVERY_MS,
}: OpenKeyRingOptions): Promise<() => Promise<void>> {
  const ring = new KeyRing({ facts, clock, crypto: keyCrypto });
  await loadFirst(ring, log, signal);
  onLoaded(ring);
  log.info(
    { keys: ring.size },
    ring.size === 0 ? 'no API key yet: `lakh key create` makes the first' : 'API keys loaded',
  );
  let isAway = false;
  const stopLooking = startRounds(
    lookEveryMs,
    async () => {
      if (await ring.load()) log.info({ keys: ring.size }, 'API keys loaded again');
      isAway = false;
    },
    (error) => {
      if (!isAway) log.warn({ err: error }, 'API keys cannot be read now: those of before go on');
      isAway = true;
    },
  );
  const note = () => ring.noteUses();
  const stopNoting = startRounds(NOTE_EVERY_MS, note, (error) =>
    log.warn({ err: error }, 'when API keys were used cannot be written down now'),
  );
  return async () => {
    await Promise.all([stopLooking(), stopNoting()]);
    // For the last minute; who cannot has told of it, or the database is away.
    await note().catch((error: unknown) =>
      log.warn({ err: error }, 'when API keys were last used was not written down'),
    );
  };
}

async function loadFirst(ring: KeyRing, log: OpenKeyRingOptions['log'], signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ring.load();
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError || error instanceof StoreOutcomeUnknownError)) throw error;
      const retryInMs = Math.round(retryMs(attempt));
      log.warn({ err: error, attempt, retryInMs }, 'API keys cannot be read yet');
      await sleep(retryInMs, undefined, { signal });
    }
  }
}
