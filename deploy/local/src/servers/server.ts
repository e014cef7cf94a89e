/**
 * A private server process on loopback, started from Debian's binaries in a folder of its own. The stack, the tests and the
 * benchmarks all start their ZooKeepers, MariaDBs, Redises and nginxes through these; each starter (startZookeeper, …)
 * resolves once its server answers, and rejects with its log's tail when it does not within its deadline.
 */
export interface LocalServer {
  readonly name: string;
  readonly role: 'zookeeper' | 'mysql' | 'redis' | 'gateway';
  /** The server's own process id, never a wrapper's. Changes with {@link restart}. */
  readonly pid: number;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Data, configuration and log of this instance. */
  readonly dir: string;
  readonly logFile: string;
  /** SIGKILL, SIGSTOP, SIGCONT, SIGTERM …; resolves at once, or after the exit for signals that end the process. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data; resolves when it answers. */
  restart(): Promise<void>;
  /** Ends the process by its id (SIGCONT, SIGTERM, SIGKILL after a bound); resolves once it is gone. The folder stays. */
  stop(): Promise<void>;
}
