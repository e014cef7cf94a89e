/** What decides what a cache keeps, each behind the same two calls and over entries that weigh alike. */
import { type Kept, S3Fifo } from '@lakh/redirects';
import { LRUCache } from 'lru-cache';
import { WTinyLfu } from '../rivals/w-tiny-lfu.js';

export interface Policy {
  /** Whether `key` is there, as a hit asks. */
  ask(key: string): boolean;
  /** Keeps `key`, which was not there, as a look-up's end does. */
  keep(key: string): void;
}

/** So heavy that what the cache's own tables weigh is less than one of them. */
const ENTRY_BYTES = 2 ** 24;

interface Entry extends Kept<Entry> {
  readonly location: string;
}

/** L1's, with a hit as L1 has it. */
function s3Fifo(entries: number): Policy {
  const kept = new S3Fifo<Entry>({ maxBytes: (entries + 0.9) * ENTRY_BYTES, leastBytes: ENTRY_BYTES, seed: 1 });
  return {
    ask(key) {
      const entry = kept.get(key);
      if (entry !== undefined) kept.asked(entry);
      return entry !== undefined;
    },
    keep(key) {
      kept.set({
        location: key,
        ...{ key, bytes: ENTRY_BYTES, asked: 0, isMain: false, newer: undefined, older: undefined },
      });
    },
  };
}

/** lru-cache, as L1 had it before. */
function lru(entries: number): Policy {
  const kept = new LRUCache<string, { readonly location: string }>({
    maxSize: entries,
    sizeCalculation: () => 1,
  });
  return {
    ask: (key) => kept.get(key) !== undefined,
    keep: (key) => void kept.set(key, { location: key }),
  };
}

export const POLICIES = {
  's3-fifo': s3Fifo,
  lru,
  'w-tiny-lfu': (entries: number): Policy => new WTinyLfu(entries),
};

export type PolicyName = keyof typeof POLICIES;
