import type { FaultName } from '@lakh/nemesis';
import { oneRound } from './support/nemesis';

jest.setTimeout(240_000);

/** Those of a few seconds each; all of them are in nemesis.long.test.ts. */
const QUICK: readonly FaultName[] = [
  'kill-shorten',
  'restart-shorten',
  'kill-mariadb',
  'freeze-mariadb',
  'cut-mariadb',
  'kill-zookeeper',
  'cut-zookeeper',
  'wipe-zookeeper',
];

test('killed, frozen, cut off and wiped under load: no code twice, no link lost, every counter accounted for', async () => {
  const { verdict } = await oneRound(1_122, QUICK);
  expect(verdict.faults.map(({ fault }) => fault).sort()).toEqual([...QUICK].sort());
  expect(verdict.links.links).toBeGreaterThan(500);
  expect(verdict.links.lostLinks).toBe(0);
  expect(verdict.repairs).toMatchObject([{ witness: 'zookeeper', refusal: 'mark_missing' }]);
});
