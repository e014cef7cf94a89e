import { describeLauncher, watchLauncher } from '@lakh/process';

/** npm passes on the Ctrl-C that its child has heard from the terminal too: one key press, two signals. */
const ECHO_MS = 150;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interruption {
  /** Aborted by the first signal, or when npm, which launched this, is gone. */
  readonly stop: AbortSignal;
  /** Aborted by the second signal. */
  readonly hurry: AbortSignal;
  /** Back to the signals' defaults. */
  dispose(): void;
}

/** From here on a signal is a request. `watchLauncher`: npm's death is one too (it hides a SIGTERM sent to it). */
export function watchInterruption(options: { readonly watchLauncher: boolean }): Interruption {
  const stop = new AbortController();
  const hurry = new AbortController();
  let firstAt: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      stop.abort();
    } else if (now - firstAt > ECHO_MS) hurry.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const launcher = options.watchLauncher ? describeLauncher() : undefined;
  const unwatch = launcher && watchLauncher(launcher, () => stop.abort());
  return {
    stop: stop.signal,
    hurry: hurry.signal,
    dispose() {
      unwatch?.();
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
