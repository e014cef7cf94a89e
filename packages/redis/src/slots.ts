/** A Cluster lies by 16,384 slots; what is no Cluster is one master of all of them. */
import calculateSlot from 'cluster-key-slot';
import type { NodeAddress } from './node.js';

export const SLOTS = 16_384;

/** A master, as the topology names it, and its slots from `first` to `last`. */
export interface Shard {
  readonly address: NodeAddress;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** The slot of a key: that of the part between the first `{` and the next `}`, where it has such a part. */
export function slotOf(key: string): number {
  return calculateSlot(key);
}

export function shardOfAll(address: NodeAddress): Shard {
  return { address, ranges: [[0, SLOTS - 1]] };
}
