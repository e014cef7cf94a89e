import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { startProgram } from '@lakh/testkit';
import { readLoadtestConfig } from '../src/config';
import { findK6, K6_VERSION } from '../src/k6/find-k6';
import type { LoadtestReport } from '../src/k6/summary';
import { Scope } from '../src/scope';

const root = join(__dirname, '..', '..');
/** No test builds k6, which takes minutes: where it is not there, "npm run loadtest -- smoke" gets it. */
const builtK6 = join(root, 'node_modules', '.cache', 'lakh', `k6-${K6_VERSION}`, 'k6');
const { k6: namedK6, path } = readLoadtestConfig();
const k6Places = [namedK6 ?? '', ...path.split(delimiter).map((folder) => join(folder, 'k6')), builtK6];
const whereK6Is = k6Places.some((file) => file !== '' && existsSync(file)) ? test : test.skip;
const scope = new Scope();
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-loadtest-test-'));
});

afterAll(async () => {
  await scope.close();
  rmSync(dir, { recursive: true, force: true });
});

const loadtest = (args: readonly string[], env: Record<string, string | undefined> = {}) =>
  startProgram(join(root, 'loadtest', 'dist', 'loadtest.js'), args, { env: { ...process.env, ...env } }).ended;

/** A `k6` that notes how it was called and writes a summary in which one threshold has the given result. */
function fakeK6(name: string, exitCode: number): string {
  const file = join(dir, name);
  const summary = {
    state: { testRunDurationMs: 1000 },
    metrics: { checks: { type: 'rate', values: { rate: 1 }, thresholds: { 'rate==1': { ok: exitCode === 0 } } } },
  };
  writeFileSync(
    file,
    `#!/bin/sh
[ "$1" = version ] && exec echo "k6 v0.0.0"
echo "progress of k6"
env > "${file}.env"
echo "$@" > "${file}.args"
echo '${JSON.stringify(summary)}' > "$SUMMARY_FILE"
exit ${exitCode}
`,
    { mode: 0o755 },
  );
  return file;
}

describe('the runner', () => {
  test('gives k6 its parameters, no setting of the shell and never its usage report; the answer is the summary', async () => {
    const k6 = fakeK6('k6-ok', 0);
    const { code, stdout, stderr } = await loadtest(
      ['redirect', '--url', 'http://127.0.0.1:9', '--rate', '7', '--duration', '1s', '--json'],
      { LAKH_K6: k6, K6_VUS: '99', LAKH_LISTEN: 'nonsense' },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'progress of k6\n' });
    expect(JSON.parse(stdout)).toMatchObject({ scenario: 'redirect', passed: true, target: 'http://127.0.0.1:9' });
    const env = readLines(`${k6}.env`);
    expect(env).toEqual(
      expect.arrayContaining(['K6_NO_USAGE_REPORT=true', 'BASE_URL=http://127.0.0.1:9', 'RATE=7', 'DURATION=1s']),
    );
    expect(env.filter((line) => /^(LAKH_|K6_VUS)/.test(line))).toEqual([]);
  });

  test('ends with 99 when a threshold was crossed, with 1 when k6 failed otherwise', async () => {
    const url = ['--url', 'http://127.0.0.1:9'];
    expect(await loadtest(['smoke', ...url], { LAKH_K6: fakeK6('k6-crossed', 99) })).toMatchObject({ code: 99 });
    const failed = await loadtest(['smoke', ...url], { LAKH_K6: fakeK6('k6-failed', 107) });
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('k6 failed (exit 107)');
  });

  test('does not pass over a LAKH_K6 that is none', async () => {
    const { code, stderr } = await loadtest(['smoke'], { LAKH_K6: join(dir, 'no-such-k6') });
    expect(code).toBe(1);
    expect(stderr).toContain('no-such-k6: cannot be run as k6');
  });

  test('refuses a target beyond loopback before it does anything', async () => {
    const { code, stderr } = await loadtest(['smoke', '--url', 'http://192.0.2.1'], {
      LAKH_K6: fakeK6('k6-unused', 0),
    });
    expect(code).toBe(2);
    expect(stderr).toContain('--allow-remote');
  });

  const whereNoneWasBuilt = existsSync(builtK6) ? test.skip : test;
  whereNoneWasBuilt(
    'skips with 77 and says how to get k6 where there is neither k6 nor Go; --require fails',
    async () => {
      const nowhere = { PATH: join(dir, 'empty'), LAKH_K6: undefined };
      const skipped = await loadtest(['smoke'], nowhere);
      expect(skipped.code).toBe(77);
      expect(skipped.stdout).toMatch(/^loadtest smoke: skipped: no k6 here: install k6/);
      expect(await loadtest(['smoke', '--require'], nowhere)).toMatchObject({ code: 1, stdout: '' });
    },
  );
});

describe('finding k6', () => {
  const find = (env: Record<string, string>, cache = join(dir, 'cache')) =>
    findK6(readLoadtestConfig(env), cache, scope);

  test('takes LAKH_K6 first, then the PATH, then what was built before', async () => {
    const bin = mkdtempSync(join(dir, 'bin-'));
    const onPath = fakeK6(join(bin.slice(dir.length + 1), 'k6'), 0);
    const other = fakeK6('other-k6', 0);
    const PATH = [bin, '/usr/bin', '/bin'].join(delimiter);
    expect(await find({ PATH, LAKH_K6: other })).toEqual({ file: other });
    expect(await find({ PATH })).toEqual({ file: onPath });
    const empty = { PATH: join(dir, 'empty') };
    expect(await find(empty)).toEqual({ missing: expect.stringContaining('Go 1.24 or later') });
  });

  test('builds with Go once, into its cache only when whole', async () => {
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const bin = mkdtempSync(join(dir, 'go-'));
    const calls = join(bin, 'calls');
    writeFileSync(
      join(bin, 'go'),
      `#!/bin/sh
[ "$1" = version ] && exec echo "go version go1.26.0 linux/amd64"
echo "$@" >> "${calls}"
[ -e "${bin}/broken" ] && exit 1
printf '#!/bin/sh\\necho k6 v0\\n' > "$GOBIN/k6"
chmod +x "$GOBIN/k6"
`,
      { mode: 0o755 },
    );
    const cache = join(bin, 'cache');
    const env = { PATH: `${bin}:/usr/bin:/bin` };

    writeFileSync(join(bin, 'broken'), '');
    await expect(find(env, cache)).rejects.toThrow('k6 could not be built');
    rmSync(join(bin, 'broken'));
    const found = await find(env, cache);
    expect(found).toEqual({ file: expect.stringMatching(/cache\/k6-v[\d.]+\/k6$/) });
    expect(await find(env, cache)).toEqual(found);
    expect(readLines(calls)).toEqual(Array(2).fill(expect.stringMatching(/^install go\.k6\.io\/k6@v/)));
    jest.restoreAllMocks();
  });
});

whereK6Is(
  'smoke passes against a standalone server of its own',
  async () => {
    const { code, stdout, stderr } = await loadtest(['smoke', '--json']);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as Extract<LoadtestReport, { passed: boolean }>;
    expect(report.checks.failed).toBe(0);
    expect(report.requests).toBeGreaterThan(100);
  },
  120_000,
);

whereK6Is(
  'a service that answers wrongly crosses the thresholds',
  async () => {
    const server: Server = createServer((_request, response) => response.writeHead(200).end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { code, stdout } = await loadtest(['smoke', '--url', url, '--duration', '1s']);
      expect(code).toBe(99);
      expect(stdout).toMatch(/checks rate==1 .*CROSSED/);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  },
  60_000,
);

function readLines(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split('\n');
}
