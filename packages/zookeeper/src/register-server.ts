import type { NodeSession } from './calls.js';
import type { Connection } from './connection.js';
import {
  createNode,
  getChildren,
  getData,
  isNodeError,
  makePath,
  missingNode,
  nodeAcl,
  removeAnyVersion,
} from './nodes.js';
import type { ZookeeperSession } from './session.js';

/**
 * Shows this server to operators as `/servers/<id>`, an ephemeral node that holds `description` as JSON, made again on each
 * new session. Nothing is ever decided by it, so a failure is a line in the log and nothing more. The returned function
 * stops it (the node goes with the session).
 */
export function registerServer(session: ZookeeperSession, id: string, description: object): () => void {
  if (!/^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$/.test(id)) throw new Error(`not a server id: ${JSON.stringify(id)}`);
  const path = `${session.chroot}/servers/${id}`;
  const data = Buffer.from(JSON.stringify(description));
  const acl = nodeAcl(session.authenticated);

  async function register(connection: Connection): Promise<void> {
    await makePath(connection, `${session.chroot}/servers`, acl);
    try {
      await createNode(connection, path, data, acl, 'ephemeral');
    } catch (error) {
      if (!isNodeError(error, 'NODE_EXISTS')) throw error;
      await replace(connection);
    }
  }

  /** The node of a session that is not over yet: nearly always this server's own last one. */
  async function replace(connection: Connection): Promise<void> {
    const { stat } = await getData(connection, path);
    if (stat.ephemeralOwner.toString('hex') === connection.sessionId) return;
    await removeAnyVersion(connection, path);
    await createNode(connection, path, data, acl, 'ephemeral');
  }

  function start(): void {
    void (async () => register(session.connection()))().catch((error: Error) =>
      session.log?.warn({ path, error: error.message }, 'could not register this server in ZooKeeper'),
    );
  }

  const stop = session.onConnected(start);
  if (session.state === 'connected') start();
  return stop;
}

export interface RegisteredServer {
  readonly serverId: string;
  readonly processStartMs: number;
}

/** Servers whose session lives, as they registered themselves: for people to look at, like the registration. */
export async function registeredServers(
  session: NodeSession,
  { connectWaitMs = 0 }: { readonly connectWaitMs?: number } = {},
): Promise<readonly RegisteredServer[]> {
  if (connectWaitMs > 0) await session.whenConnected(connectWaitMs);
  const connection = session.connection();
  const folder = `${session.chroot}/servers`;
  const ids = (await getChildren(connection, folder).catch(missingNode)) ?? [];
  const servers: RegisteredServer[] = [];
  for (const serverId of ids) {
    const node = await getData(connection, `${folder}/${serverId}`).catch(missingNode);
    if (node !== undefined) servers.push({ serverId, processStartMs: startIn(node.data) });
  }
  return servers;
}

/** NaN, which no lease has, for a server of an older release and for what is no description. */
function startIn(data: Buffer | undefined): number {
  try {
    const { processStartMs } = JSON.parse(String(data)) as { processStartMs?: unknown };
    return typeof processStartMs === 'number' ? processStartMs : Number.NaN;
  } catch {
    return Number.NaN;
  }
}
