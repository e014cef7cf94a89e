import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { LoadtestReport } from '@lakh/loadtest';
import { findExecutable, openStack, readSettings, type Stack } from '@lakh/local';
import { startProgram } from '@lakh/testkit';

jest.setTimeout(180_000);

const root = join(__dirname, '..', '..');
const why = whyWithoutK6();
if (why !== undefined) process.stderr.write(`k6 smoke: skipped: ${why}\n`);

/** Undefined where "npm run loadtest" has a k6 at hand. No test builds one: that takes minutes. */
function whyWithoutK6(): string | undefined {
  const cache = join(root, 'node_modules', '.cache', 'lakh');
  const built = existsSync(cache) ? readdirSync(cache).filter((name) => /^k6-v[\d.]+$/.test(name)) : [];
  const dirs = [...(process.env.PATH ?? '').split(delimiter), ...built.map((name) => join(cache, name))];
  if (process.env.LAKH_K6 || findExecutable(dirs, 'k6') !== undefined) return undefined;
  return 'no k6 in LAKH_K6, on the PATH or built before; "npm run loadtest -- smoke" builds it once where Go is, or says how to get it';
}

(why === undefined ? describe : describe.skip)('the k6 smoke scenario', () => {
  let dir: string;
  let stack: Stack;
  beforeAll(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'lakh-smoke-')));
    stack = openStack({ dir, root, settings: readSettings({ PATH: process.env.PATH, LAKH_LOG_LEVEL: 'warn' }) });
  });
  afterAll(async () => {
    await stack.down({ wipe: true });
    rmSync(dir, { recursive: true, force: true });
  });

  test('meets every threshold through the gateway of the whole system', async () => {
    const { url } = await stack.up({ shorten: 2, redirect: 2, zookeeper: 3 });
    const { code, stdout, stderr } = await loadtest(
      stack.addresses().token,
      'smoke',
      '--url',
      url,
      '--require',
      '--json',
    );
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as Extract<LoadtestReport, { passed: boolean }>;
    expect(report.thresholds.filter(({ met }) => !met)).toEqual([]);
    expect(report.checks.failed).toBe(0);
    expect(report.requests).toBeGreaterThan(100);
    const { requests, checks, durationMs } = report;
    process.stderr.write(
      `k6 smoke: ${requests} requests, ${checks.passed} checks passed, ${(durationMs / 1000).toFixed(1)} s\n`,
    );
  });
});

/** What "npm run loadtest" runs, as it is built: a test is not the moment to build it. */
const loadtest = (LAKH_TOKEN: string, ...args: readonly string[]) =>
  startProgram(join(root, 'loadtest', 'dist', 'loadtest.js'), args, {
    env: { ...process.env, LAKH_TOKEN },
    timeout: 120_000,
  }).ended;
