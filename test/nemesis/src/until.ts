import { setTimeout as sleep } from 'node:timers/promises';

const ASK_EVERY_MS = 50;

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
