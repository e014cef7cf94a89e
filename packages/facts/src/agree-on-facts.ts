import { CodedError } from '@lakh/base';
import type { Ledger } from '@lakh/id-range';
import { CODEC_FACT, type Codec, checkRecordedCodec, recordOfCodec } from '@lakh/short-code';
import { type FactStore, NAMESPACE_FACT } from './fact-store.js';

/** Another namespace feeds the links of this database: with two sequences, codes would repeat. */
export class NamespaceMismatchError extends CodedError {
  readonly code = 'namespace_mismatch';
}

export interface Agreement {
  readonly facts: FactStore;
  /** Of the same database: says from where on a new key may start. */
  readonly ledger: Pick<Ledger, 'head'>;
  readonly codec: Codec;
  readonly namespace: string;
}

/**
 * What every server of one database must agree on: recorded by the first one to start, compared by all others.
 *
 * @throws CodecMismatchError, NamespaceMismatchError: this server must not run on this database
 * @throws StoreUnavailableError, StoreOutcomeUnknownError, WitnessUnavailableError: ask again
 */
export async function agreeOnFacts({ facts, ledger, codec, namespace }: Agreement): Promise<void> {
  const recordedNamespace = await facts.recordOnce(NAMESPACE_FACT, namespace);
  if (recordedNamespace !== namespace) {
    throw new NamespaceMismatchError(
      `links of this database are fed by the namespace ${recordedNamespace}, and LAKH_NAMESPACE is ${namespace}. See docs/runbooks/namespace_mismatch.md`,
    );
  }
  // Another server may add a key at the same moment: its record is compared in turn.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const recorded = await facts.recordOnce(CODEC_FACT, recordOfCodec(codec));
    if (checkRecordedCodec(recorded, codec) === 'same') return;
    // A lease that is under way is not in it yet: an operator chooses a start further off (docs/runbooks/rotate_sealed_key.md).
    const head = await ledger.head();
    checkRecordedCodec(recorded, codec, head === 'missing' ? 0 : head.head);
    if (await facts.replace(CODEC_FACT, recorded, recordOfCodec(codec))) return;
  }
  throw new Error('the recorded codec kept changing while this server started; start it again');
}
