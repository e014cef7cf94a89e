import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CachedLink } from '@lakh/links';
import { objectBytes, stringBytes } from '../src/heap-bytes.js';
import { L1Cache } from '../src/l1-cache.js';
import { createAnswers } from '../src/redirect-response.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Once two collections find the same. */
function heapBytes(): number {
  let last = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i += 1) {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const bytes = heapUsed + arrayBuffers;
    if (Math.abs(last - bytes) < 16_384) return bytes;
    last = bytes;
  }
  return last;
}

const clock = { monotonicMs: () => 0, nowMs: () => 0 };
const emptyCache = (maxBytes: number) =>
  new L1Cache({ domainId: 0, maxBytes, answerOf: createAnswers({ status: 301, maxAgeS: 90 }), clock });

/** As it comes from a cache behind: a piece of a longer text. */
function found(i: number): CachedLink {
  const line = `2|1|abcdefghijklmnopqrstuv|1800000000000|G|100000|1700000000000|||https://example.org/${'a-page/'.repeat(i % 12)}${i}`;
  const longUrl = line.slice(line.lastIndexOf('|') + 1);
  const code = (100_000 + i).toString(36);
  const link = { state: 'live', domainId: 0, code, kind: 'generated', counter: i, longUrl, version: 1 } as const;
  return {
    link: { ...link, createdAtMs: 0, expiresAtMs: null, redirectStatus: null, terms: null },
    validUntilMs: 5_000,
  };
}

function fill(l1: L1Cache, from: number, to: number): L1Cache {
  for (let i = from; i < to; i += 1) {
    const link = found(i);
    l1.beginRead(0, link.link.code)(link);
  }
  return l1;
}

/** What `made` adds to the heap, and what it says of itself. */
function measured(make: () => L1Cache): { readonly grown: number; readonly l1: L1Cache } {
  const before = heapBytes();
  const l1 = make();
  return { grown: heapBytes() - before, l1 };
}

describe('what L1 weighs', () => {
  // So that what compilers leave is there before anything is measured.
  beforeAll(() => void fill(emptyCache(1e7), 0, 20_000));

  test.each([
    ['filled to half of its table', 17_000, 0],
    ['filled to the whole of its table', 32_000, 0],
    ['with every entry read again', 17_000, 17_000],
  ])('is within a tenth of what it adds to the heap: %s', (_what, entries, again) => {
    const { grown, l1 } = measured(() => fill(fill(emptyCache(1e9), 0, entries), 0, again));
    expect(l1.size).toBe(entries);
    expect(l1.bytes / grown).toBeGreaterThan(0.9);
    expect(l1.bytes / grown).toBeLessThan(1.1);
  });

  test('so it is where it forgets as much as it keeps, and its budget is used', () => {
    const budget = 4 * 2 ** 20;
    const { grown, l1 } = measured(() => fill(emptyCache(budget), 0, 60_000));
    expect(l1.bytes / grown).toBeGreaterThan(0.9);
    expect(l1.bytes / grown).toBeLessThan(1.1);
    expect(l1.bytes).toBeGreaterThan(0.95 * budget);
    expect(l1.bytes).toBeLessThanOrEqual(budget);
  });
});

test('a text has a byte or two a character, in words of eight, and the empty one is shared', () => {
  expect(['', 'a', 'a'.repeat(8), 'a'.repeat(9), 'é', 'ж'.repeat(4), 'ж'.repeat(5)].map(stringBytes)).toEqual([
    0, 24, 24, 32, 24, 24, 32,
  ]);
  expect(objectBytes(2)).toBe(40);
});
