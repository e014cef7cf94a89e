import { randomBytes } from 'node:crypto';
import { MemoryLinkCopy, MemoryLinkStore, SampleLinks, storedAs, tombstoneOf } from '@lakh/testkit';
import { CopyRelay } from '../src/copy-relay.js';
import {
  bucketOf,
  type ChangeLog,
  type CopyHolder,
  type CopyKeeper,
  createCopyKeeper,
  type NewLink,
  parseCopyState,
  type RoundOutcome,
  type Sighting,
} from '../src/index.js';

const VALID_FOR_MS = 5_000;
/** Of the polls and rounds that trust takes. */
const SOON_MS = 1_200;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

const clock = {
  monotonicMs: () => performance.now(),
  schedule(delayMs: number, run: () => void) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

interface Options {
  readonly copy?: MemoryLinkCopy;
  readonly store?: MemoryLinkStore;
  readonly log?: ChangeLog;
  readonly validForMs?: number;
}

/** Of as many as there are of most: what is done with one is done with each. */
const FEW = 16;
const fewBuckets = () =>
  new MemoryLinkCopy(
    undefined,
    Array.from({ length: FEW }, (_, bucket) => bucket),
  );

/** A process of a system that has one database and one copy. */
function start({ copy = fewBuckets(), store = new MemoryLinkStore(), log = store.log, validForMs }: Options = {}) {
  const rounds = new Map<RoundOutcome, number>();
  const fills: string[] = [];
  const errors: unknown[] = [];
  const keeper = createCopyKeeper({
    copy,
    log,
    clock,
    random: Math.random,
    newNonce: () => randomBytes(8).toString('hex'),
    validForMs: validForMs ?? VALID_FOR_MS,
    observer: {
      round: (outcome) => rounds.set(outcome, (rounds.get(outcome) ?? 0) + 1),
      fill: (outcome) => fills.push(outcome),
      failed: (error) => errors.push(error),
    },
  });
  return { copy, store, keeper, rounds, fills, errors, stop: keeper.start() };
}
type Process = ReturnType<typeof start>;

const sample = new SampleLinks();

/** Of a bucket that is in the copy. */
function newLink(): NewLink {
  for (;;) {
    const link = sample.generated();
    if (bucketOf(0, link.code) < FEW) return link;
  }
}

/** A link that is in the store and in the copy. */
async function filled({ store, keeper }: Process, link = newLink()): Promise<NewLink> {
  await store.insert(link);
  expect(await keeper.cache.put((await store.sight(0, link.code)) as Sighting)).toBe(true);
  return link;
}

/** What may be served now. */
async function served({ cache }: CopyKeeper, { code }: NewLink) {
  const found = await cache.get(0, code);
  return found && performance.now() < found.validUntilMs ? found.link : undefined;
}

const stateOf = ({ copy }: Process, { code }: NewLink) =>
  parseCopyState(copy.server.states.get(bucketOf(0, code)) ?? '');

describe('a copy that works', () => {
  test('nothing is known of it at first; within moments all of it is proven, and stays so', async () => {
    const one = start({ copy: new MemoryLinkCopy() });
    await pass(0);
    expect([await one.keeper.cache.get(0, 'unknown'), one.keeper.ageMs()]).toEqual([
      undefined,
      Number.POSITIVE_INFINITY,
    ]);
    await pass(SOON_MS);
    const link = await filled(one);
    for (let passed = 0; passed < 5_000; passed += 500) {
      expect(await served(one.keeper, link)).toEqual(storedAs(link));
      expect(one.keeper.ageMs()).toBeLessThan(1_000);
      await pass(500);
    }
    await one.stop();
  });

  test('what it has may be served until so long after the moment for which it is proven', async () => {
    const one = start({ copy: new MemoryLinkCopy() });
    await pass(SOON_MS);
    const link = await filled(one);
    const found = await one.keeper.cache.get(0, link.code);
    expect(found?.validUntilMs).toBeCloseTo(performance.now() - one.keeper.ageMs() + VALID_FOR_MS, 3);
    await one.stop();
  });

  test('a change is in every process’s reach as soon as who made it was told, and everybody hears of it', async () => {
    const one = start();
    const other = start(one);
    await pass(SOON_MS);
    const link = await filled(one);
    await one.store.edit(0, link.code, { longUrl: 'https://example.com/edited' });
    const edited = { ...storedAs(link, 2), longUrl: 'https://example.com/edited' };
    expect(await one.keeper.hasten(0, link.code)).toBe(true);
    expect(await other.keeper.cache.get(0, link.code)).toMatchObject({ link: edited });
    await one.store.remove(0, link.code);
    expect(await other.keeper.hasten(0, link.code)).toBe(true);
    expect(await served(one.keeper, link)).toEqual(tombstoneOf(link, 3));
    expect(one.copy.server.published.map(({ code, version }) => [code, version])).toEqual([
      [link.code, 2],
      [link.code, 3],
    ]);
    await Promise.all([one.stop(), other.stop()]);
  });

  test('a change that nobody hurries is there with the next round', async () => {
    const one = start();
    await pass(SOON_MS);
    const link = await filled(one);
    await one.store.remove(0, link.code);
    await pass(300);
    expect(await served(one.keeper, link)).toEqual(tombstoneOf(link));
    await one.stop();
  });

  test('many processes share the work', async () => {
    const one = start();
    const all = [one, ...Array.from({ length: 4 }, () => start(one))];
    await pass(5_000);
    const before = stateOf(one, newLink()) as { pulse: number };
    for (const { rounds } of all) rounds.clear();
    await pass(5_000);
    const advanced = all.reduce((sum, { rounds }) => sum + (rounds.get('advanced') ?? 0), 0);
    const overtaken = all.reduce((sum, { rounds }) => sum + (rounds.get('overtaken') ?? 0), 0);
    // Each bucket 20 times, if it were one.
    expect(advanced / FEW).toBeGreaterThan(10);
    expect(advanced / FEW).toBeLessThan(30);
    expect(overtaken).toBeLessThan(advanced);
    expect(before.pulse).toBeGreaterThan(0);
    const link = await filled(one);
    for (const { keeper } of all) expect(await served(keeper, link)).toEqual(storedAs(link));
    await Promise.all(all.map(({ stop }) => stop()));
  });

  test('thousands of changes that wait are brought in pieces, in between which those in a hurry are served', async () => {
    const one = start();
    await pass(SOON_MS);
    const links = Array.from({ length: 4 }, newLink);
    for (const link of links) {
      await one.store.insert(link);
      for (let i = 0; i < 499; i += 1) await one.store.edit(0, link.code, { longUrl: `https://example.com/${i}` });
      await one.store.remove(0, link.code);
    }
    const [first] = links as [NewLink];
    const hastened = one.keeper.hasten(0, first.code);
    await pass(260);
    expect(await hastened).toBe(true);
    await pass(SOON_MS);
    for (const link of links) expect(await served(one.keeper, link)).toEqual(tombstoneOf(link, 501));
    expect(one.rounds.get('piece')).toBeGreaterThan(links.length);
    expect(one.rounds.get('cold')).toBe(FEW);
    await one.stop();
  });

  test('processes that hurry over one bucket at once all hear that it is done', async () => {
    const one = start();
    const all = [one, ...Array.from({ length: 3 }, () => start(one))];
    await pass(SOON_MS);
    one.copy.gate = () => new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 3));
    const link = await filledSlowly(one);
    for (let version = 2; version < 12; version += 1) {
      await one.store.edit(0, link.code, { longUrl: `https://example.com/${version}` });
      const hastened = Promise.all(all.map(({ keeper }) => keeper.hasten(0, link.code)));
      await pass(200);
      expect(await hastened).toEqual(all.map(() => true));
      expect(one.copy.server.published.at(-1)).toMatchObject({ code: link.code, version });
    }
    await Promise.all([...all.map(({ stop }) => stop()), pass(1_000)]);
  });
});

