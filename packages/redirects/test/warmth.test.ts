import { createResolver } from '@lakh/links';
import { MemoryBusyCodes, MemoryLinkStore, SampleLinks } from '@lakh/testkit';
import { L1Cache } from '../src/l1-cache.js';
import { createAnswers } from '../src/redirect-response.js';
import { createWarmth, type WarmthOptions } from '../src/warmth.js';

const sample = new SampleLinks();
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

async function setUp(options: Partial<WarmthOptions> = {}) {
  const store = new MemoryLinkStore();
  const links = await Promise.all(
    Array.from({ length: 300 }, async () => {
      const link = sample.generated();
      await store.insert(link);
      return link.code;
    }),
  );
  const l1 = new L1Cache({
    ...{ domainId: 0, maxBytes: 1_000_000, clock, answerOf: createAnswers({ status: 301, maxAgeS: 90 }) },
  });
  const resolver = createResolver({
    ...{ store, clock, validForMs: 5_000 },
    beginRead: (domainId, code) => l1.beginRead(domainId, code),
  });
  const codes = new MemoryBusyCodes();
  const told: unknown[] = [];
  const log = { info: (fields: object) => told.push(fields), warn: (_: object, text: string) => told.push(text) };
  const warmth = createWarmth({
    ...{ domainId: 0, codes, l1, resolver, isProven: () => true },
    ...options,
    log: log as unknown as WarmthOptions['log'],
  });
  const held = () => links.filter((code) => l1.get(`/${code}`, clock.monotonicMs())).length;
  return { store, links, l1, codes, told, warmth, held };
}
const unstopped = new AbortController().signal;

describe('a start', () => {
  test('looks up what is busy, by one read a code, and holds it', async () => {
    const { codes, links, warmth, held, store, told } = await setUp();
    await codes.keep(0, [...links, 'unknown']);
    await warmth.begin(unstopped);
    expect(held()).toBe(300);
    expect(store.calls.filter(({ call }) => call === 'find')).toHaveLength(301);
    expect(told).toEqual([{ found: 301, of: 301, tookMs: expect.any(Number) }]);
  });

  test('waits until the shared cache is proven, for a while', async () => {
    let isProven = false;
    const { codes, links, warmth, held } = await setUp({ isProven: () => isProven });
    await codes.keep(0, links);
    const begun = warmth.begin(unstopped);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(held()).toBe(0);
    isProven = true;
    await begun;
    expect(held()).toBe(300);
  });

  test('asks for no more than 256 at once', async () => {
    let underWay = 0;
    let most = 0;
    const { codes, warmth } = await setUp({
      resolver: {
        async resolve() {
          underWay += 1;
          most = Math.max(most, underWay);
          await turn();
          underWay -= 1;
          return undefined;
        },
      },
    });
    await codes.keep(
      0,
      Array.from({ length: 1_000 }, (_, i) => `c${i}`),
    );
    await warmth.begin(unstopped);
    expect(most).toBe(256);
  });

  test('waits for none that hangs, two seconds in all', async () => {
    const { codes, links, warmth } = await setUp({ resolver: { resolve: () => new Promise(() => {}) } });
    await codes.keep(0, links);
    const startedMs = performance.now();
    await warmth.begin(unstopped);
    expect(performance.now() - startedMs).toBeGreaterThan(1_900);
  });

  test('gives up where the store is away, and where nobody knows what is busy, with a line in the log', async () => {
    let asked = 0;
    const resolver = {
      async resolve(): Promise<undefined> {
        asked += 1;
        throw new Error('away');
      },
    };
    const many = Array.from({ length: 5_000 }, (_, i) => `c${i}`);
    const first = await setUp({ resolver });
    await first.codes.keep(0, many);
    await first.warmth.begin(unstopped);
    expect(asked).toBeLessThan(1_000);
    const away = { recall: () => Promise.reject(new Error('no master')), keep: () => Promise.resolve() };
    const second = await setUp({ codes: away });
    await second.warmth.begin(unstopped);
    expect(second.told).toEqual(['nothing is looked up ahead: what is busy is not known']);
  });

  test('that is stopped waits no longer', async () => {
    const { codes, links, warmth } = await setUp({ isProven: () => false });
    await codes.keep(0, links);
    const stopping = new AbortController();
    stopping.abort();
    const startedMs = performance.now();
    await warmth.begin(stopping.signal);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test('with nothing busy looks up nothing', async () => {
    const { warmth, store, told } = await setUp({ isProven: () => false });
    await warmth.begin(unstopped);
    expect([store.calls.filter(({ call }) => call === 'find').length, told]).toEqual([0, []]);
  });
});

describe('a stop', () => {
  test('keeps what was asked for in the life of an entry, most often asked for first, and no link that is gone', async () => {
    const { warmth, codes, links, l1, store } = await setUp();
    const [once, twice, often, gone] = links as [string, string, string, string];
    await store.remove(0, gone);
    await codes.keep(0, [once, twice, often, gone, ...links.slice(4, 10)]);
    await warmth.begin(unstopped);
    const kept = new MemoryBusyCodes();
    for (const [code, times] of [
      [once, 1],
      [twice, 2],
      [often, 5],
    ] as const) {
      for (let i = 0; i < times; i += 1) l1.get(`/${code}`, clock.monotonicMs());
    }
    l1.goneBy(`/${gone}`, clock.monotonicMs());
    await createWarmth({
      ...{ domainId: 0, codes: kept, l1, resolver: { resolve: async () => undefined }, isProven: () => true },
      log: { info() {}, warn() {} } as unknown as WarmthOptions['log'],
    }).keep()();
    expect(await kept.recall(0)).toEqual([often, twice, once]);
  });

  test('does not wait for who keeps nothing, nor for who hangs', async () => {
    const hanging = { recall: async () => [], keep: () => new Promise<void>(() => {}) };
    const { warmth, l1, links } = await setUp({ codes: hanging });
    void links;
    void l1;
    await warmth.keep()();
    const failing = { recall: async () => [], keep: () => Promise.reject(new Error('no master')) };
    const { warmth: other, told } = await setUp({
      codes: failing,
      l1: { busiest: async () => ['a'] },
    });
    await other.keep()();
    expect(told).toEqual(['what is busy is not kept']);
  });
});
