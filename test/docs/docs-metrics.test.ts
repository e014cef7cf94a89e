import { spawnSync } from 'node:child_process';
import { countReplays } from '@lakh/api';
import { createConnectionMetrics, createHttpMetrics, createRateLimits } from '@lakh/http';
import { OwnHosts } from '@lakh/links';
import { createAdminServer, createMetrics } from '@lakh/process';
import { createRedirects } from '@lakh/redirects';
import { MemoryLinkStore } from '@lakh/testkit';
import { observeCopy } from '../../packages/backend/src/cluster/copy-metrics.js';
import { createMysqlObserver, exposeDatabase } from '../../packages/backend/src/cluster/mysql-metrics.js';
import { createRedisObserver } from '../../packages/backend/src/cluster/redis-metrics.js';
import { createZookeeperObserver } from '../../packages/backend/src/cluster/zookeeper-metrics.js';
import { createEventMetrics, exposeFigures } from '../../packages/issuing/src/metrics.js';
import { registerWorkerMetrics } from '../../packages/process/src/workers/worker-metrics.js';
import { read, sources, tableRows, ticked } from './support.js';

const PAGE = 'docs/reference/metrics.md';

const figures = () => ({
  state: 'ready' as const,
  heldIds: 1,
  heldRanges: 1,
  runwayS: 1,
  burnPerS: 1,
  issuedIds: 1,
  leasedRanges: 1,
  waiting: 0,
  leasing: false,
  sourceOk: true,
  lastErrorCode: null,
  lastErrorMessage: null,
  spaceLeft: 1,
});

/** Everything that any program registers, in one registry. */
async function registered() {
  const { registry, stop } = createMetrics({ program: 'docs', version: '0' });
  try {
    createAdminServer({ own: {}, registry, lifecycle: { state: 'running' }, checks: {} });
    registerWorkerMetrics(registry, { fleet: { members: [] }, dealer: { waiting: 0 }, count: 1 });
    exposeFigures(registry, figures);
    createEventMetrics(registry);
    countReplays(registry);
    createConnectionMetrics(registry);
    const metrics = createHttpMetrics(registry, ['redirect']);
    metrics.observe('redirect', 301, 0.001);
    createRedirects({
      store: new MemoryLinkStore(),
      ownHosts: new OwnHosts([]),
      settings: { redirectStatus: 301, redirectMaxAgeS: 90, l1TtlMs: 5000, l1MaxBytes: 1_000_000 },
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      hasJustWritten: () => false,
      registry,
      metrics,
      onError: () => {},
      limits: createRateLimits({
        changesPerMin: 1e9,
        missesPerMin: 1e9,
        wrongTokensPerMin: 1e9,
        clientOf: () => '',
        registry,
      }),
    });
    // Neither logs anything here.
    createMysqlObserver(registry, undefined as never, new Map());
    const redisObserver = createRedisObserver(registry);
    redisObserver.hearing(false);
    observeCopy({ log: undefined as never, registry }, redisObserver, () => 0);
    exposeDatabase(registry, { queued: { insert: 0, insert_alias: 0, find: 0 } }, { lags: () => new Map() });
    createZookeeperObserver(registry);
    const labels = new Map(
      registry.getMetricsAsArray().map((metric) => [metric.name, (metric as { labelNames?: string[] }).labelNames]),
    );
    const json = await registry.getMetricsAsJSON();
    const metricsOf = json.map(({ name, type, values }) => {
      const fromValues = Object.keys(values[0]?.labels ?? {}).filter((label) => label !== 'le');
      return { name, type: String(type), labels: [...(labels.get(name) ?? fromValues)].sort() };
    });
    return { metrics: metricsOf, text: await registry.metrics() };
  } finally {
    stop();
  }
}

describe('the list of metrics', () => {
  const documented = tableRows(read(PAGE)).map(
    ([name, type, labels]) => `${ticked(name)[0]} ${type} ${ticked(labels).sort().join(',')}`,
  );

  test('is what the programs register: names, types and labels', async () => {
    const { metrics } = await registered();
    const found = metrics.map(({ name, type, labels }) => `${name} ${type} ${labels.join(',')}`);
    expect(documented.sort()).toEqual(found.sort());
  });

  test('is what `promtool check metrics` has nothing to say of: its rules, and itself where it is there', async () => {
    const { metrics, text } = await registered();
    const broken = metrics.filter(
      ({ name, type, labels }) =>
        /_(counter|gauge|histogram|summary|untyped)(_|$)/.test(name) ||
        (type === 'counter') !== name.endsWith('_total') ||
        /_(count|sum|bucket)$/.test(name) ||
        /_(ms|s|sec|secs|milliseconds|minutes|hours|kb|mb|bits|percent)(_|$)/.test(name) ||
        /[^a-z0-9_]/.test(name) ||
        labels.some((label) => label === 'quantile' || label === 'le' || /[^a-z_]/.test(label)),
    );
    expect(broken).toEqual([]);
    expect(metrics.filter(({ name }) => !text.includes(`# HELP ${name} `))).toEqual([]);
    const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text });
    if (error === undefined) expect([status, `${stdout}${stderr}`]).toEqual([0, '']);
  });

  test('has every name that a source registers', () => {
    const named = sources()
      .filter((file) => /^(packages|services)\//.test(file))
      .flatMap((file) => [...read(file).matchAll(/'(lakh_[a-z0-9_]+)'/g)].map((m) => m[1] as string));
    const known = new Set(documented.map((row) => row.split(' ')[0]));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test('is all that other pages speak of', () => {
    const known = new Set(documented.map((row) => row.split(' ')[0]));
    for (const page of ['README.md', 'docs/architecture.md', 'docs/reference/errors.md', PAGE]) {
      const spoken = [...read(page).matchAll(/\blakh_[a-z0-9_]+/g)].map(([name]) => name);
      expect(spoken.filter((name) => !known.has(name))).toEqual([]);
    }
  });
});
