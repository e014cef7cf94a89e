import { columns } from '@lakh/base';

/** The part of k6's end-of-test summary (its `handleSummary` data) that is read here. */
export interface K6Summary {
  readonly state: { readonly testRunDurationMs: number };
  readonly metrics: Readonly<Record<string, K6Metric>>;
}

interface K6Metric {
  readonly type: 'counter' | 'gauge' | 'rate' | 'trend';
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

/** The answer of `npm run loadtest`; `--json` prints exactly this. Fields are only ever added. */
export type LoadtestReport =
  | { readonly scenario: string; readonly skipped: string }
  | {
      readonly scenario: string;
      readonly target: string;
      readonly durationMs: number;
      readonly requests: number;
      readonly requestsPerSecond: number;
      readonly checks: { readonly passed: number; readonly failed: number };
      readonly thresholds: readonly Threshold[];
      readonly passed: boolean;
    };

export interface Threshold {
  readonly metric: string;
  readonly rule: string;
  /** What the rule speaks of, where the summary has it: milliseconds, a share or a count. */
  readonly value: number | null;
  readonly met: boolean;
}

export function readSummary(scenario: string, target: string, summary: K6Summary): LoadtestReport {
  const { metrics, state } = summary;
  const thresholds = Object.entries(metrics).flatMap(([metric, { thresholds: rules = {}, values }]) =>
    Object.entries(rules).map(([rule, { ok }]): Threshold => {
      const statistic = /^\s*(p\(\d+(?:\.\d+)?\)|[a-z]+)/.exec(rule)?.[1] ?? '';
      return { metric, rule, value: values[statistic] ?? null, met: ok };
    }),
  );
  const requests = metrics.http_reqs?.values ?? {};
  const checks = metrics.checks?.values ?? {};
  return {
    scenario,
    target,
    durationMs: Math.round(state.testRunDurationMs),
    requests: requests.count ?? 0,
    requestsPerSecond: requests.rate ?? 0,
    checks: { passed: checks.passes ?? 0, failed: checks.fails ?? 0 },
    thresholds,
    passed: thresholds.every((threshold) => threshold.met),
  };
}

export function formatLoadtest(report: LoadtestReport): string {
  if ('skipped' in report) return `loadtest ${report.scenario}: skipped: ${report.skipped}\n`;
  const { scenario, target, durationMs, requests, requestsPerSecond, checks, thresholds, passed } = report;
  const values = thresholds.map(({ value }) => (value === null ? '' : String(Number(value.toPrecision(4)))));
  const widest = Math.max(...values.map((value) => value.length));
  const rows = thresholds.map(({ metric, rule, met }, index) => [
    `  ${metric} ${rule}`,
    (values[index] as string).padStart(widest),
    met ? 'met' : 'CROSSED',
  ]);
  return [
    `loadtest ${scenario} against ${target}: ${(durationMs / 1000).toFixed(1)} s, ${requests} requests ` +
      `(${Math.round(requestsPerSecond)}/s), checks: ${checks.passed} passed, ${checks.failed} failed`,
    ...columns(rows),
    passed ? 'every threshold met' : 'a threshold was crossed',
    '',
  ].join('\n');
}
