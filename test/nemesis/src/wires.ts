import { createFaultProxy, type FaultProxy } from '@lakh/testkit';

/** What a Lakh server reaches through a wire that can be cut. */
export type Wired = 'zookeeper' | 'mariadb' | 'redis';

/** A fault proxy in front of each ZooKeeper node, MariaDB and Redis; it learns its server's port when that is first asked for. */
export class Wires {
  readonly #proxies: ReadonlyMap<string, FaultProxy>;
  readonly #ports: Map<string, number>;

  private constructor(proxies: ReadonlyMap<string, FaultProxy>, ports: Map<string, number>) {
    this.#proxies = proxies;
    this.#ports = ports;
  }

  /** `names`: of the servers, as the stack names them. */
  static async open(names: readonly string[]): Promise<Wires> {
    const ports = new Map<string, number>();
    const proxies = new Map<string, FaultProxy>();
    for (const name of names) {
      proxies.set(name, await createFaultProxy(() => ({ host: '127.0.0.1', port: ports.get(name) as number })));
    }
    return new Wires(proxies, ports);
  }

  /** For the stack's detours: where the server `name`, which listens on `port`, is reached. */
  portOf(name: string, port: number): number {
    this.#ports.set(name, port);
    return this.#proxies.get(name)?.port ?? port;
  }

  of(wired: Wired): readonly FaultProxy[] {
    const prefix = wired === 'mariadb' ? 'mysql-' : `${wired}-`;
    return [...this.#proxies].filter(([name]) => name.startsWith(prefix)).map(([, proxy]) => proxy);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }
}
