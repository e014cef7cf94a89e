import { isAlive, launchersOf } from '../stack/processes.js';

/** npm passes on the Ctrl-C that its child has heard from the terminal too: one key press, two signals. */
const ECHO_MS = 150;
const LAUNCHER_POLL_MS = 250;
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
  const launchers = options.watchLauncher ? launchersOf(process.pid) : [];
  const timer = setInterval(() => {
    if (!launchers.every(isAlive)) stop.abort();
  }, LAUNCHER_POLL_MS);
  timer.unref();
  return {
    stop: stop.signal,
    hurry: hurry.signal,
    dispose() {
      clearInterval(timer);
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
