import type { FactStore } from '@lakh/facts';
import type { RangeSource, ReclaimingLease } from '@lakh/id-range';
import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import type { Logger } from '@lakh/process';
import { CODEC_FACT, type Codec, firstUnknownKey, recordOfCodec } from '@lakh/short-code';

export interface UnknownKeysOptions {
  readonly source: Pick<ReclaimingLease, 'lease' | 'endAt'>;
  /** Where every server of this database records its keys. */
  readonly recorded: Pick<FactStore, 'recordOnce'>;
  readonly codec: Codec;
  readonly log: Logger;
}

/**
 * A source that asks before each lease whether another server has recorded a key that this one lacks. Counters from that key's
 * start on are to be encoded under it: this server leases none of them, and says so, until it is restarted with the key. Without
 * this its codes would be unique still, but nobody could decode them.
 */
export function endingAtUnknownKeys({ source, recorded, codec, log }: UnknownKeysOptions): RangeSource {
  const ownRecord = recordOfCodec(codec);
  if (codec.describe().keys.length === 0) return source;
  let told = '';

  async function look(): Promise<void> {
    let record: string;
    try {
      record = await recorded.recordOnce(CODEC_FACT, ownRecord);
    } catch (error) {
      // The ledger is in the same database: the lease itself will say what is wrong with it.
      if (error instanceof StoreUnavailableError || error instanceof StoreOutcomeUnknownError) return;
      throw error;
    }
    if (record === told) return;
    const key = firstUnknownKey(record, codec);
    if (key !== undefined) {
      const { id, fingerprint, startCounter } = key;
      source.endAt(
        startCounter,
        `from there on codes are of key ${id} (fingerprint ${fingerprint}), which this server does not have`,
      );
      log.warn(
        { key: id, fingerprint, startCounter },
        'another server has a key that this one lacks: nothing is leased from its start on; restart with it in LAKH_SEALED_KEYS',
      );
    }
    told = record;
  }

  return {
    async lease(size) {
      await look();
      return source.lease(size);
    },
  };
}
