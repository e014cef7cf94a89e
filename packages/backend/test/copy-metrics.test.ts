import type { Logger } from '@lakh/process';
import { Registry } from 'prom-client';
import { observeCopy } from '../src/cluster/copy-metrics.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('what fails beside what works is told once, and that it works again once nothing has failed for a while', () => {
  const told: string[] = [];
  const log = { info: () => told.push('well'), warn: () => told.push('failing') } as unknown as Logger;
  const observer = observeCopy({ log, registry: new Registry() }, { fill() {}, read() {} }, () => 0);
  for (let passed = 0; passed < 60_000; passed += 250) {
    observer.round?.('failed', 0);
    observer.failed?.(new Error('OOM'));
    observer.round?.('advanced', 0);
    jest.advanceTimersByTime(250);
  }
  expect(told).toEqual(['failing']);
  jest.advanceTimersByTime(5_000);
  observer.round?.('advanced', 0);
  observer.round?.('advanced', 0);
  expect(told).toEqual(['failing', 'well']);
});
