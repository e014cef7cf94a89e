import {
  assertNamespace,
  ClusterMismatchError,
  type Mark,
  type MarkSnapshot,
  type MarkStore,
  type MarkVersion,
  type MarkWrite,
  type ReadOptions,
  WitnessCorruptError,
  WitnessUnavailableError,
} from '@lakh/id-range';
import zookeeper from 'node-zookeeper-client';
import type { NodeConnection, NodeSession } from './calls.js';
import { WitnessForbiddenError } from './errors.js';
import { formatClusterId, formatMark, parseClusterId, parseMark } from './mark-text.js';
import {
  getData,
  isNodeError,
  makePath,
  missingNode,
  nodeAcl,
  setDataAt,
  type TransactionCodes,
  transaction,
} from './nodes.js';

export interface ZookeeperMarkStoreOptions {
  /** Name of the counter sequence: 1–64 letters, digits, '_' and '-'. */
  readonly namespace: string;
  /** How long a read waits for a connection while there is none. Default 0: it is refused at once. */
  readonly connectWaitMs?: number;
}

/** A node's version, good only on the connection (and so on the session) that read it (I2), and only for its node. */
class ReadVersion {
  readonly connection: NodeConnection;
  readonly path: string;
  readonly node: number;
  constructor(connection: NodeConnection, path: string, node: number) {
    this.connection = connection;
    this.path = path;
    this.node = node;
  }
}

/**
 * The high-water mark in ZooKeeper. Under the session's chroot:
 * - `/cluster`: the cluster id, once for all namespaces;
 * - `/ranges/<namespace>/next`: exactly `<next> <ledgered>` in decimal, moved by versioned writes alone;
 * - `/ranges/<namespace>/released`: for remainders.
 *
 * Besides what {@link MarkStore} promises, calls reject with {@link WitnessForbiddenError} when ZooKeeper refuses the
 * credentials; nothing was applied then. A read or write is one round trip and one deadline (a read's comes after `connectWaitMs` at
 * most); a create is several.
 */
export function createZookeeperMarkStore(session: NodeSession, options: ZookeeperMarkStoreOptions): MarkStore {
  const { namespace, connectWaitMs = 0 } = options;
  assertNamespace(namespace);
  const clusterPath = `${session.chroot}/cluster`;
  const namespacePath = `${session.chroot}/ranges/${namespace}`;
  const nextPath = `${namespacePath}/next`;
  const acl = nodeAcl(session.authenticated);

  /**
   * Unless it may lag, a read that no lagging follower can falsify. A follower answers reads from its own state, which may be old, and
   * the library has no `sync`. But a transaction is ordered by the leader even if it only checks, and its answer comes after the
   * follower has caught up with it; the reads behind it on the same connection are answered later still. The three
   * are sent at once, so this costs a quorum's round trip, and an entry in ZooKeeper's log.
   */
  async function read({ mayLag = false }: ReadOptions = {}): Promise<MarkSnapshot | 'missing'> {
    if (connectWaitMs > 0) await session.whenConnected(connectWaitMs);
    const connection = session.connection();
    const [codes, next, cluster] = await Promise.all([
      mayLag
        ? []
        : transaction(connection, 'read', `check ${nextPath}`, [
            { op: 'check', path: nextPath },
            { op: 'check', path: clusterPath },
          ]),
      getData(connection, nextPath).catch(missingNode),
      getData(connection, clusterPath).catch(missingNode),
    ]);
    const failed = firstFailure(codes);
    if (failed !== undefined && failed.code !== zookeeper.Exception.NO_NODE) throw unexpected('check', failed.code);
    if (failed?.index === 0 || next === undefined) return 'missing';
    if (failed !== undefined || cluster === undefined) {
      throw new WitnessCorruptError(`${nextPath} is there, but ${clusterPath} is missing`);
    }
    return {
      mark: parseMark(next.data, nextPath),
      clusterId: parseClusterId(cluster.data, clusterPath),
      version: new ReadVersion(connection, nextPath, next.stat.version),
    };
  }

  async function write(version: MarkVersion, mark: Mark): Promise<MarkWrite> {
    if (!(version instanceof ReadVersion) || version.path !== nextPath) {
      throw new TypeError(`this version was not read from ${nextPath}`);
    }
    const data = formatMark(mark);
    const connection = session.connection();
    if (version.connection !== connection) return { outcome: 'stale' };
    try {
      return { outcome: 'written', witnessVersion: await setDataAt(connection, nextPath, data, version.node) };
    } catch (error) {
      // A mark that is gone is found missing by the read that follows a stale answer.
      if (isNodeError(error, 'BAD_VERSION', 'NO_NODE')) return { outcome: 'stale' };
      throw error;
    }
  }

  async function create(mark: Mark, clusterId: string): Promise<'created' | 'exists'> {
    const next = { op: 'create', path: nextPath, data: formatMark(mark), acl } as const;
    const cluster = { op: 'create', path: clusterPath, data: formatClusterId(clusterId), acl } as const;
    const connection = session.connection();
    await makePath(connection, `${namespacePath}/released`, acl);
    const both = firstFailure(await transaction(connection, 'write', `create ${nextPath}`, [cluster, next]));
    if (both === undefined) return 'created';
    if (both.code !== zookeeper.Exception.NODE_EXISTS) throw unexpected('create', both.code);
    if (both.index === 1) return 'exists';
    // Another namespace, or another server's first start, has the cluster id. The transaction above came after it.
    if ((await getData(connection, nextPath).catch(missingNode)) !== undefined) return 'exists';
    const { data } = await getData(connection, clusterPath);
    const present = parseClusterId(data, clusterPath);
    if (present !== clusterId) throw new ClusterMismatchError(present, clusterId);
    const alone = firstFailure(await transaction(connection, 'write', `create ${nextPath}`, [next]));
    if (alone === undefined) return 'created';
    if (alone.code === zookeeper.Exception.NODE_EXISTS) return 'exists';
    throw unexpected('create', alone.code);
  }

  /** The code of a transaction that was refused as a whole, and so was not applied. */
  function unexpected(what: string, code: number): Error {
    return code === zookeeper.Exception.NO_AUTH || code === zookeeper.Exception.INVALID_ACL
      ? new WitnessForbiddenError(`${what} ${nextPath}: ZooKeeper refused it: credentials are missing or wrong`)
      : new WitnessUnavailableError(`${what} ${nextPath}: ZooKeeper refused it (code ${code})`);
  }

  return { read, write, create };
}

function firstFailure(codes: TransactionCodes): { readonly index: number; readonly code: number } | undefined {
  const index = codes.findIndex((code) => code !== zookeeper.Exception.OK);
  return index === -1 ? undefined : { index, code: codes[index] as number };
}
