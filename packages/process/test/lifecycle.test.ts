import { EventEmitter } from 'node:events';
import { until } from '@lakh/testkit';
import { createLifecycle, type LifecycleOptions } from '../src/index.js';

function made(options: Partial<LifecycleOptions> = {}) {
  const events = new EventEmitter();
  const codes: number[] = [];
  const lines: string[] = [];
  const write = (_fields: unknown, message?: string): void => void lines.push(String(message));
  const log = { info: write, warn: write, error: write, fatal: write } as unknown as LifecycleOptions['log'];
  const exit = (code: number): void => void codes.push(code);
  const lifecycle = createLifecycle({ log, drainTimeoutMs: 1000, exit, events, ...options });
  return { lifecycle, events, codes, lines };
}

describe('a process', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('runs, drains on %s in reverse order, and exits 0', async (signal) => {
    const { lifecycle, events, codes } = made();
    const order: string[] = [];
    expect(lifecycle.state).toBe('starting');
    const main = lifecycle.main(async () => {
      lifecycle.onStop('store', async () => void order.push(`store while ${lifecycle.state}`));
      lifecycle.onStop('server', () => void order.push('server'));
    });
    await until(() => lifecycle.state === 'running');
    expect(lifecycle.signal.aborted).toBe(false);
    events.emit(signal);
    expect(lifecycle.state).toBe('draining');
    expect(lifecycle.signal.aborted).toBe(true);
    await main;
    expect(order).toEqual(['server', 'store while draining']);
    expect(lifecycle.state).toBe('stopped');
    expect(codes).toEqual([0]);
    expect(events.eventNames()).toEqual([]);
  });

  test('exits 1 when a releaser fails or hangs, after trying all of them', async () => {
    const { lifecycle, events, codes, lines } = made();
    const released: string[] = [];
    const main = lifecycle.main(async () => {
      lifecycle.onStop('first', () => void released.push('first'));
      lifecycle.onStop('hangs', () => new Promise(() => {}), { timeoutMs: 10 });
      lifecycle.onStop('throws', () => {
        throw new Error('cannot');
      });
    });
    await until(() => lifecycle.state === 'running');
    events.emit('SIGINT');
    await main;
    expect(released).toEqual(['first']);
    expect(lines.filter((line) => line === 'a releaser failed')).toHaveLength(2);
    expect(codes).toEqual([1]);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ])('exits at once on a second signal (%s: %s)', async (signal, code) => {
    const { lifecycle, events, codes } = made();
    const main = lifecycle.main(async () => lifecycle.onStop('hangs', () => new Promise(() => {}), { timeoutMs: 50 }));
    await until(() => lifecycle.state === 'running');
    events.emit('SIGTERM');
    events.emit(signal);
    expect(codes).toEqual([code]);
    await main;
  });

  test('takes the echo of a signal that npm passes on for the same one', async () => {
    const { lifecycle, events, codes } = made({ startedByNpm: true, launcher: { isAlive: () => true } });
    const main = lifecycle.main(async () => {});
    await until(() => lifecycle.state === 'running');
    events.emit('SIGINT');
    events.emit('SIGINT');
    await main;
    expect(codes).toEqual([0]);
  });

  test('drains when its launcher dies', async () => {
    let alive = true;
    const { lifecycle, codes, lines } = made({ launcher: { isAlive: () => alive } });
    const main = lifecycle.main(async () => {});
    await until(() => lifecycle.state === 'running');
    // The poll keeps no process alive; here the test's own polling does.
    alive = false;
    await until(() => codes.length > 0);
    await main;
    expect(codes).toEqual([0]);
    expect(lines).toContain('draining');
  });

  test.each(['uncaughtException', 'unhandledRejection'])('fails on %s without draining', async (event) => {
    const { lifecycle, events, codes, lines } = made();
    const released: string[] = [];
    const main = lifecycle.main(async () => lifecycle.onStop('remainder', () => void released.push('published')));
    await until(() => lifecycle.state === 'running');
    events.emit(event, new Error('a bug'));
    await main;
    expect(codes).toEqual([1]);
    expect(released).toEqual([]);
    expect(lifecycle.state).toBe('failed');
    expect(lines).toHaveLength(1);
  });

  test('that cannot start fails with the reason', async () => {
    const { lifecycle, codes, lines } = made();
    await lifecycle.main(() => Promise.reject(new Error('no database')));
    expect(codes).toEqual([1]);
    expect(lines).toEqual(['the start failed']);
  });

  test('told to stop while starting closes what is open, and what is opened too late', async () => {
    const { lifecycle, events, codes } = made();
    const released: string[] = [];
    let proceed: () => void = () => {};
    const main = lifecycle.main(async () => {
      lifecycle.onStop('early', () => void released.push('early'));
      await new Promise<void>((resolve) => {
        proceed = resolve;
      });
      lifecycle.onStop('late', () => void released.push('late'));
      throw new Error('interrupted');
    });
    await until(() => events.listenerCount('SIGTERM') === 1);
    events.emit('SIGTERM');
    await until(() => codes.length === 1);
    proceed();
    await main;
    await until(() => released.length === 2);
    expect(released).toEqual(['early', 'late']);
    expect(codes).toEqual([0]);
    expect(lifecycle.state).toBe('stopped');
  });
});
