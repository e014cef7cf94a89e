/**
 * The `redis` client in its three shapes, with settings under which a dead or frozen server costs a bounded time and
 * none is given up for good. Each setting answers something that the client did when tried.
 */
import { backoff } from '@lakh/base';
import { createClient, createCluster, createSentinel } from 'redis';
import { tlsSocketOptions } from './tls.js';
import type { RedisTarget } from './url.js';

/** What is used of a client; single, Sentinel and Cluster all have it. */
export interface RedisCommands {
  get(key: string): Promise<string | null>;
  evalSha(sha1: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

export interface RedisClient {
  readonly commands: RedisCommands;
  /** Keys that together touch every master, for a probe. */
  readonly probeKeys: readonly string[];
  /** Starts connecting, and goes on until {@link close}. */
  open(listeners: ConnectionListeners): void;
  /** Gives up every connection; commands in flight are rejected. Settles within a second. */
  close(): Promise<void>;
}

export interface ConnectionListeners {
  /** A connection can be used (again). */
  ready(): void;
  /** The connection, or the master behind it, is not the one it was: answers given before it say nothing about those after. */
  lost(error: unknown): void;
}

/** A socket on which nothing came for this long is closed; the only thing that ends a command sent to a frozen server. */
const SOCKET_TIMEOUT_MS = 1_000;
/** Well below it, or an idle connection would be closed for its silence. */
const PING_INTERVAL_MS = 300;
const CONNECT_TIMEOUT_MS = 500;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MOST_MS = 1_000;
/** Beyond what a second of a busy server's traffic queues; the connection's own bound is lower. */
const QUEUE_LENGTH = 50_000;
const CLOSE_DEADLINE_MS = 1_000;
/** Each a slot of its own: with sixteen, a master of three is missed once in 200 clusters. */
const CLUSTER_PROBE_KEYS = Array.from({ length: 16 }, (_, index) => `lakh:probe:{${index}}`);

interface AnyClient extends RedisCommands {
  connect(): Promise<unknown>;
  destroy(): void | Promise<void>;
  on(event: string, listener: (argument: unknown) => void): unknown;
}

const backoffMs = backoff({ firstMs: RECONNECT_FIRST_MS, capMs: RECONNECT_MOST_MS, random: Math.random });

/** Always a number: an Error or false would close the client for good, as the default does on a SocketTimeoutError. */
function reconnectStrategy(retries: number): number {
  return Math.ceil(backoffMs(retries + 1));
}

const socketOptions = { socketTimeout: SOCKET_TIMEOUT_MS, connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy };

function commonOptions(target: RedisTarget) {
  return {
    pingInterval: PING_INTERVAL_MS,
    // Otherwise commands pile up while the server is away, and are all sent when it returns.
    disableOfflineQueue: true,
    commandsQueueMaxLength: QUEUE_LENGTH,
    maintNotifications: 'disabled' as const,
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
  };
}

/** The client's own limit covers only commands not yet written, with an AbortSignal each; connection.ts has one for all of them. */
const commandOptions = { timeout: 0 };

function createAny(target: RedisTarget): AnyClient {
  const common = commonOptions(target);
  const tls = (target.tls && tlsSocketOptions(target.tls)) as { tls: true } | undefined;
  const secured = { ...socketOptions, ...tls };
  switch (target.kind) {
    case 'single': {
      const socket = { ...socketOptions, ...target.node, ...tls } as { tls: true };
      return createClient({ ...common, database: target.database, socket, commandOptions }) as unknown as AnyClient;
    }
    case 'sentinel':
      return createSentinel({
        name: target.name,
        sentinelRootNodes: target.nodes.map((node) => ({ ...node })),
        nodeClientOptions: { ...common, database: target.database, socket: secured },
        sentinelClientOptions: {
          ...target.sentinel,
          pingInterval: PING_INTERVAL_MS,
          maintNotifications: 'disabled',
          socket: secured,
        },
        // A failover whose announcement was missed is found by asking.
        scanInterval: 1_000,
        commandOptions,
      }) as unknown as AnyClient;
    case 'cluster':
      return createCluster({
        rootNodes: target.nodes.map(({ host, port }) => ({ socket: { ...secured, host, port } })),
        defaults: { ...common, socket: secured },
        // The default of 5 s doubles the time until a promoted master is found; 0 never finds it.
        topologyRefreshOnReconnectionAttemptStrategy: 200,
        commandOptions,
      }) as unknown as AnyClient;
  }
}

/** Prepares a client; nothing is sent before {@link RedisClient.open}. */
export function createRedisClient(target: RedisTarget): RedisClient {
  const client = createAny(target);
  let closed = false;
  let wake: (() => void) | undefined;

  const pause = (delayMs: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      timer.unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  // A single client's connect() goes on by its reconnect strategy; Sentinel's and Cluster's end with an error.
  async function connectUntilClosed(listeners: ConnectionListeners): Promise<void> {
    for (let retries = 0; !closed; retries += 1) {
      try {
        await client.connect();
        if (!closed) listeners.ready();
        return;
      } catch (error) {
        if (closed) return;
        listeners.lost(error);
        await pause(reconnectStrategy(retries));
      }
    }
  }

  return {
    commands: client,
    probeKeys: target.kind === 'cluster' ? CLUSTER_PROBE_KEYS : ['lakh:probe'],

    open(listeners) {
      // A cluster reports a node's loss by the commands that fail; its errors here are of single attempts at discovery.
      client.on('error', (error) => {
        if (target.kind === 'single' && !closed) listeners.lost(error);
      });
      client.on('ready', () => {
        if (!closed) listeners.ready();
      });
      client.on('topology-change', (event) => {
        if ((event as { type?: unknown }).type === 'MASTER_CHANGE' && !closed)
          listeners.lost(new Error('the master changed'));
      });
      void connectUntilClosed(listeners);
    },

    async close() {
      closed = true;
      wake?.();
      // Sentinel's destroy() waits for an attempt to connect that is under way.
      const destroyed = Promise.resolve()
        .then(() => client.destroy())
        .catch(() => undefined);
      wake = undefined;
      await Promise.race([destroyed, pause(CLOSE_DEADLINE_MS)]);
    },
  };
}
