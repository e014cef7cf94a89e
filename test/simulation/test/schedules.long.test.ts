import { EXPECTED_COVERAGE } from '@lakh/simulation';
import { coverageOf } from './program';

/** A fifth of it on an idle machine. */
jest.setTimeout(7_200_000);

const SCHEDULES = 1_000_000;

test(`no counter is issued twice in ${SCHEDULES} schedules`, async () => {
  const coverage = await coverageOf(SCHEDULES);
  expect(coverage.schedules).toBeGreaterThanOrEqual(SCHEDULES);
  expect(EXPECTED_COVERAGE.filter((what) => !((coverage[what] ?? 0) > 0))).toEqual([]);
});
