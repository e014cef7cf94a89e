import { InterruptedError } from '../errors.js';
import type { Session } from './session.js';
import type { ProcessRecord } from './state.js';

/** A server to start, and what to do once it answers. */
export interface StartStep {
  readonly record: ProcessRecord;
  readonly whenReady?: (signal: AbortSignal) => Promise<void>;
}

/**
 * Starts servers side by side. The first that fails, or the caller's signal, ends the wait for the others; when this settles,
 * nothing of it is still under way.
 */
export async function together(session: Session, steps: readonly StartStep[], signal?: AbortSignal): Promise<void> {
  const failure = new AbortController();
  const either = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
  let first: unknown;
  await Promise.all(
    steps.map(async ({ record, whenReady }) => {
      const started = performance.now();
      try {
        const ready = await session.spawn(record.name);
        await ready(either);
        await whenReady?.(either);
        session.report(`${record.name} is ready (${((performance.now() - started) / 1000).toFixed(1)} s)`);
      } catch (error) {
        first ??= error;
        failure.abort(error);
      }
    }),
  );
  throwIfInterrupted(signal);
  if (first !== undefined) throw first;
}

export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError('interrupted while starting');
}
