import { rollingRestarts } from './support/rolling-restarts';

jest.setTimeout(120000);

test('12 rolling restarts of 4 servers under creates lose at most 0.1 % of what they leased, tell of it, and repeat nothing', async () => {
  const { restarts, leased, lost, toldLost, claims, used, created, repeated } = await rollingRestarts(12);
  expect(restarts).toBe(12);
  expect(repeated).toEqual([]);
  expect(created).toBeGreaterThan(12);
  expect(used).toBe(created);
  expect(lost).toBeLessThanOrEqual(leased / 1000);
  expect(toldLost).toBe(lost);
  expect(claims).toBeGreaterThan(12);
});
