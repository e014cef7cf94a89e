import type { SettingsStore } from '@lakh/links';

/** One empty settings store for a whole suite: every test uses names of its own. */
export interface SettingsStoreHarness {
  readonly settings: SettingsStore;
  dispose(): Promise<void>;
}

const CALLERS = 20;

/** The behaviour of every SettingsStore, to be passed unchanged by the fake, the embedded and the real one. */
export function describeSettingsStore(name: string, makeHarness: () => Promise<SettingsStoreHarness>): void {
  describe(`SettingsStore: ${name}`, () => {
    let harness: SettingsStoreHarness;
    let settings: SettingsStore;

    beforeAll(async () => {
      harness = await makeHarness();
      settings = harness.settings;
    });
    afterAll(async () => {
      await harness?.dispose();
    });

    test('the first value recorded stays, and everyone after learns it', async () => {
      expect(await settings.recordOnce('first', 'one')).toBe('one');
      expect(await settings.recordOnce('first', 'two')).toBe('one');
      expect(await settings.recordOnce('first', 'one')).toBe('one');
      expect(await settings.recordOnce('second', 'two')).toBe('two');
    });

    test('of servers that start at once, all learn the value of one of them', async () => {
      const values = Array.from({ length: CALLERS }, (_, index) => `{"server":${index}}`);
      const learnt = await Promise.all(values.map((value) => settings.recordOnce('race', value)));
      expect(new Set(learnt).size).toBe(1);
      expect(values).toContain(learnt[0]);
      expect(await settings.recordOnce('race', 'late')).toBe(learnt[0]);
    });

    test('a value comes back exactly, quotes, backslashes, trailing spaces and length included', async () => {
      const value = `{"a":"'\\"\\\\ %_ é🔗","long":"${'x'.repeat(3000)}"}  `;
      await settings.recordOnce('exact', value);
      expect(await settings.recordOnce('exact', '')).toBe(value);
    });

    test('replaces only what it expected, to the byte', async () => {
      await settings.recordOnce('cas', 'old');
      expect(await settings.replace('cas', 'other', 'new')).toBe(false);
      expect(await settings.replace('cas', 'OLD', 'new')).toBe(false);
      expect(await settings.replace('cas', 'old ', 'new')).toBe(false);
      expect(await settings.recordOnce('cas', 'x')).toBe('old');
      expect(await settings.replace('cas', 'old', 'new')).toBe(true);
      expect(await settings.recordOnce('cas', 'x')).toBe('new');
      expect(await settings.replace('cas', 'old', 'newer')).toBe(false);
    });

    test('replacing a value by itself succeeds, and nothing is there to replace before the first record', async () => {
      await settings.recordOnce('itself', 'same');
      expect(await settings.replace('itself', 'same', 'same')).toBe(true);
      expect(await settings.replace('never-recorded', '', 'value')).toBe(false);
      expect(await settings.recordOnce('never-recorded', 'mine')).toBe('mine');
    });

    test('of replacements that race from one value, one succeeds', async () => {
      await settings.recordOnce('cas-race', 'start');
      const values = Array.from({ length: CALLERS }, (_, index) => `next-${index}`);
      const done = await Promise.all(values.map((value) => settings.replace('cas-race', 'start', value)));
      expect(done.filter(Boolean)).toHaveLength(1);
      expect(await settings.recordOnce('cas-race', 'x')).toBe(values[done.indexOf(true)]);
    });
  });
}
