/** What several workers say of themselves, as one server's word. */
import { AggregatorRegistry, type MetricObject } from 'prom-client';
import { type CheckResult, isServing, type Readiness } from '../readiness.js';

/** What `Registry.getMetricsAsJSON` gives. */
export type Figures = readonly (MetricObject & {
  readonly values: readonly { readonly labels: Readonly<Record<string, string | number>>; readonly value: number }[];
})[];

/** Said by every process, and one thing for the whole server: what its supervisor says of them is true. */
const OF_THE_SERVER = new Set(['lakh_build_info', 'lakh_ready', 'lakh_degraded']);

/** Of a worker that lives: its gauges are its own. */
export function figuresOfWorker(worker: number, figures: Figures): Figures {
  return figures
    .filter(({ name }) => !OF_THE_SERVER.has(name))
    .map((metric) =>
      isSummed(metric)
        ? metric
        : {
            ...metric,
            values: metric.values.map((value) => ({ ...value, labels: { ...value.labels, worker: String(worker) } })),
          },
    );
}

/** Of one that is gone: what it had counted stays counted, and nothing else of it is there any more. */
export function figuresLeftBehind(figures: Figures): Figures {
  return figures.filter(isSummed);
}

/** Sums what is counted. */
export async function sumFigures(all: readonly Figures[]): Promise<Figures> {
  return (await mergeFigures(all).getMetricsAsJSON()) as unknown as Figures;
}

/** In the text format of Prometheus. */
export function textOfFigures(all: readonly Figures[]): Promise<string> {
  return mergeFigures(all).metrics();
}

function mergeFigures(all: readonly Figures[]) {
  return AggregatorRegistry.aggregate(all as unknown as object[]);
}

/** As prom-client has it: by name for what comes from its own classes, by number in its types. */
function isSummed({ type }: { readonly type: unknown }): boolean {
  return type === 'counter' || type === 'histogram';
}

/** A worker's word; undefined: it gives none, for it is starting, or ended, or frozen. */
export interface WorkerReadiness {
  readonly worker: number;
  readonly readiness: Readiness | undefined;
}

/**
 * Ready while all workers are, degraded while one can serve. A check is as good as its best worker's where they differ, and degraded then; what
 * the supervisor looks at itself is down for the server only where its workers are.
 */
export function mergeReadiness(own: Readiness, wanted: number, workers: readonly WorkerReadiness[]): Readiness {
  const heard = workers.flatMap(({ worker, readiness }) => (readiness ? [{ worker, readiness }] : []));
  const serving = heard.filter(({ readiness }) => isServing(readiness)).length;
  const checks: Record<string, CheckResult> = {};
  for (const name of new Set(
    [...heard.map(({ readiness }) => readiness), own].flatMap(({ checks }) => Object.keys(checks)),
  )) {
    checks[name] = mergeCheck(
      own.checks[name],
      heard.flatMap(({ worker, readiness }) => {
        const result = readiness.checks[name];
        return result ? [{ worker, result }] : [];
      }),
    );
  }
  checks.workers = {
    status: serving >= wanted ? 'ok' : serving > 0 ? 'degraded' : 'down',
    detail: `${serving} of ${wanted} workers serve`,
  };
  const isWhole = Object.values(checks).every(({ status }) => status === 'ok');
  const status = own.status === 'draining' ? 'draining' : serving === 0 ? 'unready' : isWhole ? 'ready' : 'degraded';
  return { status, checks };
}

function mergeCheck(
  own: CheckResult | undefined,
  workers: readonly { readonly worker: number; readonly result: CheckResult }[],
): CheckResult {
  const all = [...(own ? [own] : []), ...workers.map(({ result }) => result)];
  const bad = all.filter(({ status }) => status !== 'ok');
  const [first] = all;
  if (bad.length === 0 && first) return own ?? first;
  const isDown = all.every(({ status }) => status === 'down');
  const ofWorkers = workers.filter(({ result }) => result.status !== 'ok');
  const details = new Set([
    ...(own && own.status !== 'ok' && own.detail !== undefined ? [own.detail] : []),
    ...(ofWorkers.length === workers.length
      ? ofWorkers.flatMap(({ result }) => result.detail ?? [])
      : ofWorkers.map(({ worker, result }) => `worker ${worker}: ${result.detail ?? result.status}`)),
  ]);
  return {
    status: isDown ? 'down' : 'degraded',
    ...(details.size > 0 && { detail: [...details].join('; ') }),
  };
}
