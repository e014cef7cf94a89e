import { transactionsBetween } from '../src/bench/ensemble';
import { boundsOf, figure, overlaps, quantile, quantiles } from '../src/bench/trials';

const text = { name: 'a pause', unit: 'ms', what: 'how long nothing happened' };

describe('quantiles', () => {
  test('are values that were measured, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0.01, 0.5, 0.99, 1].map((q) => quantile(hundred, q))).toEqual([1, 50, 99, 100]);
    expect(quantile([7], 0.01)).toBe(7);
    expect(quantile([10, 2, 1], 0.5)).toBe(2);
    expect(quantiles([10, 2, 1])).toEqual({ count: 3, min: 1, p50: 2, p99: 10, max: 10 });
  });

  test('of nothing, or beyond everything, are refused', () => {
    expect(() => quantile([], 0.5)).toThrow('no values');
    for (const q of [0, 1.01, Number.NaN]) expect(() => quantile([1], q)).toThrow('not a quantile');
  });
});

test('a bound holds for every value, and a figure without one has none', () => {
  expect(figure(text, [1, 3], 3).bound).toEqual({ atMost: 3, met: true });
  const missed = figure(text, [1, 3], 2);
  expect(missed).toMatchObject({ name: 'a pause', p50: 1, max: 3, bound: { atMost: 2, met: false } });
  const trial = { id: 't', title: 'a trial', figures: [figure(text, [1]), missed], skipped: [] };
  expect(trial.figures[0]).not.toHaveProperty('bound');
  expect(boundsOf([trial])).toEqual([missed]);
});

test('ranges overlap where any counter is in two, also when one lies within another or a third comes between', () => {
  expect(overlaps([])).toBe(0);
  expect(
    overlaps([
      [3, 5],
      [1, 3],
      [5, 9],
    ]),
  ).toBe(0);
  expect(
    overlaps([
      [1, 9],
      [2, 3],
      [4, 5],
      [9, 10],
    ]),
  ).toBe(2);
  expect(
    overlaps([
      [1, 2],
      [1, 2],
    ]),
  ).toBe(1);
});

test('transactions are counted within one reign of a leader, and not across two', () => {
  const at = (zxid: bigint) => ({ zxid, received: 0 });
  expect(transactionsBetween(at(0x3_0000_0010n), at(0x3_0000_0025n))).toBe(21);
  expect(() => transactionsBetween(at(0x3_0000_0010n), at(0x4_0000_0001n))).toThrow('the leader changed');
});
