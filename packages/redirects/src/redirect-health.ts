import type { CheckResult, HealthCheck } from '@lakh/process';

/**
 * Links can be followed while one of the sources is well, or this process still holds some. With neither, another server may be better off, and
 * asking this one is no use. Each source's own check says what is wrong with it.
 */
export function createRedirectHealth(sources: readonly HealthCheck[], holdsSome: () => boolean): HealthCheck {
  return async (): Promise<CheckResult> => {
    const results = await Promise.all(sources.map(async (check) => check()));
    if (results.some(({ status }) => status === 'ok')) return { status: 'ok' };
    return holdsSome()
      ? { status: 'degraded', detail: 'only what this process holds can be followed' }
      : { status: 'down', detail: 'nothing that knows links can be asked' };
  };
}
