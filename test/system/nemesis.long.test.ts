import { ensurePackages } from '@lakh/local';
import { FAULTS } from '@lakh/nemesis';
import { oneRound } from './support/nemesis';

jest.setTimeout(600_000);

test('every fault once: no code twice, no link lost but with a database that was set back, every counter accounted for', async () => {
  // Without it one fault is left out, and the run says so.
  await ensurePackages(['faketime']).catch(() => {});
  const { verdict, leftOut } = await oneRound(20_261_122, FAULTS);
  const made = FAULTS.filter((fault) => !leftOut.includes(fault));
  expect(verdict.faults.map(({ fault, times }) => [fault, times]).sort()).toEqual(
    made.map((fault) => [fault, 1]).sort(),
  );
  expect(verdict.links.links).toBeGreaterThan(1_000);
  // A witness that forgot was noticed each time, and repaired.
  expect(verdict.repairs.map(({ refusal }) => refusal).sort()).toEqual([
    'ledger_forgot',
    'mark_missing',
    'zookeeper_forgot',
  ]);
});
