import type { FactStore } from '@lakh/facts';

/** One empty facts store for a whole suite: every test uses names of its own. */
export interface FactStoreHarness {
  readonly facts: FactStore;
  dispose(): Promise<void>;
}

const CALLERS = 20;

/** The behaviour of every FactStore, to be passed unchanged by the fake, the embedded and the real one. */
export function describeFactStore(name: string, makeHarness: () => Promise<FactStoreHarness>): void {
  describe(`FactStore: ${name}`, () => {
    let harness: FactStoreHarness;
    let facts: FactStore;

    beforeAll(async () => {
      harness = await makeHarness();
      facts = harness.facts;
    });
    afterAll(async () => {
      await harness?.dispose();
    });

    test('reading records nothing', async () => {
      expect(await facts.read('read')).toBeUndefined();
      expect(await facts.recordOnce('read', 'one')).toBe('one');
      expect(await facts.read('read')).toBe('one');
    });

    test('the first value recorded stays, and everyone after learns it', async () => {
      expect(await facts.recordOnce('first', 'one')).toBe('one');
      expect(await facts.recordOnce('first', 'two')).toBe('one');
      expect(await facts.recordOnce('first', 'one')).toBe('one');
      expect(await facts.recordOnce('second', 'two')).toBe('two');
    });

    test('of servers that start at once, all learn the value of one of them', async () => {
      const values = Array.from({ length: CALLERS }, (_, index) => `{"server":${index}}`);
      const learnt = await Promise.all(values.map((value) => facts.recordOnce('race', value)));
      expect(new Set(learnt).size).toBe(1);
      expect(values).toContain(learnt[0]);
      expect(await facts.recordOnce('race', 'late')).toBe(learnt[0]);
    });

    test('a value comes back exactly, quotes, backslashes, trailing spaces and length included', async () => {
      const value = `{"a":"'\\"\\\\ %_ é🔗","long":"${'x'.repeat(3000)}"}  `;
      await facts.recordOnce('exact', value);
      expect(await facts.recordOnce('exact', '')).toBe(value);
    });

    test('replaces only what it expected, to the byte', async () => {
      await facts.recordOnce('cas', 'old');
      expect(await facts.replace('cas', 'other', 'new')).toBe(false);
      expect(await facts.replace('cas', 'OLD', 'new')).toBe(false);
      expect(await facts.replace('cas', 'old ', 'new')).toBe(false);
      expect(await facts.recordOnce('cas', 'x')).toBe('old');
      expect(await facts.replace('cas', 'old', 'new')).toBe(true);
      expect(await facts.recordOnce('cas', 'x')).toBe('new');
      expect(await facts.replace('cas', 'old', 'newer')).toBe(false);
    });

    test('replacing a value by itself succeeds, and nothing is there to replace before the first record', async () => {
      await facts.recordOnce('itself', 'same');
      expect(await facts.replace('itself', 'same', 'same')).toBe(true);
      expect(await facts.replace('never-recorded', '', 'value')).toBe(false);
      expect(await facts.recordOnce('never-recorded', 'mine')).toBe('mine');
    });

    test('of replacements that race from one value, one succeeds', async () => {
      await facts.recordOnce('cas-race', 'start');
      const values = Array.from({ length: CALLERS }, (_, index) => `next-${index}`);
      const done = await Promise.all(values.map((value) => facts.replace('cas-race', 'start', value)));
      expect(done.filter(Boolean)).toHaveLength(1);
      expect(await facts.recordOnce('cas-race', 'x')).toBe(values[done.indexOf(true)]);
    });
  });
}
