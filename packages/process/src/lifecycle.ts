/**
 * The life of a process: starting → running → draining → stopped, or → failed from anywhere but stopped.
 *
 * A start registers what it opened with {@link Lifecycle.onStop}; a stop releases it in reverse order, so that a server stops
 * answering before the store it asks is closed. Every releaser has its own limit: one that hangs delays the next, and does not
 * take its place. The exit code is 0 only if every releaser finished. A second signal exits at once.
 */
import type { Logger } from 'pino';
import { describeLauncher, type Launcher, watchLauncher } from './launcher.js';

export type LifecycleState = 'starting' | 'running' | 'draining' | 'stopped' | 'failed';

const transitions: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  starting: ['running', 'draining', 'failed'],
  running: ['draining', 'failed'],
  draining: ['stopped', 'failed'],
  stopped: [],
  failed: [],
};

/** The part of `process` that a lifecycle listens to. */
export type ProcessEvents = Pick<NodeJS.EventEmitter, 'on' | 'off'>;

export interface LifecycleOptions {
  readonly log: Pick<Logger, 'info' | 'warn' | 'error' | 'fatal'>;
  /** Limit of a releaser that names none of its own. */
  readonly drainTimeoutMs: number;
  /** `process.exit`. */
  readonly exit: (code: number) => void;
  /** `process`, unless a test brings its own. */
  readonly events?: ProcessEvents;
  /** `npm_lifecycle_event` of the environment is set: drain when npm dies. */
  readonly startedByNpm?: boolean;
  /** For tests; otherwise found by {@link describeLauncher} when `startedByNpm`. */
  readonly launcher?: Launcher;
}

export type Releaser = () => void | Promise<void>;

export interface Lifecycle {
  readonly state: LifecycleState;
  /** Aborted when draining begins: a start, a retry loop or a poll ends with it. */
  readonly signal: AbortSignal;
  /** Registers a releaser. Once draining has begun it is run at once: what was opened too late is closed too. */
  onStop(name: string, release: Releaser, options?: { readonly timeoutMs?: number }): void;
  /** Runs `start` and stays until a stop. Installs the signal handlers; resolves when the process has been told to exit. */
  main(start: () => Promise<void>): Promise<void>;
  /** Begins a drain, or joins the one under way. */
  drain(reason: string): Promise<void>;
}

/** npm passes on the Ctrl-C that its child has heard from the terminal as well: one key press, two signals. */
const ECHO_MS = 150;
/** Each is a request to stop. SIGHUP: the terminal was closed. */
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type Signal = keyof typeof signalNumbers;

interface NamedReleaser {
  readonly name: string;
  readonly run: Releaser;
  readonly timeoutMs: number;
}

/** A start's releasers, run in reverse order, each within its own limit. */
class Releasers {
  readonly #log: LifecycleOptions['log'];
  readonly #waiting: NamedReleaser[] = [];

  constructor(log: LifecycleOptions['log']) {
    this.#log = log;
  }

  add(releaser: NamedReleaser): void {
    this.#waiting.push(releaser);
  }

  /** Whether every one finished; one that fails or hangs keeps none of the others. */
  async runAll(): Promise<boolean> {
    let clean = true;
    for (let next = this.#waiting.pop(); next; next = this.#waiting.pop()) clean = (await this.run(next)) && clean;
    return clean;
  }

  /** Whether it finished. */
  async run({ name, run, timeoutMs }: NamedReleaser): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const limit = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not released within ${timeoutMs} ms`)), timeoutMs);
      });
      await Promise.race([Promise.resolve().then(run), limit]);
      return true;
    } catch (error) {
      this.#log.error({ err: error, releaser: name }, 'a releaser failed');
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { log, drainTimeoutMs, exit } = options;
  const releasers = new Releasers(log);
  const abort = new AbortController();
  let state: LifecycleState = 'starting';
  let draining: Promise<void> | undefined;
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });

  function enter(next: LifecycleState): void {
    if (!transitions[state].includes(next)) throw new Error(`a process cannot go from ${state} to ${next}`);
    state = next;
  }

  function leave(code: number): void {
    exit(code);
    finish();
  }

  async function releaseAll(): Promise<void> {
    const clean = await releasers.runAll();
    if (state !== 'draining') return;
    enter('stopped');
    log.info({ clean }, 'stopped');
    leave(clean ? 0 : 1);
  }

  function drain(reason: string): Promise<void> {
    if (state === 'stopped' || state === 'failed') return finished;
    if (!draining) {
      enter('draining');
      log.info({ reason }, 'draining');
      abort.abort();
      draining = releaseAll();
    }
    return draining;
  }

  /** State that nobody can vouch for any more is not drained: a releaser could publish it. */
  function fail(error: unknown, why: string): void {
    if (state === 'stopped' || state === 'failed') return;
    enter('failed');
    log.fatal({ err: error }, why);
    abort.abort();
    leave(1);
  }

  async function main(start: () => Promise<void>): Promise<void> {
    const unlisten = listen(options, { drain, fail, leave });
    try {
      await start();
      // A signal during the start has begun a drain already.
      if (state === 'starting') enter('running');
    } catch (error) {
      // What a start says after it was told to stop is not the reason of anything.
      if (state === 'starting') fail(error, 'the start failed');
    }
    await finished;
    unlisten();
  }

  return {
    signal: abort.signal,
    get state() {
      return state;
    },
    onStop(name, run, { timeoutMs = drainTimeoutMs } = {}) {
      const releaser = { name, run, timeoutMs };
      if (state === 'starting' || state === 'running') releasers.add(releaser);
      else void releasers.run(releaser);
    },
    main,
    drain,
  };
}

interface Ways {
  drain(reason: string): Promise<void>;
  fail(error: unknown, why: string): void;
  leave(code: number): void;
}

/** Hears of signals, of errors that nobody caught and of the launcher's death, until the returned function is called. */
function listen(options: LifecycleOptions, { drain, fail, leave }: Ways): () => void {
  const { log, startedByNpm } = options;
  const events: ProcessEvents = options.events ?? process;
  let firstSignalMs: number | undefined;

  function onSignal(signal: Signal): void {
    const now = performance.now();
    if (firstSignalMs === undefined) {
      firstSignalMs = now;
      void drain(signal);
      return;
    }
    if (startedByNpm && now - firstSignalMs < ECHO_MS) return;
    log.warn({ signal }, 'second signal: exiting at once');
    leave(128 + signalNumbers[signal]);
  }

  const listeners: readonly (readonly [event: string, listener: (error: unknown) => void])[] = [
    ...(Object.keys(signalNumbers) as Signal[]).map((signal) => [signal, () => onSignal(signal)] as const),
    ['uncaughtException', (error: unknown) => fail(error, 'uncaught exception')],
    ['unhandledRejection', (error: unknown) => fail(error, 'unhandled rejection')],
  ];
  for (const [event, listener] of listeners) events.on(event, listener);
  const launcher = options.launcher ?? (startedByNpm ? describeLauncher() : undefined);
  const unwatch = launcher && watchLauncher(launcher, () => void drain('the launcher is gone'));
  return () => {
    unwatch?.();
    for (const [event, listener] of listeners) events.off(event, listener);
  };
}
