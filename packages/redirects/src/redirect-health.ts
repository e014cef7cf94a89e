import type { CheckResult, HealthCheck } from '@lakh/process';

/**
 * Links can be followed while one of the sources knows them all. While one of them, or this process, knows some, a few can be. With none of it, another
 * server may be better off, and asking this one is no use. Each source's own check says what is wrong with it.
 */
export function createRedirectHealth(sources: readonly HealthCheck[], holdsSome: () => boolean): HealthCheck {
  return async (): Promise<CheckResult> => {
    const statuses = (await Promise.all(sources.map(async (check) => check()))).map(({ status }) => status);
    if (statuses.includes('ok')) return { status: 'ok' };
    return statuses.includes('degraded') || holdsSome()
      ? { status: 'degraded', detail: 'only what caches and replicas happen to hold can be followed' }
      : { status: 'down', detail: 'nothing that knows links can be asked' };
  };
}