async function filledSlowly({ store, keeper }: Process): Promise<NewLink> {
  const link = newLink();
  await store.insert(link);
  const put = keeper.cache.put((await store.sight(0, link.code)) as Sighting);
  await pass(20);
  expect(await put).toBe(true);
  return link;
}

describe('a fill', () => {
  test('that was overtaken by a change is refused, however late it comes', async () => {
    const one = start();
    await pass(SOON_MS);
    const link = await filled(one);
    const before = (await one.store.sight(0, link.code)) as Sighting;
    await one.store.remove(0, link.code);
    await one.keeper.hasten(0, link.code);
    expect(await one.keeper.cache.put(before)).toBe(false);
    one.copy.server.evict();
    expect(await one.keeper.cache.put(before)).toBe(false);
    expect(await one.keeper.cache.get(0, link.code)).toBeUndefined();
    expect(await one.keeper.cache.put((await one.store.sight(0, link.code)) as Sighting)).toBe(true);
    expect(await served(one.keeper, link)).toEqual(tombstoneOf(link));
    expect(one.fills).toEqual(['stored', 'refused', 'refused', 'stored']);
    await one.stop();
  });

  test('that is ahead of the copy, or that nothing places, is refused too', async () => {
    const one = start();
    await pass(SOON_MS);
    const link = await filled(one);
    await one.store.remove(0, link.code);
    const ahead = (await one.store.sight(0, link.code)) as Sighting;
    expect(await one.keeper.cache.put(ahead)).toBe(false);
    expect(await one.keeper.cache.put({ ...ahead, position: undefined })).toBe(false);
    expect(one.fills).toEqual(['stored', 'refused', 'bypassed']);
    await one.stop();
  });
});

