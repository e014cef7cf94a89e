/** What the stores need of a connection and of a session, and what an answer means; nothing here opens a socket. */
import { UnknownOutcomeError, WitnessUnavailableError } from '@lakh/id-range';
import zookeeper from 'node-zookeeper-client';
import { WitnessForbiddenError } from './errors.js';

/** Whether a lost answer leaves a doubt: a `write` may have been applied, a `read` changes nothing. */
export type CallKind = 'read' | 'write';

export interface ZkError extends Error {
  readonly code: number;
}

export interface ZkNodeStat {
  readonly version: number;
  /** Session id of an ephemeral node's creator, zeros otherwise; 8 bytes. */
  readonly ephemeralOwner: Buffer;
}

export type ZkCallback<A extends unknown[]> = (error: ZkError | null | undefined, ...results: A) => void;

/** Nothing that names a version: see {@link ZkRequests}. */
export interface ZkBuilding {
  create(path: string, data: Buffer, acls: readonly { readonly permission: number }[], mode: number): ZkBuilding;
  check(path: string): ZkBuilding;
  commit(callback: ZkCallback<[results?: readonly { readonly err?: number }[]]>): void;
}

/** The requests that Lakh makes of node-zookeeper-client; whatever makes them too can stand in its place. */
export interface ZkRequests {
  create(
    path: string,
    data: Buffer,
    acls: readonly { readonly permission: number }[],
    mode: number,
    callback: ZkCallback<[path: string]>,
  ): void;
  remove(path: string, version: number, callback: ZkCallback<[]>): void;
  setData(path: string, data: Buffer, version: number, callback: ZkCallback<[stat: ZkNodeStat]>): void;
  getData(path: string, callback: ZkCallback<[data: Buffer | undefined, stat: ZkNodeStat]>): void;
  exists(path: string, callback: ZkCallback<[stat: ZkNodeStat | null]>): void;
  getChildren(path: string, callback: ZkCallback<[children: readonly string[], stat: ZkNodeStat]>): void;
  /** The library's own `setData`, `remove` and `check` with a version take version 0 for "any": they are left out. */
  transaction(): ZkBuilding;
}

/** One connection with one session: versions that were read on it are good on it alone (I2). */
export interface NodeConnection {
  /**
   * Sends one request and settles within the deadline. `start` calls the library's method with `done` as its callback.
   * Calls of one connection are answered in the order in which they were made.
   *
   * Rejects with {@link NodeError}, {@link WitnessForbiddenError} or {@link WitnessUnavailableError} when nothing was
   * applied, and, only for a `write`, with {@link UnknownOutcomeError} when it may have been.
   */
  call<T>(
    kind: CallKind,
    operation: string,
    start: (client: ZkRequests, done: (error: ZkError | null | undefined, result: T) => void) => void,
  ): Promise<T>;
}

/** The part of a session that the stores use. */
export interface NodeSession {
  readonly chroot: string;
  /** Whether nodes are created for the holder of the credentials alone. */
  readonly authenticated: boolean;
  /** The present connection. Throws {@link WitnessUnavailableError} or {@link WitnessForbiddenError} when there is none. */
  connection(): NodeConnection;
  /** Resolves once connected (at once when it is); rejects like {@link connection} after `deadlineMs` or on close. */
  whenConnected(deadlineMs: number): Promise<void>;
}

/** ZooKeeper's answer to a call that it understood and did not do; nothing was applied. */
export class NodeError extends Error {
  readonly kind: 'NO_NODE' | 'NODE_EXISTS' | 'BAD_VERSION';
  constructor(kind: NodeError['kind'], operation: string) {
    super(`${operation}: ${kind}`);
    this.kind = kind;
  }
}

/** A call whose answer will not come. */
export function lost(kind: CallKind, operation: string, reason: string): Error {
  return kind === 'write'
    ? new UnknownOutcomeError(`${operation}: ${reason}; it may have been applied`)
    : new WitnessUnavailableError(`${operation}: ${reason}`);
}

/** An answer with an error code. Only the codes that say "not done" are taken to mean it; all others are a doubt. */
export function refused(kind: CallKind, operation: string, error: ZkError): Error {
  const { Exception } = zookeeper;
  switch (error.code) {
    case Exception.NO_NODE:
      return new NodeError('NO_NODE', operation);
    case Exception.NODE_EXISTS:
      return new NodeError('NODE_EXISTS', operation);
    case Exception.BAD_VERSION:
      return new NodeError('BAD_VERSION', operation);
    case Exception.NO_AUTH:
    case Exception.INVALID_ACL:
      return new WitnessForbiddenError(
        `${operation}: ZooKeeper refused it (${error.name}): the credentials are missing or wrong for these nodes`,
      );
    case Exception.NOT_EMPTY:
    case Exception.BAD_ARGUMENTS:
      return new WitnessUnavailableError(`${operation}: ZooKeeper refused it (${error.name})`);
    default:
      return lost(kind, operation, error.name);
  }
}
