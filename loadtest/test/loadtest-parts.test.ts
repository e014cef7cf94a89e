import { readConfig, readLoadtestConfig } from '../src/config';
import { isSince } from '../src/go';
import { checkUrl, parseLoadtest } from '../src/k6/options';
import { formatLoadtest, readSummary } from '../src/k6/summary';
import { Scope } from '../src/scope';

describe('the command line', () => {
  test('gives a scenario with its parameters', () => {
    const options = parseLoadtest(['mixed', '--url', 'http://127.0.0.1:8080/', '--rate', '50', '--duration', '2m']);
    expect(options).toMatchObject({
      scenario: 'mixed',
      url: 'http://127.0.0.1:8080',
      parameters: { RATE: '50', DURATION: '2m' },
      loadSeconds: 120,
      require: false,
    });
    expect(parseLoadtest(['smoke', '--help'])).toBe('help');
  });

  test.each([
    [[]],
    [['x']],
    [['smoke', 'mixed']],
    [['smoke', '--duration', '2h']],
    [['smoke', '--duration', '0s']],
    [['smoke', '--duration', 'soon']],
    [['smoke', '--vus', '-1']],
    [['smoke', '--rate', '1e9']],
    [['smoke', '--no-such']],
  ])('refuses %j', (args) => {
    expect(() => parseLoadtest(args)).toThrow();
  });
});

describe('the target', () => {
  test.each(['http://127.0.0.1:8080', 'http://localhost', 'http://[::1]:80', 'http://0x7f.1', 'https://127.9.9.9/'])(
    '%s is loopback',
    (url) => {
      expect(() => checkUrl(url, false)).not.toThrow();
    },
  );

  test.each(['http://example.org', 'http://10.0.0.1', 'http://127.example.org', 'http://localhost.example.org'])(
    '%s is not, and needs --allow-remote',
    (url) => {
      expect(() => checkUrl(url, false)).toThrow('--allow-remote');
      expect(() => checkUrl(url, true)).not.toThrow();
    },
  );

  test.each(['ftp://127.0.0.1', 'http://127.0.0.1/path', 'http://127.0.0.1/?q', '127.0.0.1:80', ''])(
    '%s is no address of a service',
    (url) => {
      expect(() => checkUrl(url, true)).toThrow('must be http://host:port');
    },
  );
});

test('whether Go is new enough is read from what it says', () => {
  const since = (said: string | undefined) => isSince(said, [1, 24]);
  expect(since('go version go1.24.0 linux/amd64')).toBe(true);
  expect(since('go version go1.26.8 linux/arm64')).toBe(true);
  expect(since('go version go2.0 linux/amd64')).toBe(true);
  expect(since('go version go1.19.8 linux/amd64')).toBe(false);
  expect(since(undefined)).toBe(false);
});

test('children get no setting of the shell, and a build no setting of Lakh', () => {
  const config = readConfig({ PATH: '/bin', HOME: '/h', LAKH_K6: '/k6', LAKH_LISTEN: 'x', K6_VUS: '9', GOPROXY: 'p' });
  expect(config.childEnvironment).toEqual({ PATH: '/bin', HOME: '/h' });
  expect(config.buildEnvironment).toEqual({ PATH: '/bin', HOME: '/h', K6_VUS: '9', GOPROXY: 'p' });
});

test('an empty LAKH_K6 is an error, not a default', () => {
  expect(readLoadtestConfig({}).k6).toBeUndefined();
  expect(readLoadtestConfig({ LAKH_K6: '/k6' }).k6).toBe('/k6');
  expect(() => readLoadtestConfig({ LAKH_K6: '' })).toThrow('LAKH_K6 is set but empty');
});

describe("k6's summary", () => {
  const summary = {
    state: { testRunDurationMs: 5012.3 },
    metrics: {
      http_reqs: { type: 'counter', values: { count: 100, rate: 20 } },
      checks: { type: 'rate', values: { rate: 0.99, passes: 99, fails: 1 }, thresholds: { 'rate==1': { ok: false } } },
      'http_req_duration{name:create}': {
        type: 'trend',
        values: { 'p(95)': 12.3456 },
        thresholds: { 'p(95)<500': { ok: true }, 'p(99)<900': { ok: true } },
      },
    },
  } as const;

  test('becomes thresholds with their values', () => {
    const report = readSummary('smoke', 'http://127.0.0.1:1', summary);
    expect(report).toEqual({
      scenario: 'smoke',
      target: 'http://127.0.0.1:1',
      durationMs: 5012,
      requests: 100,
      requestsPerSecond: 20,
      checks: { passed: 99, failed: 1 },
      thresholds: [
        { metric: 'checks', rule: 'rate==1', value: 0.99, met: false },
        { metric: 'http_req_duration{name:create}', rule: 'p(95)<500', value: 12.3456, met: true },
        { metric: 'http_req_duration{name:create}', rule: 'p(99)<900', value: null, met: true },
      ],
      passed: false,
    });
    const text = formatLoadtest(report);
    expect(text).toMatch(/checks rate==1 +0\.99 {2}CROSSED/);
    expect(text).toMatch(/p\(95\)<500 +12\.35 {2}met/);
    expect(text).toContain('a threshold was crossed');
  });

  test('is replaced by the reason when the run was skipped', () => {
    expect(formatLoadtest({ scenario: 'smoke', skipped: 'no k6 here' })).toBe('loadtest smoke: skipped: no k6 here\n');
  });
});

test('a scope releases last-in first-out, once, and goes on past a failure', async () => {
  const stderr = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const scope = new Scope();
  const order: string[] = [];
  scope.defer(() => order.push('first'));
  scope.defer(() => {
    throw new Error('broken');
  });
  scope.defer(() => order.push('last'));
  await Promise.all([scope.close(), scope.close()]);
  expect(order).toEqual(['last', 'first']);
  expect(stderr.mock.calls.join()).toContain('broken');
  stderr.mockRestore();

  scope.defer(() => order.push('too late'));
  await scope.close();
  expect(order).toEqual(['last', 'first', 'too late']);
});
