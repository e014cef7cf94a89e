/**
 * One connection of the `redis` client to one server, with settings under which a dead or frozen one costs a bounded time. It ends, and never
 * comes back by itself: whoever wants another makes another.
 */
import { formatAddress, type HostPort } from '@lakh/settings';
import type { TlsOptions } from '@lakh/tls';
import { createClient } from 'redis';
import { tlsSocketOptions } from './tls.js';

export type NodeAddress = HostPort | { readonly path: string };

/** As whom a server is spoken to, and how. */
export interface Access {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly database?: number;
  readonly tls?: TlsOptions | undefined;
}

const CONNECT_TIMEOUT_MS = 500;
/** A server that takes the connection and says nothing is given up after this. Once it is in use, its users bound what they wait for. */
const GREETING_TIMEOUT_MS = 1_000;
/** Beyond what a second of a busy server's traffic queues; a master's own bound is lower. */
const QUEUE_LENGTH = 50_000;

export type Node = ReturnType<typeof createNode>;

export function nameOf(address: NodeAddress): string {
  return 'path' in address ? address.path : formatAddress(address);
}

/**
 * Prepares a connection; nothing is sent before its `connect()`, which rejects when there is none.
 *
 * @throws InvalidRedisUrlError where files for TLS cannot be used
 */
export function createNode(address: NodeAddress, { username, password, database = 0, tls }: Access) {
  const socket = {
    ...address,
    ...(tls && tlsSocketOptions(tls)),
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectStrategy: false as const,
  };
  return createClient({
    socket: socket as Extract<typeof socket, { tls?: true }>,
    database,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    disableOfflineQueue: true,
    commandsQueueMaxLength: QUEUE_LENGTH,
    maintNotifications: 'disabled',
    // The client's own limit covers only commands not yet written, with an AbortSignal each.
    commandOptions: { timeout: 0 },
  });
}

/**
 * Connects, unless and until `signal` says otherwise. `lost` is called at most once, when the connection that was made has ended.
 *
 * @throws whatever kept it from being made
 */
export async function connectNode(
  address: NodeAddress,
  access: Access,
  { signal, lost }: { readonly signal: AbortSignal; lost(error: unknown): void },
): Promise<Node> {
  const node = createNode(address, access);
  let isMade = false;
  const end = (error: unknown) => {
    if (isMade) lost(error);
    isMade = false;
  };
  const stop = () => node.destroy();
  // After a stall of this process its timers run before its sockets are read.
  let isSilent = false;
  const giveUp = () => {
    isSilent = !isMade;
    if (isSilent) stop();
  };
  const timer = setTimeout(() => setImmediate(giveUp), CONNECT_TIMEOUT_MS + GREETING_TIMEOUT_MS);
  node.on('error', end);
  node.on('end', () => end(new Error('the connection was closed')));
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    await node.connect();
    // What is destroyed while its socket connects comes to life nevertheless.
    signal.throwIfAborted();
    isMade = true;
    return node;
  } catch (error) {
    node.destroy();
    throw isSilent ? new Error(`${nameOf(address)} takes connections and says nothing`) : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
