import { backoff } from '@lakh/base';
import { type Randomness, WitnessUnavailableError } from '@lakh/id-range';
import type { HostPort } from '@lakh/settings';
import type { NodeSession } from './calls.js';
import { Connection, type ConnectionEnd, type DigestAuth } from './connection.js';
import { WitnessForbiddenError } from './errors.js';

export interface ZookeeperSessionOptions {
  /** At least one; tried in an order shuffled once, so that clients spread over the ensemble. */
  readonly servers: readonly HostPort[];
  /** Absolute path or `''`, as {@link parseZookeeperAddress} gives it. */
  readonly chroot: string;
  /** Asked of the ensemble, which may grant another. Only how long ephemeral nodes outlive this process. Default 10,000. */
  readonly sessionTimeoutMs?: number;
  /** Within which every call settles, and a connection is made or given up (sooner at first). Default 3,000. */
  readonly deadlineMs?: number;
  /** With it, nodes are created for its holder alone; without it, for anyone. */
  readonly auth?: DigestAuth | undefined;
  readonly log?: ZookeeperLog;
  readonly observe?: (event: ZookeeperEvent) => void;
  readonly random?: Randomness;
}

/** A pino logger is one. Credentials and stored values are never logged. */
export interface ZookeeperLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type ZookeeperState = 'connecting' | 'connected' | 'closed';

/** For metrics. An observer must not throw. */
export type ZookeeperEvent =
  | { readonly type: 'state'; readonly state: ZookeeperState }
  /** An attempt to connect begins; `attempt` counts from 1 since the last good connection. */
  | { readonly type: 'connecting'; readonly server: string; readonly attempt: number }
  | { readonly type: 'disconnected'; readonly server: string; readonly reason: string }
  | { readonly type: 'deadline-missed'; readonly server: string; readonly operation: string };

/**
 * The way to the ensemble: at most one {@link Connection} at a time, and a loop that replaces it. Each connection has a
 * ZooKeeper session of its own. While there is none, calls are refused at once and nothing is kept for later, so
 * an ensemble that is away costs neither memory nor waiting.
 */
export interface ZookeeperSession extends NodeSession {
  readonly state: ZookeeperState;
  readonly log: ZookeeperLog | undefined;
  connection(): Connection;
  /** `listener` runs at each new connection; the returned function takes it off. */
  onConnected(listener: () => void): () => void;
  /** Ends the session and stops reconnecting; bounded, never rejects, may be called again. */
  close(): Promise<void>;
}

const DEFAULT_SESSION_TIMEOUT_MS = 10_000;
const DEFAULT_DEADLINE_MS = 3_000;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 2_000;
/**
 * The first round through the servers gives each this part of the deadline, and each further round twice as much: a session is
 * made in milliseconds, and a frozen server must not cost the whole deadline when the next one would answer.
 */
const FIRST_CONNECT_PART = 1 / 4;

export function createZookeeperSession(options: ZookeeperSessionOptions): ZookeeperSession {
  if (options.servers.length === 0) throw new Error('createZookeeperSession needs at least one server');
  if (options.auth && !/^[^:]+:./.test(options.auth.credential))
    throw new Error('digest credentials are user:password');
  return new ReconnectingSession(options);
}

