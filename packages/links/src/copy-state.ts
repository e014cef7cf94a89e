/**
 * What the copy keeps beside the links of a bucket, as one line of ASCII that is compared byte for byte:
 *
 *     1|<pulse>|<nonce>|<epoch>|<seq>|<nonce of the row>
 *
 * The first field is the format. Epoch and position come last, so that whether a state is of a place can be told by its end.
 */
import type { LogPosition } from './change-log.js';
import type { CopyPlace } from './link-copy.js';

export interface CopyState extends CopyPlace {
  /** Raised by each round that has come to the log's end. */
  readonly pulse: number;
  /** Of the last write, so that no state is ever the same as one before, whatever was lost in between. */
  readonly nonce: string;
  readonly epoch: string;
  readonly position: LogPosition;
}

const STATE = /^1\|([1-9]\d{0,11})\|([\da-f]{16})\|([\da-f]{16})\|(0|[1-9]\d{0,15})\|([\da-f]{16})$/;

/** No state is longer. */
export const STATE_MAX_LENGTH = 82;

/** Undefined: there is none, or none of this format, and the bucket begins anew. */
export function parseCopyState(text: string): CopyState | undefined {
  const [, pulse, nonce = '', epoch = '', seq, rowNonce = ''] = STATE.exec(text) ?? [];
  if (pulse === undefined) return undefined;
  return { pulse: Number(pulse), nonce, epoch, position: { seq: Number(seq), nonce: rowNonce } };
}

export function formatCopyState({ pulse, nonce, ...place }: CopyState): string {
  return `1|${pulse}|${nonce}${endOfCopyState(place)}`;
}

/** How the text of every state of a place ends. */
export function endOfCopyState({ epoch, position }: CopyPlace): string {
  return `|${epoch}|${position.seq}|${position.nonce}`;
}
