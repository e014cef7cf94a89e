import { ForbiddenError } from '@lakh/base';
import { MemoryLinkCache, MemoryLinkStore, SampleLinks, storedAs, tombstoneOf } from '@lakh/testkit';
import {
  type AnsweredBy,
  anonymous,
  createRemover,
  createResolver,
  type LinkCache,
  LinkNotFoundError,
  outcomeOf,
  type Sighting,
  type StoredLink,
  StoreUnavailableError,
  tokenHolder,
} from '../src/index.js';

const sample = new SampleLinks();
const ACTOR = tokenHolder('ci');

/** Holds calls back until it is opened. */
class Gate {
  #open: () => void = () => {};
  readonly passed = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  open(): void {
    this.#open();
  }
}

const VALID_FOR_MS = 5_000;
/** Stands still. */
const timing = { clock: { monotonicMs: () => 1_000 }, validForMs: VALID_FOR_MS };

/** As its primary gives it. */
const seen = (link: StoredLink): Sighting => ({ link, position: undefined, lagMs: 0 });
const linkIn = async (cache: LinkCache, code: string) => (await cache.get(0, code))?.link;

function setUp(options: { cache?: LinkCache; maxConcurrent?: number; maxQueued?: number; maxFresh?: number } = {}) {
  const store = new MemoryLinkStore();
  const answered: AnsweredBy[] = [];
  const later: (() => void)[] = [];
  const resolver = createResolver({
    store,
    ...timing,
    ...options,
    onAnswered: (by) => answered.push(by),
    afterAnswer: (run) => later.push(run),
  });
  const finds = () => store.calls.filter(({ call }) => call === 'find').length;
  const runLater = () => {
    for (const run of later.splice(0)) run();
  };
  return { store, resolver, answered, finds, runLater };
}

