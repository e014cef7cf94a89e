import zookeeper, { type ZkAcl } from 'node-zookeeper-client';
import { type CallKind, type NodeConnection, NodeError, type ZkNodeStat } from './calls.js';

/** The few ZooKeeper operations that Lakh uses, as promises on one connection. Errors as for {@link NodeConnection.call}. */

export interface NodeData {
  readonly data: Buffer | undefined;
  readonly stat: ZkNodeStat;
}

/** Nodes for the holder of the credentials alone, or for anyone when there are none. */
export function nodeAcl(authenticated: boolean): readonly ZkAcl[] {
  return authenticated ? zookeeper.ACL.CREATOR_ALL_ACL : zookeeper.ACL.OPEN_ACL_UNSAFE;
}

export function getData(connection: NodeConnection, path: string): Promise<NodeData> {
  return connection.call('read', `read ${path}`, (client, done) =>
    client.getData(path, (error, data, stat) => done(error, { data, stat })),
  );
}

function exists(connection: NodeConnection, path: string): Promise<boolean> {
  return connection.call('read', `look for ${path}`, (client, done) =>
    client.exists(path, (error, stat) => done(error, stat !== null)),
  );
}

/** Writes at exactly `version`; resolves with the node's new one. -1 would mean "any" to ZooKeeper and is never sent. */
export async function setDataAt(
  connection: NodeConnection,
  path: string,
  data: Buffer,
  version: number,
): Promise<number> {
  if (!Number.isInteger(version) || version < 0) throw new RangeError(`${path}: not a version: ${version}`);
  const stat = await connection.call<ZkNodeStat>('write', `write ${path}`, (client, done) =>
    client.setData(path, data, version, done),
  );
  return stat.version;
}

export function createNode(
  connection: NodeConnection,
  path: string,
  data: Buffer,
  acl: readonly ZkAcl[],
  mode: 'persistent' | 'ephemeral' = 'persistent',
): Promise<string> {
  const flags = mode === 'ephemeral' ? zookeeper.CreateMode.EPHEMERAL : zookeeper.CreateMode.PERSISTENT;
  return connection.call('write', `create ${path}`, (client, done) => client.create(path, data, acl, flags, done));
}

/** The names of a node's children, without their parent's path. */
export function getChildren(connection: NodeConnection, path: string): Promise<readonly string[]> {
  return connection.call('read', `list ${path}`, (client, done) =>
    client.getChildren(path, (error, children) => done(error, children ?? [])),
  );
}

/**
 * Removes the node at exactly `version`. Never by a transaction, where the library and ZooKeeper take version 0 for "any";
 * -1 means that to this call too and is never sent.
 */
export function removeAt(connection: NodeConnection, path: string, version: number): Promise<void> {
  if (!Number.isInteger(version) || version < 0) throw new RangeError(`${path}: not a version: ${version}`);
  return connection.call('write', `remove ${path}`, (client, done) =>
    client.remove(path, version, (error) => done(error, undefined)),
  );
}

/** Whatever its version: only for nodes that decide nothing. */
export function removeAnyVersion(connection: NodeConnection, path: string): Promise<void> {
  return connection.call('write', `remove ${path}`, (client, done) =>
    client.remove(path, -1, (error) => done(error, undefined)),
  );
}

/**
 * Makes `path` and its parents, empty and persistent, where they are missing. Looks first: creating a node that exists is
 * refused for want of permission, not because it exists, when its parent belongs to somebody else.
 */
export async function makePath(connection: NodeConnection, path: string, acl: readonly ZkAcl[]): Promise<void> {
  const parts = path.split('/').slice(1);
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const part = `/${parts.slice(0, depth).join('/')}`;
    if (await exists(connection, part)) continue;
    try {
      await createNode(connection, part, Buffer.alloc(0), acl);
    } catch (error) {
      if (!isNodeError(error, 'NODE_EXISTS')) throw error;
    }
  }
}

/** What one operation of a transaction came to: 0 when it was (or, had the others not failed, would have been) done. */
export type TransactionCodes = readonly number[];

/**
 * All or nothing; resolves with a code for each operation, also when nothing was done because one of them failed: the first
 * that is not 0 says which and why. (The library's own `setData`, `remove` and `check` with a version take 0 for "any";
 * no version is ever given to them here.)
 */
export function transaction(
  connection: NodeConnection,
  kind: CallKind,
  operation: string,
  ops: readonly TransactionOp[],
): Promise<TransactionCodes> {
  return connection.call(kind, operation, (client, done) => {
    const building = client.transaction();
    for (const op of ops) {
      if (op.op === 'check') building.check(op.path);
      else building.create(op.path, op.data, op.acl, zookeeper.CreateMode.PERSISTENT);
    }
    building.commit((error, results) => {
      if (error && results === undefined) done(error, []);
      else
        done(
          null,
          (results ?? []).map((result) => result.err ?? 0),
        );
    });
  });
}

export type TransactionOp =
  | { readonly op: 'check'; readonly path: string }
  | { readonly op: 'create'; readonly path: string; readonly data: Buffer; readonly acl: readonly ZkAcl[] };

export function isNodeError(error: unknown, ...kinds: readonly NodeError['kind'][]): boolean {
  return error instanceof NodeError && kinds.includes(error.kind);
}

/** Undefined for a node that is not there, after a `catch`; whatever else was wrong is thrown again. */
export function missingNode(error: unknown): undefined {
  if (!isNodeError(error, 'NO_NODE')) throw error;
}
