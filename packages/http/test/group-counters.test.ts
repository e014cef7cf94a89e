import { countTogether, createGroupCounters } from '../src/group-counters.js';

describe('counters of a group', () => {
  test('count by limit and by key, for a minute', async () => {
    let nowMs = 0;
    const counters = createGroupCounters(() => nowMs);
    expect(await counters.count('misses', 'a', 3)).toEqual({ used: 3, endsInMs: 60_000 });
    nowMs = 10_000;
    expect(await counters.count('misses', 'a', 2)).toEqual({ used: 5, endsInMs: 50_000 });
    expect(await counters.count('misses', 'b', 1)).toEqual({ used: 1, endsInMs: 60_000 });
    expect(await counters.count('changes', 'a', 1)).toEqual({ used: 1, endsInMs: 60_000 });
    nowMs = 60_001;
    expect(await counters.count('misses', 'a', 1)).toEqual({ used: 1, endsInMs: 60_000 });
    expect(await counters.count('nothing', 'a', 1)).toBeUndefined();
  });

  test('are counted beside others, and the one that knows of most is believed', async () => {
    const known = { used: 9, endsInMs: 5 };
    const group = createGroupCounters(() => 0);
    const redis = { count: async () => known };
    expect(await countTogether(group, redis).count('misses', 'a', 1)).toEqual(known);
    expect(await countTogether(group, { count: async () => undefined }).count('misses', 'a', 9)).toEqual({
      used: 10,
      endsInMs: 60_000,
    });
    expect(await countTogether({ count: async () => undefined }).count('misses', 'a', 1)).toBeUndefined();
  });
});
