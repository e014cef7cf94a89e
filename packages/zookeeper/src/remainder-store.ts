import type { CounterRange, Remainder, RemainderList, RemainderStore } from '@lakh/id-range';
import type { NodeConnection, NodeSession } from './calls.js';
import type { ZookeeperMarkStoreOptions } from './mark-store.js';
import { formatRemainderName, parseRemainderName } from './mark-text.js';
import { createNode, getChildren, isNodeError, makePath, missingNode, nodeAcl, removeAt } from './nodes.js';

/** Nobody writes to a remainder's node after it was made, so it is the one that was made as long as its version is this. */
const AS_MADE = 0;

/** A node's version, good only on the connection (and so on the session) that listed it (I2), and only for its node. */
class ListedVersion {
  readonly connection: NodeConnection;
  readonly path: string;
  constructor(connection: NodeConnection, path: string) {
    this.connection = connection;
    this.path = path;
  }
}

/**
 * Remainders in ZooKeeper: one empty persistent node each, `/ranges/<namespace>/released/<start>-<end>`, made by one plain create and
 * deleted by one plain versioned remove. Besides what {@link RemainderStore} promises, calls reject with
 * {@link WitnessForbiddenError} as the mark store's do.
 */
export function createZookeeperRemainderStore(
  session: NodeSession,
  { namespace, connectWaitMs = 0 }: ZookeeperMarkStoreOptions,
): RemainderStore {
  const folder = `${session.chroot}/ranges/${namespace}/released`;
  const acl = nodeAcl(session.authenticated);

  async function list(limit: number): Promise<RemainderList> {
    if (connectWaitMs > 0) await session.whenConnected(connectWaitMs);
    const connection = session.connection();
    const names = (await getChildren(connection, folder).catch(missingNode)) ?? [];
    const ranges = names.flatMap((name) => parseRemainderName(name) ?? []);
    const remainders = ranges
      .sort((a, b) => a.start - b.start || a.end - b.end)
      .slice(0, limit)
      .map((range) => ({ range, version: new ListedVersion(connection, pathOf(range)) }));
    return { remainders, malformed: names.length - ranges.length };
  }

  async function publish(range: CounterRange): Promise<'published' | 'exists'> {
    const path = pathOf(range);
    const connection = session.connection();
    try {
      return await createAt(connection, path);
    } catch (error) {
      // An ensemble that was rebuilt by hand may lack the folder. This answer says that nothing was made: no doubt, so no repetition.
      if (!isNodeError(error, 'NO_NODE')) throw error;
      await makePath(connection, folder, acl);
      return await createAt(connection, path);
    }
  }

  async function createAt(connection: NodeConnection, path: string): Promise<'published' | 'exists'> {
    try {
      await createNode(connection, path, Buffer.alloc(0), acl);
      return 'published';
    } catch (error) {
      if (isNodeError(error, 'NODE_EXISTS')) return 'exists';
      throw error;
    }
  }

  async function claim({ range, version }: Remainder): Promise<'claimed' | 'gone'> {
    const path = pathOf(range);
    if (!(version instanceof ListedVersion) || version.path !== path) {
      throw new TypeError(`this version was not listed for ${path}`);
    }
    const connection = session.connection();
    if (version.connection !== connection) return 'gone';
    try {
      await removeAt(connection, path, AS_MADE);
      return 'claimed';
    } catch (error) {
      if (isNodeError(error, 'NO_NODE', 'BAD_VERSION')) return 'gone';
      throw error;
    }
  }

  function pathOf(range: CounterRange): string {
    return `${folder}/${formatRemainderName(range)}`;
  }

  return { list, publish, claim };
}