describe('resolving', () => {
  test('asks again for what was answered while its process stood still, and gives up where that happens twice', async () => {
    let nowMs = 1_000;
    const stoodStillMs = [VALID_FOR_MS, 0, VALID_FOR_MS, VALID_FOR_MS];
    const links = [1, 2, 3, 4].map((version) => ({ ...storedAs(sample.generated()), version }));
    let asked = 0;
    const resolver = createResolver({
      clock: { monotonicMs: () => nowMs },
      validForMs: VALID_FOR_MS,
      store: {
        sight: async () => {
          nowMs += stoodStillMs[asked] ?? 0;
          return seen(links[asked++] as StoredLink);
        },
      },
    });
    expect(await resolver.resolve(0, 'abc')).toBe(links[1]);
    await expect(resolver.resolve(0, 'abc')).rejects.toThrow(StoreUnavailableError);
    expect(asked).toBe(4);
  });

  test('asks the cache, then the store, and fills the cache only after the answer', async () => {
    const cache = new MemoryLinkCache();
    const { store, resolver, answered, finds, runLater } = setUp({ cache });
    const link = sample.generated();
    await store.insert(link);
    expect(await resolver.resolve(0, link.code)).toEqual(storedAs(link));
    expect(await linkIn(cache, link.code)).toBeUndefined();
    runLater();
    expect(await linkIn(cache, link.code)).toEqual(storedAs(link));
    expect(await resolver.resolve(0, link.code)).toEqual(storedAs(link));
    expect(finds()).toBe(1);
    expect(answered).toEqual(['store', 'cache']);
  });

  test('by default the fill comes after the answer’s own microtasks', async () => {
    const cache = new MemoryLinkCache();
    const store = new MemoryLinkStore();
    const link = sample.generated();
    await store.insert(link);
    await createResolver({ store, cache, ...timing }).resolve(0, link.code);
    expect(await linkIn(cache, link.code)).toBeUndefined();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await linkIn(cache, link.code)).toEqual(storedAs(link));
  });

  test('without a cache, or with one that is down, the store answers', async () => {
    const cache = new MemoryLinkCache();
    cache.available = false;
    for (const options of [{}, { cache }]) {
      const { store, resolver, runLater } = setUp(options);
      const link = sample.generated();
      await store.insert(link);
      expect(await resolver.resolve(0, link.code)).toEqual(storedAs(link));
      runLater();
    }
  });

  test('a fill that fails harms nobody', async () => {
    const cache: LinkCache = {
      get: async () => undefined,
      put: () => Promise.reject(new Error('no')),
    };
    const { store, resolver, runLater } = setUp({ cache });
    const link = sample.generated();
    await store.insert(link);
    expect(await resolver.resolve(0, link.code)).toEqual(storedAs(link));
    runLater();
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('a tombstone is an answer, and cached like one', async () => {
    const cache = new MemoryLinkCache();
    const { store, resolver, runLater } = setUp({ cache });
    const link = sample.generated();
    await store.insert(link);
    await store.remove(0, link.code);
    expect(await resolver.resolve(0, link.code)).toEqual(tombstoneOf(link));
    runLater();
    expect(await linkIn(cache, link.code)).toEqual(tombstoneOf(link));
  });

  test('nothing is remembered of a code that does not exist yet', async () => {
    const { store, resolver, runLater } = setUp({ cache: new MemoryLinkCache() });
    const link = sample.generated();
    expect(await resolver.resolve(0, link.code)).toBeUndefined();
    runLater();
    await store.insert(link);
    expect(await resolver.resolve(0, link.code)).toEqual(storedAs(link));
  });

  test.each(['', 'favicon.ico', 'a/b', '-x', 'x-', 'é', 'a\0b', 'x'.repeat(65), '__proto__'])(
    '%j cannot be a code: no look-up',
    async (text) => {
      const cache = new MemoryLinkCache();
      const { resolver, answered, finds } = setUp({ cache });
      expect(await resolver.resolve(0, text)).toBeUndefined();
      expect(await resolver.resolveFresh(0, text)).toBeUndefined();
      expect([finds(), cache.gets]).toEqual([0, 0]);
      expect(answered).toEqual(['grammar', 'grammar']);
    },
  );

  test('many who ask for one code at once share one flight; the next starts another', async () => {
    const cache = new MemoryLinkCache();
    const { store, resolver, finds } = setUp({ cache });
    const link = sample.generated();
    await store.insert(link);
    const gate = new Gate();
    store.gate = () => gate.passed;
    const asked = Array.from({ length: 100 }, () => resolver.resolve(0, link.code));
    const abroad = resolver.resolve(1, link.code);
    gate.open();
    expect(await Promise.all(asked)).toEqual(asked.map(() => storedAs(link)));
    expect(await abroad).toBeUndefined();
    expect(finds()).toBe(2);
    await resolver.resolve(0, link.code);
    expect(finds()).toBe(3);
  });

  test('a failed flight fails those who joined it, and nobody after', async () => {
    const { store, resolver } = setUp();
    const link = sample.generated();
    await store.insert(link);
    store.gate = () => {
      throw new StoreUnavailableError('down');
    };
    const asked = await Promise.allSettled([resolver.resolve(0, link.code), resolver.resolve(0, link.code)]);
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    store.gate = undefined;
    expect(await resolver.resolve(0, link.code)).toEqual(storedAs(link));
  });

  test('read-your-writes goes past the cache, past flights that left before the write, and to the primary', async () => {
    const cache = new MemoryLinkCache();
    const { store, resolver } = setUp({ cache });
    const link = sample.generated();
    await cache.put(seen(storedAs(link)));
    await store.insert(link);
    const find = jest.spyOn(store, 'sight');
    await store.remove(0, link.code);
    expect(await resolver.resolve(0, link.code)).toEqual(storedAs(link));
    expect(await resolver.resolveFresh(0, link.code)).toEqual(tombstoneOf(link));
    expect(find.mock.calls).toEqual([[0, link.code, { fresh: true }]]);
  });

  test('of those who have just written, all who come while a read of their code runs share the next, which leaves after they came', async () => {
    const { store, resolver, answered, finds } = setUp();
    const link = sample.generated();
    await store.insert(link);
    const gates = [new Gate(), new Gate(), new Gate()];
    let reads = 0;
    const find = store.sight.bind(store);
    jest.spyOn(store, 'sight').mockImplementation(async (...asked) => {
      const gate = gates[reads++];
      // What it found when it left.
      const found = await find(...asked);
      await gate?.passed;
      return found;
    });
    const before = resolver.resolveFresh(0, link.code);
    await new Promise(setImmediate);
    await store.remove(0, link.code);
    const after = Array.from({ length: 100 }, () => resolver.resolveFresh(0, link.code));
    const elsewhere = resolver.resolveFresh(0, 'other');
    expect([finds(), resolver.waiting]).toEqual([2, 2]);
    for (const gate of gates) gate.open();
    expect(await before).toEqual(storedAs(link));
    expect(await Promise.all(after)).toEqual(after.map(() => tombstoneOf(link)));
    expect(await elsewhere).toBeUndefined();
    expect([finds(), resolver.waiting]).toEqual([3, 0]);
    expect(answered).toEqual(['primary', 'primary', 'primary']);
    await resolver.resolveFresh(0, link.code);
    expect(finds()).toBe(4);
  });

  test('a fresh read that fails fails its own, and the one that waits for it leaves all the same', async () => {
    const { store, resolver } = setUp();
    const link = sample.generated();
    await store.insert(link);
    const gate = new Gate();
    let reads = 0;
    store.gate = async () => {
      await gate.passed;
      reads += 1;
      if (reads === 1) throw new StoreUnavailableError('down');
    };
    const [first, second] = [resolver.resolveFresh(0, link.code), resolver.resolveFresh(0, link.code)];
    gate.open();
    await expect(first).rejects.toThrow('down');
    expect(await second).toEqual(storedAs(link));
    expect(resolver.waiting).toBe(0);
  });

  test('fresh reads have places of their own: they take none from others, nor others from them, and one more has none', async () => {
    const { store, resolver } = setUp({ maxConcurrent: 2, maxQueued: 0, maxFresh: 2 });
    const gate = new Gate();
    store.gate = () => gate.passed;
    const fresh = ['aa1', 'aa2', 'aa1'].map((code) => resolver.resolveFresh(0, code));
    expect(fresh).not.toContain(undefined);
    expect(resolver.resolveFresh(0, 'aa3')).toBeUndefined();
    const others = ['aa3', 'aa4'].map((code) => resolver.resolve(0, code));
    await expect(resolver.resolve(0, 'aa5')).rejects.toThrow(StoreUnavailableError);
    expect(resolver.waiting).toBe(4);
    gate.open();
    await Promise.all([...fresh, ...others]);
    expect(resolver.waiting).toBe(0);
    expect(resolver.resolveFresh(0, 'aa3')).toBeDefined();
  });

  test('64 codes may be read so at once where no other limit is given', () => {
    const { store, resolver } = setUp();
    const gate = new Gate();
    store.gate = () => gate.passed;
    const places = Array.from({ length: 65 }, (_, i) => resolver.resolveFresh(0, `c${i}`) !== undefined);
    gate.open();
    expect(places).toEqual([...Array(64).fill(true), false]);
  });

  test('no more than the limit ask the store; where none may wait, one more fails at once, and room comes back', async () => {
    const { store, resolver, answered, finds } = setUp({ maxConcurrent: 3, maxQueued: 0 });
    const gate = new Gate();
    store.gate = () => gate.passed;
    const waiting = ['aa1', 'aa2', 'aa3'].map((code) => resolver.resolve(0, code));
    await expect(resolver.resolve(0, 'aa4')).rejects.toThrow(
      new StoreUnavailableError('Too many look-ups are waiting for the store.'),
    );
    expect(finds()).toBe(3);
    expect(answered).toEqual(['nobody']);
    expect(resolver.waiting).toBe(3);
    const joined = resolver.resolve(0, 'aa1');
    gate.open();
    expect(await Promise.all([...waiting, joined])).toEqual([undefined, undefined, undefined, undefined]);
    expect(resolver.waiting).toBe(0);
    expect(await resolver.resolve(0, 'aa4')).toBeUndefined();

    store.gate = () => {
      throw new StoreUnavailableError('down');
    };
    for (let i = 0; i < 10; i++) await expect(resolver.resolve(0, `bb${i}`)).rejects.toThrow('down');
    store.gate = undefined;
    expect(await resolver.resolve(0, 'bb0')).toBeUndefined();
  });

  test('1,024 ask at once and 4,096 wait where no other limits are given: all caches may be cold at once', async () => {
    const { store, resolver, answered, finds } = setUp();
    const gate = new Gate();
    store.gate = () => gate.passed;
    const waiting = Array.from({ length: 5_120 }, (_, i) => resolver.resolve(0, `c${i}`));
    await expect(resolver.resolve(0, 'one-more')).rejects.toThrow(StoreUnavailableError);
    expect([finds(), resolver.waiting]).toEqual([1_024, 5_120]);
    gate.open();
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => undefined));
    expect([finds(), resolver.waiting]).toEqual([5_120, 0]);
    expect(answered.filter((by) => by === 'nobody')).toHaveLength(1);
  });

  test('who waits for others comes in his turn, and not for long; what is fresh passes him', async () => {
    const { store, resolver, finds } = setUp({ maxConcurrent: 1, maxQueued: 2 });
    const gates = [new Gate(), new Gate()];
    let asked = 0;
    store.gate = () => gates[asked++]?.passed;
    const [first, second, third] = ['aa1', 'aa2', 'aa3'].map((code) => resolver.resolve(0, code));
    await new Promise(setImmediate);
    expect(finds()).toBe(1);
    await expect(resolver.resolve(0, 'aa4')).rejects.toThrow('Too many look-ups are waiting');
    gates[0]?.open();
    await first;
    const fresh = resolver.resolveFresh(0, 'aa5');
    expect(await fresh).toBeUndefined();
    // The second has the turn and is held up, so that the third has none.
    const beganMs = performance.now();
    await expect(third).rejects.toThrow('Too many look-ups are waiting');
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    gates[1]?.open();
    expect(await second).toBeUndefined();
    expect(resolver.waiting).toBe(0);
  });

  test('a herd of a thousand on a cold code is one read, and so it is where all of them have to wait', async () => {
    const { store, resolver, finds } = setUp({ maxConcurrent: 1 });
    const link = sample.generated();
    await store.insert(link);
    const gate = new Gate();
    store.gate = () => gate.passed;
    const other = resolver.resolve(0, 'other');
    const herd = Array.from({ length: 1_000 }, () => resolver.resolve(0, link.code));
    await new Promise(setImmediate);
    expect(resolver.waiting).toBe(2);
    gate.open();
    expect(await Promise.all(herd)).toEqual(herd.map(() => storedAs(link)));
    await other;
    expect(finds()).toBe(2);
  });

  test('a look-up that does not ask for the primary does not get it', async () => {
    const { store, resolver } = setUp();
    const find = jest.spyOn(store, 'sight');
    await resolver.resolve(0, 'abc');
    expect(find.mock.calls).toEqual([[0, 'abc', { fresh: false }]]);
  });

  test('a cache is filled with what the read proves, and with nothing of a code that is none', async () => {
    const cache = new MemoryLinkCache();
    const { store, resolver, runLater } = setUp({ cache });
    const link = sample.generated();
    await store.insert(link);
    const put = jest.spyOn(cache, 'put');
    await resolver.resolve(0, link.code);
    await resolver.resolve(0, 'none');
    runLater();
    expect(put.mock.calls).toEqual([[await store.sight(0, link.code)]]);
  });

  test('a watcher hears of each read as it begins and as it ends, before whoever asked, and of no look-up that joins', async () => {
    const store = new MemoryLinkStore();
    const link = sample.generated();
    await store.insert(link);
    const heard: unknown[] = [];
    const kept = { link: storedAs(link), validUntilMs: 1_000 + VALID_FOR_MS };
    const beginRead = (domainId: number, code: string) => {
      heard.push(`begun ${domainId} ${code}`);
      return (found: unknown) => void heard.push(found);
    };
    const resolver = createResolver({ store, beginRead, ...timing });
    const gate = new Gate();
    store.gate = () => gate.passed;
    const asked = [1, 2].map(() => resolver.resolve(0, link.code).then(() => heard.push('answered')));
    expect(heard).toEqual([`begun 0 ${link.code}`]);
    gate.open();
    await Promise.all(asked);
    expect(heard).toEqual([`begun 0 ${link.code}`, kept, 'answered', 'answered']);
    heard.length = 0;
    await resolver.resolveFresh(0, link.code);
    await resolver.resolve(0, 'no.code');
    expect(heard).toEqual([`begun 0 ${link.code}`, kept]);
    heard.length = 0;
    store.gate = () => {
      throw new StoreUnavailableError('down');
    };
    await expect(resolver.resolve(0, link.code)).rejects.toThrow('down');
    expect(heard).toEqual([`begun 0 ${link.code}`, undefined]);
  });

  describe('what the cache has', () => {
    async function setUpCached() {
      const cache = new MemoryLinkCache();
      const ends: unknown[] = [];
      const clock = { ms: 1_000, monotonicMs: () => clock.ms };
      const store = new MemoryLinkStore();
      const answered: AnsweredBy[] = [];
      const resolver = createResolver({
        store,
        cache,
        clock,
        validForMs: VALID_FOR_MS,
        maxConcurrent: 1,
        onAnswered: (by) => answered.push(by),
        beginRead: () => (found) => void ends.push(found?.validUntilMs),
        afterAnswer: () => {},
      });
      const link = sample.generated();
      await store.insert(link);
      await cache.put(seen({ ...storedAs(link), longUrl: 'https://example.com/once' }));
      return { cache, clock, store, resolver, answered, ends, link, once: { longUrl: 'https://example.com/once' } };
    }

    test('is served, and kept, until the moment that it says', async () => {
      const { cache, clock, resolver, answered, ends, link, once } = await setUpCached();
      cache.validUntilMs = 3_000;
      expect(await resolver.resolve(0, link.code)).toMatchObject(once);
      clock.ms = 2_999;
      expect(await resolver.resolve(0, link.code)).toMatchObject(once);
      clock.ms = 3_000;
      expect(await resolver.resolve(0, link.code)).toEqual(storedAs(link));
      expect(answered).toEqual(['cache', 'cache', 'store']);
      expect(ends).toEqual([3_000, 3_000, 3_000 + VALID_FOR_MS]);
    });

    test('past that is better than nothing where the store cannot be asked, and kept by nobody', async () => {
      const { cache, store, resolver, answered, ends, link, once } = await setUpCached();
      cache.validUntilMs = Number.NEGATIVE_INFINITY;
      store.gate = () => {
        throw new StoreUnavailableError('down');
      };
      expect(await resolver.resolve(0, link.code)).toMatchObject(once);
      expect([answered, ends]).toEqual([['unproven'], [Number.NEGATIVE_INFINITY]]);
      await expect(resolver.resolve(0, 'unknown')).rejects.toThrow('down');
    });

    test('past that is not for those who come too many, nor where the store answers otherwise', async () => {
      const { cache, store, resolver, link } = await setUpCached();
      cache.validUntilMs = Number.NEGATIVE_INFINITY;
      const gate = new Gate();
      store.gate = () => gate.passed;
      const first = resolver.resolve(0, 'first');
      await expect(resolver.resolve(0, link.code)).rejects.toMatchObject({ isBusy: true });
      gate.open();
      await first;
      store.gate = () => {
        throw new Error('a bug');
      };
      await expect(resolver.resolve(0, link.code)).rejects.toThrow('a bug');
    });
  });

  test('what is read is kept until so long after its read began, less what it may have been behind', async () => {
    const kept: unknown[] = [];
    const clock = { ms: 1_000, monotonicMs: () => clock.ms };
    const link = storedAs(sample.generated());
    for (const [lagMs, validUntilMs] of [
      [0, 6_000],
      [1_500, 4_500],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ]) {
      const resolver = createResolver({
        store: {
          async sight() {
            clock.ms += 700;
            return { link, position: undefined, lagMs: lagMs as number };
          },
        },
        clock,
        validForMs: VALID_FOR_MS,
        beginRead: () => (found) => void kept.push(found?.validUntilMs),
      });
      clock.ms = 1_000;
      expect(await resolver.resolve(0, link.code)).toEqual(link);
      expect(kept.at(-1)).toBe(validUntilMs);
    }
  });
});

