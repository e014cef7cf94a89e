import type { Invalidation } from '@lakh/links';
import { MemoryLinkCache, MemoryLinkStore, MemoryOutbox, SampleLinks } from '@lakh/testkit';
import { startRelay } from '../src/cluster/relay-loop.js';

const HOUR_MS = 3_600_000;
const nowMs = 1_790_000_000_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Deleted links whose invalidations wait, each as old as `ageOf` says. */
async function setUp(count: number, ageOf: (index: number) => number = () => 0) {
  const [store, cache, sample] = [new MemoryLinkStore(), new MemoryLinkCache(), new SampleLinks()];
  const waiting: Invalidation[] = [];
  for (let i = 0; i < count; i += 1) {
    const link = sample.generated();
    await store.insert(link);
    await store.remove(0, link.code);
    waiting.push({ domainId: 0, code: link.code, version: 2 });
  }
  const ages = new Map(waiting.map(({ code }, index) => [code, ageOf(index)]));
  const outbox = new MemoryOutbox(waiting, ({ code }) => nowMs - (ages.get(code) ?? 0));
  return { cache, ends: { outbox, store, clock: { nowMs: () => nowMs }, keptForMs: HOUR_MS, log: undefined } };
}

test('a stop waits for the invalidation in hand and leaves the backlog', async () => {
  const { cache, ends } = await setUp(1_000);
  const announce = cache.announce.bind(cache);
  let inHand: () => void = () => {};
  jest.spyOn(cache, 'announce').mockImplementation(async (link) => {
    await new Promise<void>((resolve) => {
      inHand = resolve;
    });
    return announce(link);
  });
  const stop = startRelay({ ...ends, cache });
  await jest.advanceTimersByTimeAsync(600);
  inHand();
  await jest.advanceTimersByTimeAsync(0);
  let isStopped = false;
  const stopped = stop().then(() => {
    isStopped = true;
  });
  await jest.advanceTimersByTimeAsync(100);
  expect(isStopped).toBe(false);
  inHand();
  await stopped;
  expect(ends.outbox.waiting).toHaveLength(998);
});

test('a server without a cache leaves to others what they may deliver, and forgets what no cache can hold any more', async () => {
  const { ends } = await setUp(1_200, (index) => (index < 1_100 ? HOUR_MS + 1 : HOUR_MS - 120_000));
  const stop = startRelay({ ...ends, cache: undefined });
  await jest.advanceTimersByTimeAsync(1_000);
  expect(ends.outbox.waiting).toHaveLength(100);
  await stop();
});

test('so does one whose cache has been away that long', async () => {
  const { cache, ends } = await setUp(2, (index) => (index === 0 ? HOUR_MS + 1 : 0));
  jest.spyOn(cache, 'announce').mockResolvedValue(false);
  const stop = startRelay({ ...ends, cache });
  await jest.advanceTimersByTimeAsync(1_000);
  expect(ends.outbox.waiting).toHaveLength(1);
  await stop();
});