/** Until when, at the latest, what was before a change may be served that nobody could bring to the copy. */
async function lastServed(one: Process, link: NewLink): Promise<number> {
  const changedMs = performance.now();
  let lastMs = changedMs;
  for (let passed = 0; passed < 2 * VALID_FOR_MS; passed += 50) {
    const found = await one.keeper.cache.get(0, link.code);
    if (found?.link.version === 1) lastMs = Math.max(lastMs, Math.min(found.validUntilMs, performance.now() + 10_000));
    await pass(50);
  }
  return lastMs - changedMs;
}

describe('a deleted link is served no longer than the bound', () => {
  async function ready() {
    const one = start();
    await pass(SOON_MS);
    return { one, link: await filled(one) };
  }

  test('when the copy’s server takes no writes', async () => {
    const { one, link } = await ready();
    one.copy.server.refusal = new Error('OOM');
    await one.store.remove(0, link.code);
    expect(await one.keeper.hasten(0, link.code)).toBe(false);
    expect(await lastServed(one, link)).toBeLessThanOrEqual(VALID_FOR_MS);
    expect(one.errors).toContain(one.copy.server.refusal);
    one.copy.server.refusal = undefined;
    await pass(SOON_MS);
    expect(await served(one.keeper, link)).toEqual(tombstoneOf(link));
    await one.stop();
  });

  test('when the server restarts from a snapshot of before', async () => {
    const { one, link } = await ready();
    const restore = one.copy.server.snapshot();
    await one.store.remove(0, link.code);
    await one.keeper.hasten(0, link.code);
    await pass(60_000);
    one.copy.lose();
    expect(await one.keeper.cache.get(0, link.code)).toBeUndefined();
    restore();
    one.copy.find();
    for (let passed = 0; passed < 2_000; passed += 10) {
      const found = await served(one.keeper, link);
      expect(found).not.toEqual(storedAs(link));
      await pass(10);
    }
    expect(await served(one.keeper, link)).toEqual(tombstoneOf(link));
    await one.stop();
  });

  test('when the server restarts with nothing', async () => {
    const { one, link } = await ready();
    one.copy.lose();
    one.copy.server.states.clear();
    one.copy.server.evict();
    one.copy.find();
    await one.store.remove(0, link.code);
    await pass(SOON_MS);
    expect(await one.keeper.cache.get(0, link.code)).toBeUndefined();
    expect(await filledFrom(one, link)).toBe(true);
    await one.stop();
  });

  test('when a state is evicted, and what it was of is not', async () => {
    const { one, link } = await ready();
    const before = stateOf(one, link)?.epoch;
    one.copy.server.states.clear();
    await one.store.remove(0, link.code);
    // It begins anew, and what was changed in between nobody could be told.
    expect(await one.keeper.hasten(0, link.code)).toBe(false);
    expect(stateOf(one, link)?.epoch).not.toBe(before);
    await pass(SOON_MS);
    expect(await one.keeper.cache.get(0, link.code)).toBeUndefined();
    await one.stop();
  });

  test('when the database cannot be asked for what changed', async () => {
    const { one, link } = await ready();
    const read = jest.spyOn(one.store.log, 'read').mockRejectedValue(new Error('away'));
    expect(await one.keeper.hasten(0, link.code)).toBe(false);
    await pass(VALID_FOR_MS);
    expect(await one.keeper.cache.get(0, link.code)).toMatchObject({ link: storedAs(link) });
    expect(await served(one.keeper, link)).toBeUndefined();
    read.mockRestore();
    await pass(SOON_MS);
    expect(await served(one.keeper, link)).toEqual(storedAs(link));
    await one.stop();
  });

  test('when the database cannot be asked any more by who deleted it: what was is out of the copy, and all hear of it', async () => {
    const { one, link } = await ready();
    const kept = await filled(one, newLink());
    await one.store.remove(0, link.code);
    const read = jest.spyOn(one.store.log, 'read').mockRejectedValue(new Error('away'));
    expect(await one.keeper.hasten(0, link.code, 2)).toBe(false);
    await pass(0);
    expect(await one.keeper.cache.get(0, link.code)).toBeUndefined();
    expect(await one.keeper.cache.get(0, kept.code)).toMatchObject({ link: storedAs(kept) });
    expect(one.copy.server.published).toMatchObject([{ code: link.code, version: 2 }]);
    read.mockRestore();
    await pass(SOON_MS);
    expect(await served(one.keeper, link)).toEqual(tombstoneOf(link));
    await one.stop();
  });

  test('when neither the database nor the copy can be asked by who deleted it, and the copy is there again first', async () => {
    const { one, link } = await ready();
    await one.store.remove(0, link.code);
    const read = jest.spyOn(one.store.log, 'read').mockRejectedValue(new Error('away'));
    one.copy.lose();
    expect(await one.keeper.hasten(0, link.code, 2)).toBe(false);
    await pass(600);
    one.copy.find();
    await pass(SOON_MS);
    expect(await one.keeper.cache.get(0, link.code)).toBeUndefined();
    expect(one.copy.server.published).toHaveLength(1);
    read.mockRestore();
    await one.stop();
  });

  test('when who deleted it is cut off from the copy, and others are not', async () => {
    const { one, link } = await ready();
    const cutOff = start({ store: one.store, copy: new MemoryLinkCopy(undefined, []) });
    await one.store.remove(0, link.code);
    expect(await cutOff.keeper.hasten(0, link.code)).toBe(false);
    await pass(300);
    expect(await served(one.keeper, link)).toEqual(tombstoneOf(link));
    await Promise.all([one.stop(), cutOff.stop()]);
  });

  test('when a relay stands still between what it reads and what it writes', async () => {
    const { one, link } = await ready();
    let wake = () => {};
    const log: ChangeLog = {
      forget: async () => 0,
      async read(...asked) {
        const readings = await one.store.log.read(...asked);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        return readings;
      },
    };
    const slow = start({ store: one.store, copy: one.copy, log });
    await pass(300);
    await one.store.remove(0, link.code);
    await one.keeper.hasten(0, link.code);
    await pass(1_000);
    wake();
    await pass(0);
    expect(await served(one.keeper, link)).toEqual(tombstoneOf(link));
    expect(slow.rounds.get('advanced') ?? 0).toBe(0);
    const stopping = slow.stop();
    wake();
    await Promise.all([one.stop(), stopping]);
  });

  test('when the database is set back to before, and goes on otherwise', async () => {
    const { one, link } = await ready();
    const setBack = one.store.copy();
    await one.store.edit(0, link.code, { longUrl: 'https://example.com/lost' });
    await one.keeper.hasten(0, link.code);
    setBack();
    await one.store.remove(0, link.code);
    await pass(SOON_MS);
    // By its number, the copy stood where the log stands now.
    expect(await one.keeper.cache.get(0, link.code)).toBeUndefined();
    await one.stop();
  });
});

