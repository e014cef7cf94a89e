import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createLakhDatabase,
  freePorts,
  GENEROUS_LIMITS,
  type LocalServer,
  launch,
  mariadbPlan,
  nginxPlan,
  redisPlan,
  zookeeperEnsemble,
} from '../../../deploy/local/src/index';
import { servicePlan } from '../../../deploy/local/src/stack/service-plan';

export const TOKEN = 'a-token-that-deletes-links-for-this';
const COMMAND_DEADLINE_MS = 60_000;
const PASSWORD = 'rows';
const MIGRATE_PASSWORD = 'tables';

/** Where a release is built. */
export interface Release {
  readonly root: string;
  /** How it calls the setting of the database. */
  readonly database: 'LAKH_SHARDS' | 'LAKH_DATABASE';
}

type Role = 'shorten' | 'redirect';
export type ServerName = `${Role}-${1 | 2}`;
const NAMES: readonly ServerName[] = ['shorten-1', 'shorten-2', 'redirect-1', 'redirect-2'];

/** ZooKeeper, a database, Redis and the gateway, and before them two servers of each service, each of any release. */
export class TwoReleases {
  readonly dir = mkdtempSync(join(tmpdir(), 'lakh-releases-'));
  url = '';
  readonly #behind: LocalServer[] = [];
  readonly #servers = new Map<ServerName, LocalServer>();
  readonly #ports = new Map<ServerName, readonly [port: number, adminPort: number]>();
  #env: Readonly<Record<string, string>> = {};
  #database = '';

  async up(): Promise<void> {
    const ensemble = await zookeeperEnsemble({ dir: this.dir, nodes: 1 });
    const taken = new Set([...ensemble.connectString.matchAll(/:(\d+)/g)].map(([, found]) => Number(found)));
    const free = await freePorts(4 + 2 * NAMES.length, taken);
    const [port = 0, adminPort = 0, mysql = 0, redis = 0, ...ports] = free;
    NAMES.forEach((name, i) => {
      this.#ports.set(name, [ports[2 * i] as number, ports[2 * i + 1] as number]);
    });
    const database = mariadbPlan({ name: 'mysql', dir: join(this.dir, 'mysql'), port: mysql });
    const gateway = nginxPlan({
      ...{ name: 'gateway', dir: join(this.dir, 'gateway'), port, adminPort },
      shortenPorts: this.#portsOf('shorten'),
      redirectPorts: this.#portsOf('redirect'),
      ratePerS: 100_000,
      requestsPerClient: 1_000,
    });
    const plans = [database, redisPlan({ name: 'redis', dir: join(this.dir, 'redis'), port: redis }), gateway];
    const started = await Promise.allSettled([...plans, ...ensemble.plans].map((plan) => launch(plan)));
    this.#behind.push(...started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    await createLakhDatabase(database, { password: PASSWORD, migratePassword: MIGRATE_PASSWORD });
    const tokens = join(this.dir, 'tokens');
    writeFileSync(tokens, `test:${createHash('sha256').update(TOKEN).digest('hex')}\n`);
    this.url = `http://127.0.0.1:${port}`;
    this.#database = `127.0.0.1:${mysql}/lakh`;
    this.#env = {
      PATH: process.env.PATH ?? '',
      ...GENEROUS_LIMITS,
      LAKH_OPEN: 'true',
      LAKH_API_TOKENS_FILE: tokens,
      LAKH_PUBLIC_URL: this.url,
      LAKH_TRUSTED_PROXIES: '127.0.0.1/32',
      LAKH_ZOOKEEPER: `${ensemble.connectString}/lakh`,
      LAKH_REDIS: `redis://127.0.0.1:${redis}`,
      LAKH_RANGE_SIZE: '1000',
    };
  }

  #portsOf(role: Role): number[] {
    return NAMES.filter((name) => name.startsWith(role)).map((name) => this.#ports.get(name)?.[0] as number);
  }

  /** Has a server drain, if it runs, and starts it, of this release; resolves when it is ready. */
  async run(name: ServerName, release: Release, migrate: 'auto' | 'never' = 'never'): Promise<void> {
    await this.#servers.get(name)?.stop();
    const [role] = name.split('-') as [Role];
    const [port, adminPort] = this.#ports.get(name) as readonly [number, number];
    const user = migrate === 'auto' ? `lakh_migrate:${MIGRATE_PASSWORD}` : `lakh:${PASSWORD}`;
    const env = {
      ...this.#env,
      LAKH_SERVER_ID: name,
      [release.database]: `mysql://${user}@${this.#database}`,
      ...(role === 'shorten' ? { LAKH_MIGRATE: migrate } : {}),
    };
    const plan = servicePlan({ name, role, dir: join(this.dir, name), port, adminPort, root: release.root, env });
    this.#servers.set(name, await launch(plan));
  }

  /** The operator's `lakh migrate`, as the user that may. */
  migrate(release: Release): Promise<string> {
    const env = {
      PATH: process.env.PATH,
      [release.database]: `mysql://lakh_migrate:${MIGRATE_PASSWORD}@${this.#database}`,
    };
    const program = join(release.root, 'services', 'lakh', 'dist', 'main.js');
    return new Promise((resolve, reject) => {
      const options = { cwd: this.dir, env, timeout: COMMAND_DEADLINE_MS };
      execFile(process.execPath, [program, 'migrate'], options, (error, stdout, stderr) =>
        error ? reject(new Error(stderr || error.message)) : resolve(stdout),
      );
    });
  }

  async down(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
    await Promise.all(this.#behind.map((server) => server.stop()));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
