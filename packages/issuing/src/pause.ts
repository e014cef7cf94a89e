import type { Clock, RangeAllocator } from '@lakh/id-range';

const ATTEMPT_POLL_MS = 5;

export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(ms, resolve);
  });
}

/** Resolves when something is held, or an attempt to lease has failed and there is something to say, or after a stop. */
export async function untilAttempted(allocator: RangeAllocator, clock: Clock, isStopped: () => boolean): Promise<void> {
  for (;;) {
    const { state, sourceOk } = allocator.snapshot();
    if (isStopped() || state !== 'starting' || !sourceOk) return;
    await pause(clock, ATTEMPT_POLL_MS);
  }
}
