import {
  type Mark,
  type MarkAdmin,
  type MarkInspection,
  type MarkVersion,
  type Unreadable,
  WitnessCorruptError,
  WitnessUnavailableError,
} from '@lakh/id-range';
import zookeeper from 'node-zookeeper-client';
import type { NodeConnection, NodeSession } from './calls.js';
import type { ZookeeperMarkStoreOptions } from './mark-store.js';
import { formatClusterId, formatMark, parseClusterId, parseMark } from './mark-text.js';
import {
  createNode,
  getData,
  isNodeError,
  makePath,
  missingNode,
  type NodeData,
  nodeAcl,
  setDataAt,
  transaction,
} from './nodes.js';

/** Both nodes as they were read, on the connection that read them (I2); a version of undefined: there was none. */
class InspectedVersion {
  readonly connection: NodeConnection;
  readonly next: number | undefined;
  readonly cluster: { readonly version: number | undefined; readonly id: string | undefined };
  constructor(connection: NodeConnection, next: number | undefined, cluster: InspectedVersion['cluster']) {
    this.connection = connection;
    this.next = next;
    this.cluster = cluster;
  }
}

/** The mark's nodes, whole or damaged. Layout and errors as for `createZookeeperMarkStore`. */
export function createZookeeperMarkAdmin(session: NodeSession, options: ZookeeperMarkStoreOptions): MarkAdmin {
  const { namespace, connectWaitMs = 0 } = options;
  const clusterPath = `${session.chroot}/cluster`;
  const namespacePath = `${session.chroot}/ranges/${namespace}`;
  const nextPath = `${namespacePath}/next`;
  const acl = nodeAcl(session.authenticated);

  async function inspect(): Promise<MarkInspection> {
    if (connectWaitMs > 0) await session.whenConnected(connectWaitMs);
    const connection = session.connection();
    // As for a server's read: the transaction, whatever it finds, brings a lagging follower up to date before the two reads.
    const [codes, next, cluster] = await Promise.all([
      transaction(connection, 'read', `check ${nextPath}`, [{ op: 'check', path: nextPath }]),
      getData(connection, nextPath).catch(missingNode),
      getData(connection, clusterPath).catch(missingNode),
    ]);
    const code = codes[0] ?? zookeeper.Exception.OK;
    if (code !== zookeeper.Exception.OK && code !== zookeeper.Exception.NO_NODE) {
      throw new WitnessUnavailableError(`check ${nextPath}: ZooKeeper refused it (code ${code})`);
    }
    const clusterId = readable(cluster, (data) => parseClusterId(data, clusterPath));
    return {
      mark: readable(next, (data) => parseMark(data, nextPath)),
      clusterId,
      version: new InspectedVersion(connection, next?.stat.version, {
        version: cluster?.stat.version,
        id: typeof clusterId === 'string' && cluster ? clusterId : undefined,
      }),
    };
  }

  async function put(version: MarkVersion, mark: Mark, clusterId: string): Promise<'written' | 'stale'> {
    if (!(version instanceof InspectedVersion)) throw new TypeError(`this version was not inspected at ${nextPath}`);
    const data = formatMark(mark);
    const clusterData = formatClusterId(clusterId);
    const connection = session.connection();
    if (version.connection !== connection) return 'stale';
    try {
      if (version.next === undefined) await makePath(connection, `${namespacePath}/released`, acl);
      // The mark last: it is what servers wait for.
      if (version.cluster.version === undefined) await createNode(connection, clusterPath, clusterData, acl);
      else if (version.cluster.id !== clusterId) {
        await setDataAt(connection, clusterPath, clusterData, version.cluster.version);
      }
      if (version.next === undefined) await createNode(connection, nextPath, data, acl);
      else await setDataAt(connection, nextPath, data, version.next);
      return 'written';
    } catch (error) {
      if (isNodeError(error, 'NODE_EXISTS', 'BAD_VERSION', 'NO_NODE')) return 'stale';
      throw error;
    }
  }

  return { inspect, put };
}

function readable<T>(node: NodeData | undefined, parse: (data: Buffer | undefined) => T): T | 'missing' | Unreadable {
  if (node === undefined) return 'missing';
  try {
    return parse(node.data);
  } catch (error) {
    if (!(error instanceof WitnessCorruptError)) throw error;
    return { unreadable: (node.data ?? Buffer.alloc(0)).toString('latin1').slice(0, 80) };
  }
}
