import type { ZookeeperSession } from '@lakh/zookeeper';

/** A node read plainly and written at a version, with nothing around it. */
export interface BareNode {
  read(): Promise<{ readonly text: string; readonly version: number }>;
  /** False: somebody else wrote since that version. */
  write(text: string, version: number): Promise<boolean>;
}

type Done<T> = (error: Error | null | undefined, result: T) => void;

/** What of node-zookeeper-client is used here; it has no types of its own. */
interface Client {
  create(path: string, data: Buffer, done: Done<string>): void;
  getData(path: string, done: (error: Error | null, data: Buffer, stat: { readonly version: number }) => void): void;
  setData(path: string, data: Buffer, version: number, done: Done<unknown>): void;
}

/** Makes the node where it is missing. `path` is below the root, whatever the session's chroot. */
export async function openBareNode(session: ZookeeperSession, path: string): Promise<BareNode> {
  function call<T>(kind: 'read' | 'write', start: (client: Client, done: Done<T>) => void): Promise<T> {
    return session
      .connection()
      .call<T>(kind, `${kind} ${path}`, (client: unknown, done: unknown) => start(client as Client, done as Done<T>));
  }
  await call<string>('write', (client, done) => client.create(path, Buffer.from('100000 100000'), done)).catch(
    unless('NODE_EXISTS'),
  );
  return {
    read: () =>
      call('read', (client, done) =>
        client.getData(path, (error, data, stat) => done(error, { text: String(data), version: stat?.version })),
      ),
    write: (text, version) =>
      call<unknown>('write', (client, done) => client.setData(path, Buffer.from(text), version, done)).then(
        () => true,
        unless('BAD_VERSION'),
      ),
  };
}

/** False for that answer of ZooKeeper; any other error is thrown on. */
function unless(kind: string): (error: unknown) => false {
  return (error) => {
    if ((error as { readonly kind?: string }).kind === kind) return false;
    throw error;
  };
}
