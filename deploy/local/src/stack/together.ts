import { InterruptedError } from '../errors.js';
import type { Session } from './session.js';
import type { ProcessRecord } from './state.js';

type Start = (record: ProcessRecord, then?: () => Promise<void>) => void;

/** Starts servers side by side; the first that fails ends the wait for the others, and all have been waited for afterwards. */
export async function together(
  signal: AbortSignal | undefined,
  choose: (start: Start) => void | Promise<void>,
  session: Session,
): Promise<void> {
  const failure = new AbortController();
  const either = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal]);
  const runs: Promise<void>[] = [];
  let first: unknown;
  await choose((record, then) => {
    const run = async (): Promise<void> => {
      const started = performance.now();
      const ready = await session.spawn(record.name);
      await ready(either);
      await then?.();
      session.report(`${record.name} is ready (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    };
    runs.push(
      run().catch((error: unknown) => {
        first ??= error;
        failure.abort(error);
      }),
    );
  });
  await Promise.all(runs);
  throwIfInterrupted(signal);
  if (first !== undefined) throw first;
}

export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError('interrupted while starting');
}
