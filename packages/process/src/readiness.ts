/** Whether a server is worth sending requests to now, and what it is without. */
import { Gauge, type Registry } from 'prom-client';
import type { LifecycleState } from './lifecycle.js';

export interface CheckResult {
  /** `degraded`: lost, and not needed right now, or away for every server alike. `down`: requests should go to others, or nowhere. */
  readonly status: 'ok' | 'degraded' | 'down';
  readonly detail?: string;
}

export type HealthCheck = () => CheckResult | Promise<CheckResult>;

export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'unready' | 'draining';
  readonly checks: Readonly<Record<string, CheckResult>>;
}

const CHECK_DEADLINE_MS = 1000;

export const isServing = ({ status }: Readiness): boolean => status === 'ready' || status === 'degraded';

export function createReadiness(
  lifecycle: { readonly state: LifecycleState },
  checks: Readonly<Record<string, HealthCheck>>,
  deadlineMs = CHECK_DEADLINE_MS,
): () => Promise<Readiness> {
  return async () => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await runCheck(check, deadlineMs)] as const),
    );
    const statuses = results.map(([, { status }]) => status);
    const isRunning = lifecycle.state === 'running';
    const status =
      lifecycle.state === 'draining'
        ? 'draining'
        : !isRunning || statuses.includes('down')
          ? 'unready'
          : statuses.includes('degraded')
            ? 'degraded'
            : 'ready';
    return { status, checks: Object.fromEntries(results) };
  };
}

/** The metrics of it. */
export function exposeReadiness(registry: Registry, readiness: () => Promise<Readiness>): void {
  new Gauge({
    name: 'lakh_ready',
    help: '1 while this server is worth sending requests to, degraded included.',
    registers: [registry],
    async collect() {
      this.set(isServing(await readiness()) ? 1 : 0);
    },
  });
  new Gauge({
    name: 'lakh_degraded',
    help: '1 while a check is not ok.',
    labelNames: ['check'],
    registers: [registry],
    async collect() {
      const results = Object.entries((await readiness()).checks);
      for (const [check, { status }] of results) this.set({ check }, status === 'ok' ? 0 : 1);
    },
  });
}

/** A check that throws or does not answer says as much as one that answers `down`; its error stays inside. */
async function runCheck(check: HealthCheck, deadlineMs: number): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => resolve({ status: 'down', detail: `no answer within ${deadlineMs} ms` }), deadlineMs);
  });
  try {
    return await Promise.race([Promise.resolve().then(check), late]);
  } catch {
    return { status: 'down', detail: 'the check itself failed' };
  } finally {
    clearTimeout(timer);
  }
}
