import { listen } from '@lakh/http';
import { Registry } from 'prom-client';
import { type CheckResult, createAdminServer, type LifecycleState } from '../src/index.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function made(checks: Record<string, () => CheckResult | Promise<CheckResult>> = {}) {
  const lifecycle: { state: LifecycleState } = { state: 'running' };
  const admin = createAdminServer({ own: {}, registry: new Registry(), lifecycle, checks, checkDeadlineMs: 20 });
  const { url } = await listen(admin, { host: '127.0.0.1', port: 0 });
  closers.push(() => admin.drain(0));
  return { lifecycle, ask: (path: string, init?: RequestInit) => fetch(url + path, init) };
}

describe('readiness', () => {
  test.each([
    [{}, 200, 'ready'],
    [{ ids: 'ok' }, 200, 'ready'],
    [{ ids: 'ok', redis: 'degraded' }, 200, 'degraded'],
    [{ ids: 'down', redis: 'degraded' }, 503, 'unready'],
  ] as const)('with %j is %s %s', async (statuses, code, status) => {
    const checks = Object.entries(statuses).map(([name, state]) => [
      name,
      () => ({ status: state, detail: `is ${state}` }),
    ]);
    const { ask } = await made(Object.fromEntries(checks));
    const response = await ask('/healthz/ready');
    expect(response.status).toBe(code);
    const expected = Object.entries(statuses).map(([name, state]) => [name, { status: state, detail: `is ${state}` }]);
    expect(await response.json()).toEqual({ status, checks: Object.fromEntries(expected) });
  });

  test.each([
    ['starting', 'unready'],
    ['draining', 'draining'],
    ['stopped', 'unready'],
  ] as const)('while %s is 503 %s, and the process is alive', async (state, status) => {
    const { ask, lifecycle } = await made({ ids: () => ({ status: 'ok' }) });
    lifecycle.state = state;
    const response = await ask('/healthz/ready');
    expect([response.status, (await response.json()).status]).toEqual([503, status]);
    expect((await ask('/healthz/live')).status).toBe(200);
  });

  test('a check that hangs or throws is down, and its words stay inside', async () => {
    const { ask } = await made({
      hangs: () => new Promise(() => {}),
      throws: () => Promise.reject(new Error('inner words')),
    });
    const response = await ask('/healthz/ready');
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: 'unready',
      checks: {
        hangs: { status: 'down', detail: 'no answer within 20 ms' },
        throws: { status: 'down', detail: 'the check itself failed' },
      },
    });
  });

  test('is in the metrics too', async () => {
    const { ask, lifecycle } = await made({ redis: () => ({ status: 'degraded' }), ids: () => ({ status: 'ok' }) });
    const scrape = async () => (await ask('/metrics')).text();
    expect(await scrape()).toMatch(/^lakh_ready 1$/m);
    expect(await scrape()).toMatch(/^lakh_degraded\{check="redis"\} 1$/m);
    expect(await scrape()).toMatch(/^lakh_degraded\{check="ids"\} 0$/m);
    lifecycle.state = 'draining';
    expect(await scrape()).toMatch(/^lakh_ready 0$/m);
  });
});

describe('the admin listener', () => {
  test('serves metrics as Prometheus reads them', async () => {
    const { ask } = await made();
    const response = await ask('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    // A page of another site cannot have a browser take them for a script or a style.
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });

  test('answers HEAD without a body, and a query changes nothing', async () => {
    const { ask } = await made();
    const response = await ask('/healthz/live?probe=1', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  test('has nothing else', async () => {
    const { ask } = await made();
    for (const path of ['/', '/healthz', '/healthz/ready/', '/metrics/x']) {
      const response = await ask(path);
      expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
    }
    const response = await ask('/metrics', { method: 'POST' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});
