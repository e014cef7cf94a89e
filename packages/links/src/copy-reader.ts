import { bucketOf } from './bucket.js';
import type { CopyProof } from './copy-proof.js';
import type { CopyHolder, LinkCopy } from './link-copy.js';
import type { LinkCache } from './ports.js';

/** `refused`: the copy was elsewhere in the log than what was read. `bypassed`: there is nowhere to put it. */
export type FillOutcome = 'stored' | 'refused' | 'failed' | 'bypassed';

export interface CopyReaderOptions {
  readonly copy: Pick<LinkCopy, 'holderOf'>;
  /** What is known of a bucket by its present holder. */
  readonly proofOf: (bucket: number, holder: CopyHolder) => CopyProof | undefined;
  readonly validForMs: number;
  readonly onFill?: ((outcome: FillOutcome) => void) | undefined;
  /** Told of a read for which there was nobody to ask. */
  readonly onBypassed?: (() => void) | undefined;
}

/** Reads the copy, and fills it. */
export function createCopyReader({ copy, proofOf, validForMs, onFill, onBypassed }: CopyReaderOptions): LinkCache {
  return {
    async get(domainId, code) {
      const bucket = bucketOf(domainId, code);
      const holder = copy.holderOf(bucket);
      const proof = holder && proofOf(bucket, holder);
      if (holder === undefined || proof?.epoch === undefined) {
        onBypassed?.();
        return undefined;
      }
      // As it is now: what is proven while the answer is on its way was not proven of it.
      const validUntilMs = proof.provenMs + validForMs;
      const link = await holder.get(domainId, code, proof.epoch).catch(() => undefined);
      return link && { link, validUntilMs };
    },

    async put({ link, position }) {
      const bucket = bucketOf(link.domainId, link.code);
      const holder = copy.holderOf(bucket);
      const epoch = holder && proofOf(bucket, holder)?.epoch;
      if (holder === undefined || epoch === undefined || position === undefined) {
        onFill?.('bypassed');
        return false;
      }
      try {
        const isStored = await holder.fill(link, { epoch, position });
        onFill?.(isStored ? 'stored' : 'refused');
        return isStored;
      } catch {
        onFill?.('failed');
        return false;
      }
    },
  };
}
