import type { NodeConnection, NodeError, ZkError, ZookeeperSession } from '@lakh/zookeeper';

/** A node read plainly and written at a version, with nothing around it. */
export interface BareNode {
  read(): Promise<{ readonly text: string; readonly version: number }>;
  /** False: somebody else wrote since that version. */
  write(text: string, version: number): Promise<boolean>;
}

/** Of node-zookeeper-client: with everything that may be left out left out. */
interface Creating {
  create(path: string, data: Buffer, done: (error: ZkError | null | undefined, path: string) => void): void;
}

/** Makes the node where it is missing. `path` is below the root, whatever the session's chroot. */
export async function openBareNode(session: ZookeeperSession, path: string): Promise<BareNode> {
  const call: NodeConnection['call'] = (kind, operation, start) =>
    session.connection().call(kind, `${operation} ${path}`, start);
  await call<string>('write', 'create', (client, done) =>
    (client as unknown as Creating).create(path, Buffer.from('100000 100000'), done),
  ).catch(unless('NODE_EXISTS'));
  return {
    read: () =>
      call('read', 'read', (client, done) =>
        client.getData(path, (error, data, stat) => done(error, { text: String(data), version: stat?.version })),
      ),
    write: (text, version) =>
      call<unknown>('write', 'write', (client, done) => client.setData(path, Buffer.from(text), version, done)).then(
        () => true,
        unless('BAD_VERSION'),
      ),
  };
}

/** False for that answer of ZooKeeper; any other error is thrown on. */
function unless(kind: NodeError['kind']): (error: unknown) => false {
  return (error) => {
    if ((error as Partial<NodeError>).kind === kind) return false;
    throw error;
  };
}
