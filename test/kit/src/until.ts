import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits for what is expected to come true; asks often.
 *
 * @throws Error when it has not: a loop that went on behind a test that has failed would keep its process for ever
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = String(condition),
  limitMs = 30_000,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(5);
  }
}
