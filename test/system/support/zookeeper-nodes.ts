import { createZookeeperSession, parseZookeeperAddress } from '@lakh/zookeeper';

/** The one call that the services do not make. */
interface Lister {
  getChildren(path: string, done: (error: null, names: string[]) => void): void;
}

export interface ZookeeperNodes {
  /** Names below `path`, which is relative to the address's chroot. */
  children(path: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Looks into an ensemble, beside the servers. `address` and `credential` as LAKH_ZOOKEEPER and LAKH_ZOOKEEPER_AUTH have them. */
export async function zookeeperNodes(address: string, credential: string): Promise<ZookeeperNodes> {
  const { servers, chroot } = parseZookeeperAddress(address);
  const session = createZookeeperSession({ servers, chroot, auth: { scheme: 'digest', credential } });
  await session.whenConnected(10_000);
  return {
    children: (path) =>
      session.connection().call<string[]>('read', `list ${path}`, (client, done) => {
        (client as unknown as Lister).getChildren(`${chroot}${path}`, done);
      }),
    close: () => session.close(),
  };
}
