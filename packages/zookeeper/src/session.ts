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
  const { chroot, log, auth, random = Math.random } = options;
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const sessionTimeoutMs = options.sessionTimeoutMs ?? DEFAULT_SESSION_TIMEOUT_MS;
  if (options.servers.length === 0) throw new Error('createZookeeperSession needs at least one server');
  if (auth && !/^[^:]+:./.test(auth.credential)) throw new Error('digest credentials are user:password');
  const servers = shuffled(options.servers, random);
  const backoffMs = backoff({ firstMs: BACKOFF_FIRST_MS, capMs: BACKOFF_MAX_MS, leastPart: 0, random });
  const listeners = new Set<() => void>();
  const waiting = new Set<() => void>();

  let state: ZookeeperState = 'connecting';
  let connection: Connection | undefined;
  let attempts = 0;
  let failures = 0;
  let retryTimer: NodeJS.Timeout | undefined;
  let lastEnd: ConnectionEnd | undefined;
  let closing: Promise<void> | undefined;

  function setState(next: ZookeeperState): void {
    if (state === next) return;
    state = next;
    options.observe?.({ type: 'state', state });
  }

  function open(): void {
    const server = servers[attempts % servers.length] as HostPort;
    const name = `${server.host}:${server.port}`;
    attempts += 1;
    options.observe?.({ type: 'connecting', server: name, attempt: failures + 1 });
    const opened = new Connection({
      server,
      sessionTimeoutMs,
      deadlineMs,
      connectDeadlineMs: connectDeadlineMs(),
      auth,
      onConnected: () => connected(opened, name),
      onEnded: (end) => ended(opened, name, end),
    });
    connection = opened;
  }

  function connectDeadlineMs(): number {
    const round = Math.floor(failures / servers.length);
    return Math.ceil(deadlineMs * Math.min(1, FIRST_CONNECT_PART * 2 ** round));
  }

  function connected(opened: Connection, server: string): void {
    log?.info({ server, session: opened.sessionId }, 'connected to ZooKeeper');
    setState('connected');
    for (const run of [...waiting, ...listeners]) run();
  }

  function ended(opened: Connection, server: string, end: ConnectionEnd): void {
    if (connection === opened) connection = undefined;
    if (state === 'closed') return;
    lastEnd = end;
    if (end.missedDeadline) options.observe?.({ type: 'deadline-missed', server, operation: end.missedDeadline });
    options.observe?.({ type: 'disconnected', server, reason: end.reason });
    // A server that accepts sessions only to drop them is a failure like one that does not answer.
    failures = end.connectedMs > BACKOFF_MAX_MS ? 0 : failures + 1;
    const delayMs = backoffMs(failures + 1);
    const fields = { server, reason: end.reason, attempt: failures, retryInMs: Math.round(delayMs) };
    if (end.authFailed) log?.error(fields, 'ZooKeeper refused the credentials');
    else if (end.connectedMs > 0) log?.warn(fields, 'lost the connection to ZooKeeper');
    // One line a doubling: an ensemble that is away for a day is not worth a line every two seconds.
    else if ((failures & (failures - 1)) === 0) log?.warn(fields, 'cannot connect to ZooKeeper');
    setState('connecting');
    retryTimer = setTimeout(open, delayMs);
  }

  function refusal(): Error {
    if (state === 'closed') return new WitnessUnavailableError('the ZooKeeper session was closed');
    if (lastEnd?.authFailed) return new WitnessForbiddenError(lastEnd.reason);
    return new WitnessUnavailableError(`not connected to ZooKeeper (${lastEnd?.reason ?? 'not yet'})`);
  }

  open();

  return {
    get state() {
      return state;
    },
    chroot,
    authenticated: auth !== undefined,
    log,
    connection() {
      if (connection?.connected) return connection;
      throw refusal();
    },
    whenConnected(waitMs) {
      if (connection?.connected) return Promise.resolve();
      if (state === 'closed') return Promise.reject(refusal());
      return new Promise((resolve, reject) => {
        const settle = () => {
          clearTimeout(timer);
          waiting.delete(settle);
          if (connection?.connected) resolve();
          else reject(refusal());
        };
        const timer = setTimeout(settle, waitMs);
        waiting.add(settle);
      });
    },
    onConnected(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closing ??= (async () => {
        setState('closed');
        clearTimeout(retryTimer);
        listeners.clear();
        for (const settle of [...waiting]) settle();
        await connection?.close();
      })();
      return closing;
    },
  };
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
