import type { ZkAcl, ZkClient } from 'node-zookeeper-client';
import type { NodeConnection } from './calls.js';
import { getChildren, missingNode, nodeAcl } from './nodes.js';
import type { ZookeeperSession } from './session.js';

/** ZooKeeper's own, which anyone may read and nobody may change. */
const CONFIG = '/zookeeper/config';

/**
 * Makes every node of the ensemble the session's own, from the root down, which anyone may write in a new ensemble: for an ensemble that is
 * Lakh's alone. Rejects with a WitnessForbiddenError where a node belongs to somebody else.
 */
export async function closeToStrangers(session: ZookeeperSession): Promise<void> {
  if (!session.authenticated) throw new Error('a session without credentials would close the ensemble to itself');
  const acl = nodeAcl(true);
  const waiting = ['/'];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    // A server's own node goes with its session.
    await setAcl(session.connection(), path, acl).catch(missingNode);
    const children = (await getChildren(session.connection(), path).catch(missingNode)) ?? [];
    const parent = path === '/' ? '' : path;
    waiting.push(...children.map((name) => `${parent}/${name}`).filter((child) => child !== CONFIG));
  }
}

function setAcl(connection: NodeConnection, path: string, acl: readonly ZkAcl[]): Promise<void> {
  return connection.call('write', `set the rights of ${path}`, (client, done) =>
    // No server asks for this, so that what stands in for the library in a simulation need not know it.
    (client as ZkClient).setACL(path, acl, (error) => done(error, undefined)),
  );
}
