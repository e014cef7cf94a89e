import { systemClock } from '@lakh/id-range';

test('runs once, not before its time', async () => {
  const startedMs = systemClock.monotonicMs();
  await new Promise<void>((resolve) => {
    systemClock.schedule(20, resolve);
  });
  // A timer of Node may fire up to a millisecond early by another clock.
  expect(systemClock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(19);
});

test('does not run what was taken back', async () => {
  let ran = false;
  systemClock.schedule(1, () => {
    ran = true;
  })();
  await new Promise<void>((resolve) => {
    systemClock.schedule(20, resolve);
  });
  expect(ran).toBe(false);
});

test('tells the time of day in Unix milliseconds', () => {
  expect(Math.abs(systemClock.wallMs() - Date.now())).toBeLessThan(1000);
});

test('keeps no process alive', () => {
  const waiting = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const before = waiting();
  const cancel = systemClock.schedule(60_000, () => {});
  expect(waiting()).toBe(before);
  cancel();
});
