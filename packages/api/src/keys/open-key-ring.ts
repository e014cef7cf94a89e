import { KeyRing, type KeyRingOptions } from '@lakh/accounts';
import { type Logger, startRounds } from '@lakh/process';
import { keyCrypto } from './key-crypto.js';

export interface OpenKeyRingOptions extends Omit<KeyRingOptions, 'crypto'> {
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** How often keys are read again; by so much one that was made or revoked elsewhere is late. Default 2,000. */
  readonly lookEveryMs?: number;
  /** Given the keys that let in, once they are known. */
  readonly onLoaded: (ring: KeyRing) => void;
}

const LOOK_EVERY_MS = 2_000;
const NOTE_EVERY_MS = 60_000;

/**
 * Reads the keys of the database, and goes on reading them until the returned function is called. Rejects as `KeyRing.load` does: who cannot read
 * them at the start lets nobody in. Later those of before go on: what cannot read keys cannot read links either.
 */
export async function openKeyRing({
  facts,
  clock,
  log,
  onLoaded,
  lookEveryMs = LOOK_EVERY_MS,
}: OpenKeyRingOptions): Promise<() => Promise<void>> {
  const ring = new KeyRing({ facts, clock, crypto: keyCrypto });
  await ring.load();
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