class ReconnectingSession implements ZookeeperSession {
  readonly chroot: string;
  readonly authenticated: boolean;
  readonly log: ZookeeperLog | undefined;
  readonly #options: ZookeeperSessionOptions;
  readonly #deadlineMs: number;
  readonly #servers: readonly HostPort[];
  readonly #backoffMs: (failures: number) => number;
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Set<() => void>();
  #state: ZookeeperState = 'connecting';
  #connection: Connection | undefined;
  #attempts = 0;
  #failures = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #lastEnd: ConnectionEnd | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ZookeeperSessionOptions) {
    const { chroot, log, auth, servers, random = Math.random } = options;
    this.chroot = chroot;
    this.authenticated = auth !== undefined;
    this.log = log;
    this.#options = options;
    this.#deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    this.#servers = shuffled(servers, random);
    this.#backoffMs = backoff({ firstMs: BACKOFF_FIRST_MS, capMs: BACKOFF_MAX_MS, leastPart: 0, random });
    this.#open();
  }

  get state(): ZookeeperState {
    return this.#state;
  }

  connection(): Connection {
    if (this.#connection?.connected) return this.#connection;
    throw this.#refusal();
  }

  whenConnected(waitMs: number): Promise<void> {
    if (this.#connection?.connected) return Promise.resolve();
    if (this.#state === 'closed') return Promise.reject(this.#refusal());
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        if (this.#connection?.connected) resolve();
        else reject(this.#refusal());
      };
      const timer = setTimeout(settle, waitMs);
      this.#waiting.add(settle);
    });
  }

  onConnected(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#setState('closed');
      clearTimeout(this.#retryTimer);
      this.#listeners.clear();
      for (const settle of [...this.#waiting]) settle();
      await this.#connection?.close();
    })();
    return this.#closing;
  }

  #setState(next: ZookeeperState): void {
    if (this.#state === next) return;
    this.#state = next;
    this.#options.observe?.({ type: 'state', state: next });
  }

  #open(): void {
    const { auth, observe, sessionTimeoutMs = DEFAULT_SESSION_TIMEOUT_MS } = this.#options;
    const server = this.#servers[this.#attempts % this.#servers.length] as HostPort;
    const name = `${server.host}:${server.port}`;
    this.#attempts += 1;
    observe?.({ type: 'connecting', server: name, attempt: this.#failures + 1 });
    const opened = new Connection({
      server,
      sessionTimeoutMs,
      deadlineMs: this.#deadlineMs,
      connectDeadlineMs: this.#connectDeadlineMs(),
      auth,
      onConnected: () => this.#connected(opened, name),
      onEnded: (end) => this.#ended(opened, name, end),
    });
    this.#connection = opened;
  }

  #connectDeadlineMs(): number {
    const round = Math.floor(this.#failures / this.#servers.length);
    return Math.ceil(this.#deadlineMs * Math.min(1, FIRST_CONNECT_PART * 2 ** round));
  }

  #connected(opened: Connection, server: string): void {
    this.log?.info({ server, session: opened.sessionId }, 'connected to ZooKeeper');
    this.#setState('connected');
    for (const run of [...this.#waiting, ...this.#listeners]) run();
  }

  #ended(opened: Connection, server: string, end: ConnectionEnd): void {
    if (this.#connection === opened) this.#connection = undefined;
    if (this.#state === 'closed') return;
    const { log } = this;
    const { observe } = this.#options;
    this.#lastEnd = end;
    if (end.missedDeadline) observe?.({ type: 'deadline-missed', server, operation: end.missedDeadline });
    observe?.({ type: 'disconnected', server, reason: end.reason });
    // A server that accepts sessions only to drop them is a failure like one that does not answer.
    this.#failures = end.connectedMs > BACKOFF_MAX_MS ? 0 : this.#failures + 1;
    const delayMs = this.#backoffMs(this.#failures + 1);
    const fields = { server, reason: end.reason, attempt: this.#failures, retryInMs: Math.round(delayMs) };
    if (end.authFailed) log?.error(fields, 'ZooKeeper refused the credentials');
    else if (end.connectedMs > 0) log?.warn(fields, 'lost the connection to ZooKeeper');
    // One line a doubling: an ensemble that is away for a day is not worth a line every two seconds.
    else if ((this.#failures & (this.#failures - 1)) === 0) log?.warn(fields, 'cannot connect to ZooKeeper');
    this.#setState('connecting');
    this.#retryTimer = setTimeout(() => this.#open(), delayMs);
  }

  #refusal(): Error {
    if (this.#state === 'closed') return new WitnessUnavailableError('the ZooKeeper session was closed');
    if (this.#lastEnd?.authFailed) return new WitnessForbiddenError(this.#lastEnd.reason);
    return new WitnessUnavailableError(`not connected to ZooKeeper (${this.#lastEnd?.reason ?? 'not yet'})`);
  }
}

/** Fisher–Yates, on a copy. */
function shuffled<T>(items: readonly T[], random: Randomness): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