async function filledFrom({ store, keeper }: Process, { code }: NewLink): Promise<boolean> {
  return keeper.cache.put((await store.sight(0, code)) as Sighting);
}

test('with a validity of zero nothing may be served, and the work for others is done all the same', async () => {
  const none = start({ validForMs: 0 });
  const one = start(none);
  await pass(SOON_MS);
  const link = await filled(one);
  expect(await none.keeper.cache.get(0, link.code)).toMatchObject({ link: storedAs(link) });
  expect(await served(none.keeper, link)).toBeUndefined();
  await one.stop();
  await none.store.remove(0, link.code);
  await pass(600);
  expect(none.copy.server.published).toHaveLength(1);
  await none.stop();
});

test('a copy that was emptied holds nothing until the database can be asked, and is no place to look links up in', async () => {
  let isAway = false;
  const store = new MemoryLinkStore();
  const log: ChangeLog = {
    ...store.log,
    read: (asked, maxRows) => (isAway ? Promise.reject(new Error('away')) : store.log.read(asked, maxRows)),
  };
  const one = start({ store, log });
  expect(one.keeper.holdsSome()).toBe(false);
  await pass(SOON_MS);
  expect(one.keeper.holdsSome()).toBe(true);
  isAway = true;
  await pass(SOON_MS);
  expect(one.keeper.holdsSome()).toBe(true);
  one.copy.server.states.clear();
  await pass(SOON_MS);
  expect(one.keeper.holdsSome()).toBe(false);
  isAway = false;
  await pass(SOON_MS);
  expect(one.keeper.holdsSome()).toBe(true);
  await one.stop();
});

