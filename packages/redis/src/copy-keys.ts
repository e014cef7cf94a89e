/**
 * Where a copy of links lies in Redis:
 *
 *     lakh:c:{<tag>}:<bucket>                         the state of a bucket, without an end to its life
 *     lakh:l:{<tag>}:<epoch>:<domain id>:<code>       a link
 *
 * What is in braces is what a Cluster hashes, so that all of a bucket lies together. Several buckets share a tag: a Cluster takes one command for
 * each slot that is asked, and each server asks for all states four times a second. The tags are numbers whose slots are as far from one another as
 * can be, so that masters with equal parts of the slots have equal parts of the links.
 */
import { BUCKETS, bucketOf, type StoredLink } from '@lakh/links';
import { slotOf } from './slots.js';

const TAGS = [
  973, 707, 25, 617, 180, 1288, 1006, 809, 634, 1205, 138, 383, 208, 1025, 318, 1135, 1040, 348, 1150, 258, 63, 785,
  935, 695, 496, 708, 586, 1063, 793, 916, 683, 40,
];

const tagOf = (bucket: number): number => TAGS[bucket % TAGS.length] as number;

/** For ever the same: servers of two releases share a Redis. */
const STATE_KEYS = Array.from({ length: BUCKETS }, (_, bucket) => `lakh:c:{${tagOf(bucket)}}:${bucket}`);
const SLOTS_OF_BUCKETS = STATE_KEYS.map(slotOf);

/** Slots that a copy is proven by. */
export const COPY_SLOTS: ReadonlySet<number> = new Set(SLOTS_OF_BUCKETS);

export function stateKey(bucket: number): string {
  return STATE_KEYS[bucket] as string;
}

export function slotOfBucket(bucket: number): number {
  return SLOTS_OF_BUCKETS[bucket] as number;
}

export function linkKey({ domainId, code }: Pick<StoredLink, 'domainId' | 'code'>, epoch: string): string {
  return `lakh:l:{${tagOf(bucketOf(domainId, code))}}:${epoch}:${domainId}:${code}`;
}
