import { setTimeout as sleep } from 'node:timers/promises';

const ASK_EVERY_MS = 50;

/** What had to come true did not, within a bound that is far above what it takes. */
export class NotInTimeError extends Error {}

/** Waits for a condition; false when it has not come true within `deadlineMs`, or `signal` was aborted. */
export async function comesTrue(
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    signal?.throwIfAborted();
    if (performance.now() > deadline) return false;
    await sleep(ASK_EVERY_MS);
  }
  return true;
}

/** Waits for a condition that has to come true. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs: number,
  signal?: AbortSignal,
): Promise<void> {
  if (await comesTrue(condition, deadlineMs, signal)) return;
  throw new NotInTimeError(`not within ${deadlineMs / 1000} s: ${what}`);
}
