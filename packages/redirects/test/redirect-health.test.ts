import type { CheckResult } from '@lakh/process';
import { createRedirectHealth } from '../src/redirect-health';

const says = (status: CheckResult['status']) => () => ({ status });

describe('whether links can be followed', () => {
  test.each([
    ['yes while one of the places where they are looked up is well', ['degraded', 'ok'], false, 'ok'],
    ['less and less while what this process holds is all there is', ['degraded', 'degraded'], true, 'degraded'],
    ['no without either', ['degraded', 'degraded'], false, 'down'],
    ['no without the only place there is', ['degraded'], false, 'down'],
  ] as const)('%s', async (_, sources, holdsSome, status) => {
    const health = createRedirectHealth(sources.map(says), () => holdsSome);
    expect(await health()).toMatchObject({ status });
  });
});
