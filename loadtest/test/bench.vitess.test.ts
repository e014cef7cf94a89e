/** The bench of a keyspace runs small where there is one, so that it does not rot. Its figures mean nothing. */
import { join } from 'node:path';
import { startProgram } from '@lakh/testkit';
import type { BenchReport } from '../src/bench/report';

const root = join(__dirname, '..', '..');

test('vitess: finds, inserts and batches through a vtgate, beside one MariaDB', async () => {
  const { code, stdout, stderr } = await startProgram(join(root, 'loadtest/dist/bench.js'), [
    'vitess',
    '--quick',
    '--json',
  ]).ended;
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  const { groups } = JSON.parse(stdout) as BenchReport;
  expect(groups.map(({ id }) => id)).toEqual(['finds', 'creates', 'batch']);
  for (const { subjects, ratios } of groups) {
    expect(subjects.map(({ name, min }) => [name, min > 0])).toEqual([
      ['through a vtgate', true],
      ['one MariaDB', true],
    ]);
    expect(ratios).toHaveLength(1);
  }
}, 240_000);
