import type { LogPosition, LogReading, LogRow } from './change-log.js';
import { type CopyState, formatCopyState, parseCopyState } from './copy-state.js';
import type { CopyChange, CopyChanges, CopyMove } from './link-copy.js';

/** What a round does with a bucket, by what it has read of it. */
export interface CopyStep extends CopyMove {
  /**
   * `advanced`: the log had nothing new. `applied`: it had. `piece`: so, and there is more. `cold`: what the copy held was of no use, and it begins
   * anew with nothing.
   */
  readonly kind: 'advanced' | 'applied' | 'piece' | 'cold';
  readonly state: CopyState;
  readonly changes: CopyChanges | undefined;
}

/** 16 random hexadecimal digits. */
export type NewNonce = () => string;

export interface CopyNonces {
  /** Drawn for this round; one is enough for all of its buckets. */
  readonly nonce: string;
  readonly newNonce: NewNonce;
}

/**
 * What becomes of a bucket whose state was `from`, by a reading of the log that began after that and was asked from that state's position on.
 */
export function stepOf(
  from: string,
  { bucket, head, continues, rows }: LogReading,
  { nonce, newNonce }: CopyNonces,
): CopyStep {
  const held = parseCopyState(from);
  if (held === undefined || !continues || !isWhole(held.position, rows, head)) {
    const state = { pulse: (held?.pulse ?? 0) + 1, nonce, epoch: newNonce(), position: head };
    return { bucket, kind: 'cold', from, to: formatCopyState(state), state, changes: undefined };
  }
  const reached = rows.at(-1) ?? held.position;
  const isPiece = reached.seq < head.seq;
  const state: CopyState = {
    pulse: isPiece ? held.pulse : held.pulse + 1,
    nonce,
    epoch: held.epoch,
    position: { seq: reached.seq, nonce: reached.nonce },
  };
  const kind = isPiece ? 'piece' : rows.length > 0 ? 'applied' : 'advanced';
  const changes = rows.length > 0 ? { epoch: held.epoch, changes: changesOf(rows) } : undefined;
  return { bucket, kind, from, to: formatCopyState(state), state, changes };
}

/** Whether rows lead from one position on, without a gap, to the head or short of it. */
function isWhole(after: LogPosition, rows: readonly LogRow[], head: LogPosition): boolean {
  if (rows.some(({ seq }, index) => seq !== after.seq + 1 + index)) return false;
  const reached = rows.at(-1) ?? after;
  return reached.seq === head.seq ? reached.nonce === head.nonce : reached.seq < head.seq && rows.length > 0;
}

/**
 * The last of each code. A link that has changed again since its row is of a later position than this step's: what is held of it goes, and nothing
 * that is newer than the position takes its place.
 */
function changesOf(rows: readonly LogRow[]): CopyChange[] {
  const last = new Map<string, CopyChange>();
  for (const { domainId, code, version, link } of rows) {
    const isOfRow = link?.version === version;
    last.set(`${domainId}:${code}`, { domainId, code, version, link: isOfRow ? link : undefined });
  }
  return [...last.values()];
}
