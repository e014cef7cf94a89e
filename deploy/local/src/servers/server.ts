import type { Owner } from './owner.js';

/**
 * A private server process on loopback, started from Debian's binaries in a folder of its own. The stack, the tests and the
 * benchmarks all start their ZooKeepers, MariaDBs, Redises and nginxes from these plans.
 *
 * A plan is a pure function of its specification (name, folder, ports), so the stack, whose verbs are separate processes, can
 * make it again from its state file; {@link launch} (in launch.ts) turns one into a running {@link LocalServer} for tests.
 */
export type ServerRole =
  | 'gateway'
  | 'shorten'
  | 'redirect'
  | 'zookeeper'
  | 'mysql'
  | 'redis'
  | 'vtctld'
  | 'vttablet'
  | 'vtgate';

export interface ServerPlan {
  readonly name: string;
  readonly role: ServerRole;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Data, configuration and log of this instance; the server's working directory, so that it needs no right to enter what is above. */
  readonly dir: string;
  readonly logFile: string;
  /** The server's own binary, never a wrapper's: its process id is the server's. */
  readonly command: readonly [file: string, ...args: string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Whom it is started as; as its starter without one, also where the server changes its user by itself. */
  readonly owner?: Owner | undefined;
  /** SIGTERM, or what the server takes for "finish and exit". */
  readonly stopSignal: NodeJS.Signals;
  /** Makes the folder, configuration and empty data directory when they are missing; harmless when they are there. */
  prepare(): Promise<void>;
  /** One probe of "answers its protocol": true when it does. Bounded to about a second. */
  ready(): Promise<boolean>;
  /** What it says that it waits for; undefined when it says nothing. */
  awaits?(): Promise<Awaited | undefined>;
}

/** Why a server that answers is not ready. */
export interface Awaited {
  readonly what: string;
  /** A person has to do something about it; otherwise it may come by itself. */
  readonly isRefusal: boolean;
}

/** A plan that runs. */
export interface LocalServer {
  readonly plan: ServerPlan;
  /** Changes with {@link restart}. */
  readonly pid: number;
  /** Whether it has not ended, frozen or not. */
  readonly isRunning: boolean;
  /** SIGKILL, SIGSTOP, SIGCONT …; resolves at once, after the exit for signals that end the process, and when nothing of it runs after SIGSTOP. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data (after it ended); resolves when it answers. */
  restart(): Promise<void>;
  /** Ends the process by its id (SIGCONT, stopSignal, SIGKILL after a bound); resolves once gone. The folder stays. */
  stop(): Promise<void>;
}
