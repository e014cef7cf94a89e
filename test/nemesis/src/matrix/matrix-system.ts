/** The stack under test, with wires of their own to Redis for each kind of server, and what faults do to it. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalSettings, mariadbPlan, mariadbSql, openStack, type Stack, type UpOptions } from '@lakh/local';
import { createFaultProxy, type FaultProxy } from '@lakh/testkit';
import { comesTrue } from '../until.js';
import { respCommand } from './resp.js';
import { SmallDisk, whyNoDisk } from './small-disk.js';

export interface MatrixSystemOptions {
  readonly dir: string;
  /** The repository. */
  readonly root: string;
  readonly settings: LocalSettings;
  readonly topology: Topology;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What the system is made of beside Lakh's own servers. */
export const TOPOLOGIES = {
  plain: {},
  /** The database's disk is its own, and small. */
  smallDisk: {},
  replicas: { db: 'replicas' },
  galera: { db: 'galera' },
  vitess: { db: 'vitess' },
  sentinel: { redis: 'sentinel' },
  cluster: { redis: 'cluster' },
} as const satisfies Readonly<Record<string, Pick<UpOptions, 'db' | 'redis'>>>;

export type Topology = keyof typeof TOPOLOGIES;

/** Why a system of this kind cannot be had on this machine; undefined where it can. */
export function whyNot(topology: Topology): string | undefined {
  return topology === 'smallDisk' ? whyNoDisk() : undefined;
}

export const MARIADB = 'mysql-1';
export const REDIS = 'redis-1';
/** Its primary's tablet. */
export const SHARD = 'vttablet-1';
export const REDIRECT = ['redirect-1', 'redirect-2'] as const;
export const SHORTEN = ['shorten-1', 'shorten-2'] as const;
const PATIENCE_MS = 60_000;
/** A new MariaDB takes half of it. */
const DISK_MB = 96;

interface Wires {
  readonly redisOfRedirect: FaultProxy;
  readonly redisOfShorten: FaultProxy;
  /** Of all servers. */
  readonly mariadb: FaultProxy;
}

export class MatrixSystem {
  readonly stack: Stack;
  readonly wires: Wires;
  readonly signal: AbortSignal;
  readonly #dir: string;
  readonly #topology: Topology;
  /** Where servers really listen, by name. */
  readonly #ports: Map<string, number>;
  #urls = new Map<string, string>();
  #disk: SmallDisk | undefined;

  private constructor(options: MatrixSystemOptions, wires: Wires, ports: Map<string, number>) {
    const { dir, root, settings, report, signal } = options;
    this.#dir = dir;
    this.#topology = options.topology;
    this.#ports = ports;
    this.signal = signal;
    this.wires = wires;
    // Servers of a Sentinel or a Cluster tell each other's addresses: no wire can be put between.
    const hasWires = !('redis' in TOPOLOGIES[options.topology]);
    const portOf = (name: string, port: number): number => {
      ports.set(name, port);
      if (name === MARIADB) return wires.mariadb.port;
      return name === REDIS && hasWires ? wires.redisOfRedirect.port : port;
    };
    const envOf = (name: string) => (name.startsWith('shorten') && hasWires ? this.#redisOfShorten() : {});
    this.stack = openStack({ dir, root, settings, report, detours: { portOf, envOf } });
  }

  /** One that is not up yet; {@link down} ends whatever of it there is. */
  static async open(options: MatrixSystemOptions): Promise<MatrixSystem> {
    const ports = new Map<string, number>();
    const before = (name: string) => createFaultProxy(() => ({ host: '127.0.0.1', port: ports.get(name) as number }));
    const wires = {
      redisOfRedirect: await before(REDIS),
      redisOfShorten: await before(REDIS),
      mariadb: await before(MARIADB),
    };
    return new MatrixSystem(options, wires, ports);
  }

  async up(): Promise<void> {
    if (this.#topology === 'smallDisk') await this.#mountDisk();
    const counts = { shorten: SHORTEN.length, redirect: REDIRECT.length, zookeeper: 1 };
    await this.stack.up({ ...counts, ...TOPOLOGIES[this.#topology], signal: this.signal });
    const { processes } = await this.stack.status();
    this.#urls = new Map(processes.map(({ name, url }) => [name, url]));
  }

  async down(): Promise<void> {
    await this.stack.down();
    this.#disk?.unmount();
    await Promise.all(Object.values(this.wires).map((wire) => wire.close()));
  }

  /** Under its data alone: its log goes on. */
  async #mountDisk(): Promise<void> {
    const dir = join(this.#dir, MARIADB);
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    await mariadbPlan({ name: MARIADB, dir, port: 0 }).prepare();
    this.#disk = SmallDisk.mount(join(dir, 'data'), DISK_MB);
  }

  /** The database's, of the topology `smallDisk`. */
  get disk(): SmallDisk {
    if (this.#disk === undefined) throw new Error(`the topology ${this.#topology} has no disk of its own`);
    return this.#disk;
  }

  url(name: string): string {
    return this.#urls.get(name) as string;
  }

  /** Asks one Redis itself, beside the wires. */
  redis(command: readonly string[], name: string = REDIS): Promise<string> {
    const port = this.#ports.get(name) ?? Number(new URL(this.url(name)).port);
    const password = /:([^:@]+)@/.exec(this.stack.addresses().redis)?.[1] ?? '';
    return respCommand(port, password, command);
  }

  /** Masters among the Redis servers that run, with a replica of each that has one. */
  async redisMasters(): Promise<readonly { readonly name: string; readonly replica: string | undefined }[]> {
    const names = this.stack
      .running()
      .map(({ name }) => name)
      .filter((name) => name.startsWith('redis-'));
    const roles = await Promise.all(
      names.map(async (name) => ({ name, port: new URL(this.url(name)).port, role: await this.redis(['ROLE'], name) })),
    );
    const isMaster = (role: string): boolean => role.includes('\r\nmaster\r\n');
    return roles
      .filter(({ role }) => isMaster(role))
      .map(({ name, port }) => ({
        name,
        replica: roles.find(({ role }) => !isMaster(role) && role.includes(`:${port}\r\n`))?.name,
      }));
  }

  /** As root through a MariaDB's own socket. */
  sql(statement: string, name: string = MARIADB): Promise<string> {
    return mariadbSql(mariadbPlan({ name, dir: join(this.#dir, name), port: 0 }), statement);
  }

  /** What Redis would load at its next start. */
  forgetSnapshot(): void {
    rmSync(join(this.#dir, REDIS, 'data', 'dump.rdb'), { force: true });
  }

  /** Resolves when every server says that it is well. */
  async untilWhole(): Promise<void> {
    let missing: readonly string[] = [];
    const isWhole = async (): Promise<boolean> => {
      const { processes } = await this.stack.status();
      missing = processes.filter(({ state }) => state !== 'ready').map(({ name, state }) => `${name} is ${state}`);
      return missing.length === 0;
    };
    if (await comesTrue(isWhole, PATIENCE_MS, this.signal)) return;
    throw new Error(`not whole again within ${PATIENCE_MS / 1000} s: ${missing.join(', ')}`);
  }

  #redisOfShorten(): Readonly<Record<string, string>> {
    const file = join(this.#dir, 'secrets', 'redis');
    if (!existsSync(file)) return {};
    const url = new URL(this.stack.addresses().redis);
    url.port = String(this.wires.redisOfShorten.port);
    const own = join(this.#dir, 'secrets', 'redis-of-shorten');
    writeFileSync(own, `${url}\n`, { mode: 0o600 });
    return { LAKH_REDIS_FILE: own };
  }
}