describe('removing', () => {
  function setUpRemover(isToldAtOnce = true) {
    const store = new MemoryLinkStore();
    const removed: unknown[] = [];
    const hastened: unknown[] = [];
    const audited: unknown[] = [];
    const remover = createRemover({
      store,
      async hasten(...code) {
        hastened.push(code);
        return isToldAtOnce;
      },
      invalidate: (invalidation) => removed.push(invalidation),
      onRemoved: (tombstone, actor) => audited.push([tombstone, actor]),
    });
    return { store, remover, removed, hastened, audited };
  }

  test('leaves a tombstone in the store, and tells every cache', async () => {
    const { store, remover, removed, hastened } = setUpRemover();
    const link = sample.generated();
    await store.insert(link);
    expect(await remover.remove(0, link.code, ACTOR)).toEqual({ removed: true, delivered: true });
    expect(await store.find(0, link.code)).toEqual(tombstoneOf(link));
    expect([removed, hastened]).toEqual([[tombstoneOf(link)], [[0, link.code, 2]]]);
  });

  test('says when the shared cache could not be told; deleting again tells it again', async () => {
    const { store, remover, removed, hastened } = setUpRemover(false);
    const link = sample.alias();
    await store.insert(link);
    expect(await remover.remove(0, link.code, ACTOR)).toEqual({ removed: true, delivered: false });
    expect(await remover.remove(0, link.code, ACTOR)).toEqual({ removed: false, delivered: false });
    expect([removed.length, hastened.length]).toEqual([2, 2]);
  });

  test('asks the store once, and tells the version that the store made of it', async () => {
    const { store, remover, removed } = setUpRemover();
    const link = sample.generated();
    await store.insert(link);
    store.overwrite(storedAs(link, 7));
    for (let i = 0; i < 2; i++) await remover.remove(0, link.code, ACTOR);
    expect(removed).toEqual([tombstoneOf(link, 8), tombstoneOf(link, 8)]);
    expect(store.calls.filter(({ call }) => call !== 'insert')).toEqual(
      Array(2).fill({ call: 'remove', code: link.code }),
    );
  });

  test('tells once who deleted it', async () => {
    const { store, remover, audited } = setUpRemover();
    const link = sample.generated();
    await store.insert(link);
    await remover.remove(0, link.code, ACTOR);
    await remover.remove(0, link.code, tokenHolder('late'));
    expect(audited).toEqual([[tombstoneOf(link), ACTOR]]);
  });

  test('is refused to who may not, whether there is a link or not', async () => {
    const { store, remover, removed, audited } = setUpRemover();
    const link = sample.generated();
    await store.insert(link);
    for (const code of [link.code, 'nothing-here', '../etc']) {
      await expect(remover.remove(0, code, anonymous(['create']))).rejects.toThrow(ForbiddenError);
    }
    expect(await store.find(0, link.code)).toEqual(storedAs(link));
    expect([removed, audited]).toEqual([[], []]);
  });

  test('works without a shared cache', async () => {
    const store = new MemoryLinkStore();
    const link = sample.generated();
    await store.insert(link);
    expect(await createRemover({ store }).remove(0, link.code, ACTOR)).toEqual({ removed: true, delivered: true });
  });

  test.each(['nothing-here', '../etc', ''])('%j is not found', async (code) => {
    const { remover, removed } = setUpRemover();
    await expect(remover.remove(0, code, ACTOR)).rejects.toThrow(
      new LinkNotFoundError('There is no link with this code.'),
    );
    expect(removed).toEqual([]);
  });

  test('a store that fails is passed on, and nothing is told to anyone', async () => {
    const { store, remover, removed } = setUpRemover();
    store.gate = () => {
      throw new StoreUnavailableError('down');
    };
    await expect(remover.remove(0, 'abc', ACTOR)).rejects.toThrow(StoreUnavailableError);
    expect(removed).toEqual([]);
  });
});

describe('what a request for a link gets', () => {
  test('is a redirect up to the millisecond before its expiry', () => {
    const link = storedAs(sample.generated({ expiresAtMs: 1_800_000_000_000 }));
    expect(outcomeOf(link, 1_799_999_999_999)).toBe('redirect');
    expect(outcomeOf(link, 1_800_000_000_000)).toBe('gone');
    expect(outcomeOf(link, 1_800_000_000_001)).toBe('gone');
    expect(outcomeOf(storedAs(sample.generated()), Number.MAX_SAFE_INTEGER)).toBe('redirect');
  });

  test('is gone for a tombstone and missing for nothing', () => {
    expect(outcomeOf(tombstoneOf(sample.generated()), 0)).toBe('gone');
    expect(outcomeOf(undefined, 0)).toBe('missing');
  });
});
