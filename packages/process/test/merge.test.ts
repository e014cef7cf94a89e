import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Readiness } from '../src/readiness.js';
import {
  type Figures,
  figuresLeftBehind,
  figuresOfWorker,
  mergeReadiness,
  sumFigures,
  textOfFigures,
} from '../src/workers/merge.js';

async function figures(count: number, gauge: number): Promise<Figures> {
  const registers = [new Registry()];
  new Counter({ name: 'lakh_a_total', help: 'a', labelNames: ['kind'], registers }).inc({ kind: 'x' }, count);
  const histogram = new Histogram({ name: 'lakh_b_seconds', help: 'b', buckets: [1, 2], registers });
  for (let i = 0; i < count; i += 1) histogram.observe(1.5);
  new Gauge({ name: 'lakh_c', help: 'c', registers }).set(gauge);
  new Gauge({ name: 'lakh_ready', help: 'd', registers }).set(1);
  return (await registers[0]?.getMetricsAsJSON()) as unknown as Figures;
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('the metrics of workers', () => {
  test('are summed where they count, and labelled where they do not; those that are gone still count', async () => {
    const gone = await sumFigures([figuresLeftBehind(await figures(1, 9)), figuresLeftBehind(await figures(1, 9))]);
    const all = [gone, figuresOfWorker(1, await figures(2, 5)), figuresOfWorker(2, await figures(3, Infinity))];
    expect(lines(await textOfFigures(all))).toEqual([
      'lakh_a_total{kind="x"} 7',
      'lakh_b_seconds_bucket{le="1"} 0',
      'lakh_b_seconds_bucket{le="2"} 7',
      'lakh_b_seconds_bucket{le="+Inf"} 7',
      'lakh_b_seconds_sum 10.5',
      'lakh_b_seconds_count 7',
      'lakh_c{worker="1"} 5',
      'lakh_c{worker="2"} +Inf',
    ]);
  });

  test('of no worker are none', async () => {
    expect(lines(await textOfFigures([await sumFigures([])]))).toEqual([]);
  });
});

describe('the readiness of workers', () => {
  const own = (status: Readiness['status'], checks: Readiness['checks'] = {}): Readiness => ({ status, checks });
  const ready = own('ready', { database: { status: 'ok' } });
  const down = own('unready', { database: { status: 'down', detail: 'away' } });
  const merged = (supervisor: Readiness, ...workers: (Readiness | undefined)[]) =>
    mergeReadiness(
      supervisor,
      2,
      workers.map((readiness, index) => ({ worker: index + 1, readiness })),
    );

  test('is all of theirs', () => {
    expect(merged(own('ready'), ready, ready)).toEqual({
      status: 'ready',
      checks: { database: { status: 'ok' }, workers: { status: 'ok', detail: '2 of 2 workers serve' } },
    });
  });

  test.each([
    ['one is down', [ready, down], { status: 'degraded', detail: 'worker 2: away' }, 1],
    ['one says nothing', [ready, undefined], { status: 'ok' }, 1],
    ['one is not there', [ready], { status: 'ok' }, 1],
    [
      'both are degraded',
      [
        own('degraded', { database: { status: 'degraded', detail: 'slow' } }),
        own('degraded', { database: { status: 'degraded', detail: 'slow' } }),
      ],
      { status: 'degraded', detail: 'slow' },
      2,
    ],
  ] as const)('is degraded while %s', (_, workers, database, serving) => {
    const { status, checks } = merged(own('ready'), ...workers);
    expect(status).toBe('degraded');
    expect(checks.database).toEqual(database);
    expect(checks.workers?.detail).toBe(`${serving} of 2 workers serve`);
  });

  test('is none when none can serve', () => {
    const { status, checks } = merged(own('ready'), down, down);
    expect(status).toBe('unready');
    expect(checks).toEqual({
      database: { status: 'down', detail: 'away' },
      workers: { status: 'down', detail: '0 of 2 workers serve' },
    });
  });

  test('is not ended by what only the supervisor lacks', () => {
    const ids: Readiness['checks'] = { ids: { status: 'ok', detail: '5 ids held' } };
    const supervisor = own('unready', { ids: { status: 'down', detail: 'exhausted' } });
    const { status, checks } = merged(supervisor, own('ready', ids), own('ready', ids));
    expect([status, checks.ids]).toEqual(['degraded', { status: 'degraded', detail: 'exhausted' }]);
  });

  test('is drained when the supervisor drains', () => {
    expect(merged(own('draining'), ready, ready).status).toBe('draining');
  });
});
