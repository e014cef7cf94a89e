import type { FactStore } from '@lakh/facts';
import { StoreOutcomeUnknownError, StoreUnavailableError } from '@lakh/links';
import { CODEC_FACT, type Codec, firstUnknownKey, type KeyDescription, recordOfCodec } from '@lakh/short-code';

/**
 * Looks, before each lease, whether another server has recorded a key that this one lacks. Counters from that key's start on are to
 * be encoded under it: this server leases none of them, and says so, until it is restarted with the key. Without this its codes
 * would be unique still, but nobody could decode them.
 */
export function watchKeys(
  facts: Pick<FactStore, 'recordOnce'>,
  codec: Codec,
  found: (key: KeyDescription) => void,
): () => Promise<void> {
  const ownRecord = recordOfCodec(codec);
  if (codec.describe().keys.length === 0) return async () => {};
  let seen = '';

  return async () => {
    let record: string;
    try {
      record = await facts.recordOnce(CODEC_FACT, ownRecord);
    } catch (error) {
      // The ledger is in the same database: the lease itself will say what is wrong with it.
      if (error instanceof StoreUnavailableError || error instanceof StoreOutcomeUnknownError) return;
      throw error;
    }
    if (record === seen) return;
    const key = firstUnknownKey(record, codec);
    if (key !== undefined) found(key);
    seen = record;
  };
}
