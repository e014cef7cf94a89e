/** The parts of a benchmark that bench.load.test.ts leaves out: what repeats another part with other numbers, and programs in Go, built on the way where Go is. */
import { join } from 'node:path';
import { startProgram } from '@lakh/testkit';
import type { BenchReport } from '../src/bench/report';
import { readConfig } from '../src/config';
import { findGo } from '../src/go';

const root = join(__dirname, '..', '..');

test('redirect beside Go, and at a constant rate', async () => {
  if ((await findGo(readConfig())) === undefined) return;
  const args = ['redirect', '--rounds', '1', '--seconds', '1', '--only', 'redirect', '--only', 'arrivals', '--json'];
  const { code, stdout, stderr } = await startProgram(join(root, 'loadtest/dist/bench.js'), args).ended;
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const { groups } = JSON.parse(stdout) as BenchReport;
  const [rates, arrivals] = groups;
  expect(rates?.subjects.map(({ name }) => name)).toContain('Go net/http');
  expect(arrivals).toMatchObject({ id: 'arrivals', skipped: [] });
  for (const { p50Ms, p99Ms, median } of arrivals?.subjects ?? []) {
    expect(p50Ms).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms as number);
    expect(median).toBe(p99Ms);
  }
  expect(arrivals?.ratios).toEqual([expect.objectContaining({ target: { atMost: 1, met: expect.any(Boolean) } })]);
}, 300_000);

test('shorten: the store at three numbers of callers', async () => {
  const parts = ['store-64', 'store-256', 'store-1024'];
  const args = ['shorten', '--quick', '--json', ...parts.flatMap((part) => ['--only', part])];
  const { code, stdout, stderr } = await startProgram(join(root, 'loadtest/dist/bench.js'), args).ended;
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const { groups } = JSON.parse(stdout) as BenchReport;
  expect(groups.map(({ id }) => id)).toEqual(parts);
  for (const { subjects } of groups) {
    expect(subjects.map(({ name, min }) => [name, min > 0])).toEqual([
      ['coalesced', true],
      ['one row a statement', true],
      ['multi-row loop', true],
    ]);
  }
  const targets = groups.flatMap(({ ratios }) => ratios.flatMap(({ target }) => target ?? []));
  expect(targets).toMatchObject([{ atLeast: 4 }, { atLeast: 7 }]);
}, 120_000);
