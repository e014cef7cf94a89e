import { Allowance } from '../src/allowance.js';

let nowMs = 0;
beforeEach(() => {
  nowMs = 1_000;
});
const allowance = (perMinute: number, keysMax?: number) =>
  new Allowance({ perMinute, nowMs: () => nowMs, ...(keysMax === undefined ? {} : { keysMax }) });

test('a key takes so many in a minute from its first, and waits for its end', () => {
  const each = allowance(2);
  each.take('a');
  nowMs += 40_000;
  expect(each.waitMs('a')).toBe(0);
  each.take('a');
  expect(each.waitMs('a')).toBe(20_000);
  expect(each.waitMs('b')).toBe(0);
  nowMs += 19_999;
  expect(each.waitMs('a')).toBe(1);
  nowMs += 1;
  expect(each.waitMs('a')).toBe(0);
  each.take('a');
  each.take('a');
  expect(each.waitMs('a')).toBe(60_000);
});

test('what is given back can be taken again, and is never more than there was', () => {
  const each = allowance(1);
  each.giveBack('a');
  each.take('a');
  expect(each.waitMs('a')).toBeGreaterThan(0);
  each.giveBack('a');
  each.giveBack('a');
  expect(each.waitMs('a')).toBe(0);
  each.take('a');
  expect(each.waitMs('a')).toBeGreaterThan(0);
});

test('who uses more addresses than fit gets the oldest forgotten, and no more memory', () => {
  const each = allowance(1, 100);
  for (let i = 0; i < 100_000; i += 1) {
    each.take(`address-${i}`);
    nowMs += 0.01;
  }
  expect(each.size).toBeLessThanOrEqual(100);
  expect(each.waitMs('address-99999')).toBeGreaterThan(0);
  expect(each.waitMs('address-99950')).toBeGreaterThan(0);
  expect(each.waitMs('address-99899')).toBe(0);
});

test('who goes on being refused is not forgotten for the addresses of others', () => {
  const each = allowance(1, 100);
  each.take('persistent');
  for (let i = 0; i < 1000; i += 1) {
    each.take(`address-${i}`);
    if (i % 40 === 0) expect(each.waitMs('persistent')).toBeGreaterThan(0);
  }
});

test('many addresses cost no more time each than few', () => {
  /** The best of a few: others use this machine too. */
  const msOf = (keys: number) => {
    const times = Array.from({ length: 4 }, () => {
      const each = allowance(1, 20_000);
      const startedMs = performance.now();
      for (let i = 0; i < keys; i += 1) each.take(`address-${i}`);
      return performance.now() - startedMs;
    });
    return Math.min(...times);
  };
  // Six times as many. What searches for the oldest once there is no more room took hundreds of times as long.
  expect(msOf(60_000)).toBeLessThan(100 * Math.max(1, msOf(10_000)));
});

test('what nobody has asked for in a minute is forgotten', () => {
  const each = allowance(1, 1000);
  for (let i = 0; i < 400; i += 1) each.take(`early-${i}`);
  nowMs += 60_000;
  each.take('late');
  nowMs += 60_000;
  each.take('later');
  expect(each.size).toBe(2);
});

test('others are told in parts, of each that was kept once', () => {
  const each = allowance(100);
  const told = Array.from({ length: 7 }, () => {
    each.take('a');
    return each.tell('a', 3);
  });
  expect(told).toEqual([0, 0, 3, 0, 0, 3, 0]);
});

test('what is heard of others counts, and when their minute ends; nothing of it takes back what is known here', () => {
  const each = allowance(10);
  each.take('a');
  each.hear('a', 9, 30_000);
  expect(each.waitMs('a')).toBe(0);
  each.take('a');
  expect(each.waitMs('a')).toBe(30_000);
  each.hear('a', 3, 20_000);
  expect(each.waitMs('a')).toBe(20_000);
  each.hear('b', 10, 5_000);
  expect(each.waitMs('b')).toBe(5_000);
  // Whatever another clock says.
  each.hear('c', 10, 9_000_000);
  expect(each.waitMs('c')).toBe(60_000);
});

test('a minute of others that has begun just before this one ends takes nothing over from it', () => {
  const each = allowance(100);
  const takeAndTell = () => {
    for (let i = 0; i < 30; i += 1) each.take('a');
    for (let i = 0; i < 29; i += 1) each.tell('a', 30);
    expect(each.tell('a', 30)).toBe(30);
  };
  takeAndTell();
  each.hear('a', 30, 60_000);
  nowMs += 30_000;
  takeAndTell();
  each.hear('a', 60, 30_000);
  nowMs += 29_999;
  // On its way when the minute of the others ended: all that they know is this.
  takeAndTell();
  each.hear('a', 30, 60_000);
  nowMs += 30_000;
  takeAndTell();
  each.hear('a', 60, 30_000);
  expect(each.waitMs('a')).toBe(0);
  takeAndTell();
  each.hear('a', 90, 30_000);
  for (let i = 0; i < 10; i += 1) each.take('a');
  expect(each.waitMs('a')).toBe(30_000);
});

test('counters that miss a part, for nobody could be told of it, take nothing back', () => {
  const each = allowance(100);
  for (let told = 0; told < 100; told += 10) {
    for (let i = 0; i < 10; i += 1) each.take('a');
    for (let i = 0; i < 10; i += 1) each.tell('a', 10);
    // Every other one never came to them.
    if (told % 20 === 10) each.hear('a', told / 2, 60_000 - told);
  }
  expect(each.waitMs('a')).toBeGreaterThan(0);
});
