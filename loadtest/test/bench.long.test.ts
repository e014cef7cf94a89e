/** The parts of a benchmark whose programs are in Go, and built on the way: where Go is. */
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
