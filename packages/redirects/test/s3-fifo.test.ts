import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { type Kept, S3Fifo } from '../src/s3-fifo.js';

interface Entry extends Kept<Entry> {
  readonly value: number;
}

const entry = (key: string, bytes = 100, value = 0): Entry => ({
  ...{ key, bytes, value, asked: 0, isMain: false, newer: undefined, older: undefined },
});

/** What the cache weighs beside its entries. */
const OF_TABLES = 2_000;

function cacheOf(entries: number): S3Fifo<Entry> {
  return new S3Fifo({ maxBytes: 100 * entries + OF_TABLES, leastBytes: 100, seed: 1 });
}

function ask(cache: S3Fifo<Entry>, key: string): boolean {
  const held = cache.get(key);
  if (held !== undefined) cache.asked(held);
  return held !== undefined;
}

function follow(cache: S3Fifo<Entry>, key: string): boolean {
  const isHit = ask(cache, key);
  if (!isHit) cache.set(entry(key));
  return isHit;
}

describe('what L1 keeps', () => {
  test('whatever is asked, kept and deleted: it is never over its budget, what it holds is what was put there last, and what was deleted is gone', () => {
    const keys = Array.from({ length: 12 }, (_, i) => `/${i}`);
    const step = record({
      what: constantFrom('ask', 'ask', 'ask', 'set', 'set', 'delete', 'clear'),
      key: constantFrom(...keys),
      bytes: integer({ min: 50, max: 400 }),
    });
    const budget = integer({ min: 0, max: 4_000 });
    assert(
      property(array(step, { maxLength: 300 }), budget, (steps, maxBytes) => {
        const cache = new S3Fifo<Entry>({ maxBytes, leastBytes: 50, seed: 7 });
        const put = new Map<string, number>();
        for (const [value, { what, key, bytes }] of steps.entries()) {
          if (what === 'ask') ask(cache, key);
          else if (what === 'set') {
            cache.set(entry(key, bytes, value));
            put.set(key, value);
          } else if (what === 'delete') {
            cache.delete(key);
            put.delete(key);
          } else {
            cache.clear();
            put.clear();
          }
          expect(cache.bytes).toBeLessThanOrEqual(maxBytes);
          const held = keys.filter((each) => cache.get(each));
          expect(cache.size).toBe(held.length);
          for (const each of held) expect(cache.get(each)).toMatchObject({ key: each, value: put.get(each) });
        }
        // Nothing is left over in a queue: with all deleted it is as new.
        for (const key of keys) cache.delete(key);
        expect([cache.size, cache.bytes]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  test('what is asked for often outlives a scan of a hundred times as many', () => {
    const cache = cacheOf(100);
    const often = Array.from({ length: 50 }, (_, i) => `/often${i}`);
    for (let i = 0; i < 4; i += 1) for (const key of often) follow(cache, key);
    for (let i = 0; i < 10_000; i += 1) follow(cache, `/scan${i}`);
    expect(often.filter((key) => cache.get(key))).toHaveLength(50);
  });

  test('what comes again soon after it was forgotten stays', () => {
    const cache = cacheOf(100);
    for (let i = 0; i < 150; i += 1) follow(cache, `/first${i}`);
    const forgotten = Array.from({ length: 150 }, (_, i) => `/first${i}`).filter((key) => !cache.get(key));
    const again = forgotten.slice(-20);
    for (const key of again) follow(cache, key);
    for (let i = 0; i < 60; i += 1) follow(cache, `/then${i}`);
    expect(again.filter((key) => cache.get(key)).length).toBeGreaterThanOrEqual(18);
  });

  test('what was asked for often once, and is no more, gives way', () => {
    const cache = cacheOf(100);
    for (let i = 0; i < 4; i += 1) for (let k = 0; k < 90; k += 1) follow(cache, `/old${k}`);
    for (let i = 0; i < 12; i += 1) for (let k = 0; k < 90; k += 1) follow(cache, `/new${k}`);
    expect(Array.from({ length: 90 }, (_, k) => `/new${k}`).filter((key) => cache.get(key)).length).toBeGreaterThan(60);
  });

  test('a hundred thousand that are all asked for hold up nobody for long', () => {
    const cache = cacheOf(100_000);
    const bytes = 100_000 * 100;
    for (let k = 0; k < 70_000; k += 1) follow(cache, `/k${k}`);
    for (let i = 0; i < 4; i += 1) for (let k = 0; k < 70_000; k += 1) ask(cache, `/k${k}`);
    const startedMs = performance.now();
    for (let k = 0; k < 40_000; k += 1) follow(cache, `/l${k}`);
    // Generous: 2 µs each where nothing else runs. Without a bound each would pass over all of them.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(cache.bytes).toBeLessThanOrEqual(bytes + OF_TABLES);
  });

  test('no insert does much at once: no table grows by more than a small part of all, and so little is forgotten for it', () => {
    const maxBytes = 200 * 20_000;
    const cache = new S3Fifo<Entry>({ maxBytes, leastBytes: 200, seed: 3 });
    let mostGrown = 0;
    let mostForgotten = 0;
    for (let i = 0; i < 40_000; i += 1) {
      const before = { bytes: cache.bytes, size: cache.size };
      cache.set(entry(`/${(46_656 + i).toString(36)}`, 200));
      mostGrown = Math.max(mostGrown, cache.bytes - before.bytes);
      mostForgotten = Math.max(mostForgotten, before.size - cache.size);
    }
    expect(cache.bytes).toBeGreaterThan(0.99 * maxBytes);
    // Of one table it would be megabytes, and a tenth of all that is held.
    expect(mostGrown).toBeLessThan(0.05 * maxBytes);
    expect(mostForgotten).toBeLessThan(1_000);
  });

  test('nor does it pass over more than so many, though all were asked for', () => {
    let looks = 0;
    const askedFor = (key: string): Entry => {
      let asked = 3;
      const counting = {
        get asked() {
          looks += 1;
          return asked;
        },
        set asked(to) {
          asked = to;
        },
      };
      const { asked: _, ...plain } = entry(key);
      return Object.defineProperties(counting, Object.getOwnPropertyDescriptors(plain)) as Entry;
    };
    const cache = cacheOf(15_000);
    let most = 0;
    for (let i = 0; i < 25_000; i += 1) {
      looks = 0;
      cache.set(askedFor(`/${i}`));
      most = Math.max(most, looks);
    }
    expect(most).toBeLessThan(5_000);
  });

  test.each([
    ['codes that follow one another', (i: number) => `/${(100_000 + i).toString(36)}`],
    ['names that end alike', (i: number) => `/promo-${i}-2026`],
    ['short names', (i: number) => `/${i.toString(36)}`],
  ])('the tables of %s are of one size', (_what, keyOf) => {
    const cache = new S3Fifo<Entry>({ maxBytes: 200 * 40_000, leastBytes: 200, seed: 99 });
    for (let i = 0; i < 20_000; i += 1) cache.set(entry(keyOf(i), 200));
    // A table of one that has twice as many as others is twice as large.
    expect(cache.bytes / cache.size - 200).toBeLessThan(28 * 2 + 8);
  });

  test('an entry in the place of another has its standing, and one text for its key', () => {
    const cache = cacheOf(10);
    const first = entry('/a');
    cache.set(first);
    const second = entry(['/', 'a'].join(''), 250);
    const before = cache.bytes;
    cache.set(second);
    expect([cache.size, cache.bytes - before, cache.get('/a')]).toEqual([1, 150, second]);
  });

  test('one that leaves no room for itself is not kept', () => {
    const cache = cacheOf(10);
    cache.set(entry('/a', 10_000));
    expect([cache.size, cache.get('/a')]).toEqual([0, undefined]);
  });
});