test.each([
  [1, 4],
  [100, 4],
  [300, 20],
])('a validity of %d ms is worth %d rounds a second', async (validForMs, perS) => {
  const one = start({ validForMs });
  await pass(SOON_MS);
  const before = one.rounds.get('advanced') ?? 0;
  await pass(5_000);
  expect(((one.rounds.get('advanced') ?? 0) - before) / FEW / 5 / perS).toBeCloseTo(1, 0);
  await one.stop();
});

test('who hurries waits no longer than a moment, whatever does not answer', async () => {
  const one = start();
  await pass(SOON_MS);
  one.copy.gate = () => new Promise(() => {});
  const startedMs = performance.now();
  const hastened = one.keeper.hasten(0, newLink().code);
  await pass(300);
  expect(await hastened).toBe(false);
  expect(performance.now() - startedMs).toBeLessThanOrEqual(300);
});

test('a round of many that takes long holds nobody up who waits for one', async () => {
  const store = new MemoryLinkStore();
  const log: ChangeLog = {
    forget: async () => 0,
    async read(asked, ...rest) {
      if (asked.length > 1) await new Promise((resolve) => setTimeout(resolve, 10_000));
      return store.log.read(asked, ...rest);
    },
  };
  const well = start({ store });
  await pass(SOON_MS);
  const link = await filled(well);
  const one = start({ store, copy: well.copy, log });
  await well.stop();
  await pass(600);
  await store.remove(0, link.code);
  expect(await one.keeper.hasten(0, link.code)).toBe(true);
  expect(one.copy.server.published).toHaveLength(1);
  await Promise.all([one.stop(), pass(20_000)]);
});

