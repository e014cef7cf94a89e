import { createHttpMetrics, LATENCY_BUCKETS_S } from '@lakh/http';
import { Registry } from 'prom-client';
import { createMetrics } from '../src/index.js';

const lineOf = (text: string, start: string): string | undefined =>
  text.split('\n').find((line) => line.startsWith(start));

describe('a program’s metrics', () => {
  test('say what runs and how it does, in a registry of their own', async () => {
    const metrics = createMetrics({ program: 'redirect', version: '1.2.3' });
    const other = createMetrics({ program: 'shorten', version: '1.2.3' });
    const text = await metrics.registry.metrics();
    expect(lineOf(text, 'lakh_build_info')).toMatch(/\{program="redirect",version="1\.2\.3",node="[^"]+"\} 1$/);
    for (const statistic of ['p50', 'p99', 'max']) {
      expect(lineOf(text, `lakh_event_loop_delay_seconds{statistic="${statistic}"}`)).toBeDefined();
    }
    for (const name of ['cpu_seconds_total', 'resident_memory_bytes', 'heap_bytes', 'start_time_seconds']) {
      expect(Number(lineOf(text, `lakh_process_${name} `)?.split(' ')[1])).toBeGreaterThan(0);
    }
    for (const line of text.split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) )?lakh_|^$/);
    metrics.stop();
    other.stop();
  });

  test('CPU time is counted once however often it is scraped', async () => {
    const { registry, stop } = createMetrics({ program: 'redirect', version: '1' });
    const scrape = async () =>
      Number(lineOf(await registry.metrics(), 'lakh_process_cpu_seconds_total ')?.split(' ')[1]);
    await scrape();
    const before = process.cpuUsage();
    const seen = await scrape();
    expect(seen).toBeGreaterThanOrEqual((before.user + before.system) / 1e6);
    expect(seen).toBeLessThan((before.user + before.system) / 1e6 + 5);
    stop();
  });
});

describe('HTTP metrics', () => {
  function made() {
    const registry = new Registry();
    return { registry, http: createHttpMetrics(registry, ['redirect', 'other']) };
  }

  test('count by route and status, and nothing that never happened', async () => {
    const { registry, http } = made();
    const hit = http.slot('redirect', 301);
    http.record(hit, 0.00002);
    http.record(hit, 0.00002);
    http.observe('other', 404, 0.2);
    const text = await registry.metrics();
    expect(text.match(/^lakh_http_requests_total\{.*$/gm)?.sort()).toEqual([
      'lakh_http_requests_total{route="other",status="404"} 1',
      'lakh_http_requests_total{route="redirect",status="301"} 2',
    ]);
    expect(await registry.metrics()).toBe(text);
  });

  test('give a cumulative histogram; a value on a bound belongs to it', async () => {
    const { registry, http } = made();
    for (const durationS of [0, 0.00005, 0.00006, 5, 5.5]) http.observe('redirect', 301, durationS);
    const text = await registry.metrics();
    expect(text).toContain('# TYPE lakh_http_request_duration_seconds histogram');
    const bucket = (le: string) =>
      Number(lineOf(text, `lakh_http_request_duration_seconds_bucket{route="redirect",le="${le}"}`)?.split(' ')[1]);
    expect([bucket('0.00005'), bucket('0.0001'), bucket('2.5'), bucket('5'), bucket('+Inf')]).toEqual([2, 3, 3, 4, 5]);
    expect(lineOf(text, 'lakh_http_request_duration_seconds_count{route="redirect"}')).toMatch(/ 5$/);
    expect(lineOf(text, 'lakh_http_request_duration_seconds_sum{route="redirect"}')).toMatch(/ 10\.50011$/);
    expect(text).not.toContain('duration_seconds_count{route="other"}');
    expect(LATENCY_BUCKETS_S).toEqual([...LATENCY_BUCKETS_S].sort((a, b) => a - b));
  });

  test('refuse a route or a status that cannot be', () => {
    const { http } = made();
    expect(() => http.slot('redirect', 99)).toThrow(RangeError);
    expect(() => http.slot('redirect', 600)).toThrow(RangeError);
    expect(() => http.slot('secret' as 'other', 200)).toThrow(RangeError);
  });

  test('cost a small part of a microsecond a request', () => {
    const { http } = made();
    const hit = http.slot('redirect', 301);
    const calls = 200_000;
    let bestNs = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 10; round++) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < calls; i++) http.record(hit, 0.00003 + (i & 1023) * 1e-6);
      bestNs = Math.min(bestNs, Number(process.hrtime.bigint() - start) / calls);
    }
    expect(bestNs).toBeLessThan(500);
  });
});
