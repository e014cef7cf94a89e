import type { CheckResult } from '@lakh/process';
import { createRedirectHealth } from '../src/redirect-health';

const says = (status: CheckResult['status']) => () => ({ status });

describe('whether links can be followed', () => {
  test.each([
    ['yes while one place that knows all of them is well', ['ok', 'down'], false, 'ok'],
    [
      'some, where only a copy that has a part of them is there, whatever it has',
      ['down', 'degraded'],
      false,
      'degraded',
    ],
    ['some, while what this process holds is all there is', ['down', 'down'], true, 'degraded'],
    ['no without either', ['down', 'down'], false, 'down'],
    ['no without the only place there is', ['down'], false, 'down'],
  ] as const)('%s', async (_, sources, holdsSome, status) => {
    const health = createRedirectHealth(sources.map(says), () => holdsSome);
    expect(await health()).toMatchObject({ status });
  });
});