test('where a part of the log cannot be read, the buckets of the others are kept true', async () => {
  const one = start();
  await pass(SOON_MS);
  const link = await filled(one);
  const lost = bucketOf(0, link.code);
  const read = one.store.log.read.bind(one.store.log);
  jest.spyOn(one.store.log, 'read').mockImplementation((asked, maxRows) =>
    read(
      asked.filter(({ bucket }) => bucket !== lost),
      maxRows,
    ),
  );
  let other = newLink();
  while (bucketOf(0, other.code) === lost) other = newLink();
  await filled(one, other);
  await pass(VALID_FOR_MS + SOON_MS);
  expect(await served(one.keeper, other)).toEqual(storedAs(other));
  expect(await served(one.keeper, link)).toBeUndefined();
  expect(await one.keeper.hasten(0, link.code)).toBe(false);
  expect(await one.keeper.hasten(0, other.code)).toBe(true);
  expect(one.errors.map(String)).toContain('Error: the log did not answer for every bucket');
  await one.stop();
});

test('a part of the log that is slow to read holds up its own buckets alone', async () => {
  const store = new MemoryLinkStore();
  const slow = { ms: 0 };
  const isSlow = (bucket: number): boolean => bucket >= FEW / 2;
  const log: ChangeLog = {
    forget: async () => 0,
    partOf: isSlow,
    async read(asked, maxRows) {
      if (asked.some(({ bucket }) => isSlow(bucket))) await new Promise((resolve) => setTimeout(resolve, slow.ms));
      return store.log.read(asked, maxRows);
    },
  };
  const one = start({ store, log });
  await pass(SOON_MS);
  const links = new Map<boolean, NewLink>();
  while (links.size < 2) {
    const link = newLink();
    links.set(isSlow(bucketOf(0, link.code)), link);
  }
  const [healthy, sick] = [links.get(false), links.get(true)] as [NewLink, NewLink];
  for (const link of links.values()) await filled(one, link);
  slow.ms = 10_000;
  await pass(VALID_FOR_MS + SOON_MS);
  expect(await served(one.keeper, healthy)).toEqual(storedAs(healthy));
  expect(await served(one.keeper, sick)).toBeUndefined();
  const both = [healthy, sick].map(({ code }) => one.keeper.hasten(0, code));
  await pass(100);
  expect(await both[0]).toBe(true);
  await pass(SOON_MS);
  expect(await both[1]).toBe(false);
  await Promise.all([one.stop(), pass(20_000)]);
});

test('a bucket that comes to be of another part while it waits is not left waiting', async () => {
  const store = new MemoryLinkStore();
  let part = 'before';
  const log: ChangeLog = {
    forget: async () => 0,
    partOf: () => part,
    async read(...asked) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return store.log.read(...asked);
    },
  };
  const holder = fewBuckets().holderOf(0) as CopyHolder;
  const relay = new CopyRelay({
    holder,
    log,
    clock,
    newNonce: () => randomBytes(8).toString('hex'),
    dueAfterMs: 1_000,
  });
  const told: boolean[] = [];
  void relay.hasten(0).then((isDone) => told.push(isDone));
  await pass(10);
  void relay.hasten(0).then((isDone) => told.push(isDone));
  part = 'after';
  await pass(1_000);
  // It began with nothing, and was at the log's end.
  expect(told).toEqual([false, true]);
  await relay.stop();
});

test('what was polled during a round that takes long is no reason for another one from there', async () => {
  const store = new MemoryLinkStore();
  const log: ChangeLog = {
    forget: async () => 0,
    async read(...asked) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return store.log.read(...asked);
    },
  };
  const one = start({ store, log });
  await pass(20_000);
  expect(one.rounds.get('advanced')).toBeGreaterThan(FEW * 12);
  expect(one.rounds.get('overtaken')).toBeUndefined();
  await Promise.all([one.stop(), pass(2_000)]);
});

test('a stop waits for the round in hand and begins no other', async () => {
  const one = start();
  await pass(SOON_MS);
  let wake = () => {};
  one.copy.gate = () =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const hastened = one.keeper.hasten(0, newLink().code);
  await pass(0);
  let isStopped = false;
  const stopped = one.stop().then(() => {
    isStopped = true;
  });
  await pass(0);
  expect(isStopped).toBe(false);
  one.copy.gate = undefined;
  wake();
  await stopped;
  await hastened;
  const { size } = one.copy.server.states;
  one.copy.server.states.clear();
  await pass(2_000);
  expect([size, one.copy.server.states.size]).toEqual([FEW, 0]);
});
