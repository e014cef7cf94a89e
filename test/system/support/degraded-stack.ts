import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@lakh/testkit';
import { type Connection, createConnection } from 'mysql2/promise';
import { readSettings } from '../../../deploy/local/src/config';
import { freePorts, GENEROUS_LIMITS, mariadbAdmin, openStack, type Stack } from '../../../deploy/local/src/index';
import { ask } from './ask';

const root = join(__dirname, '..', '..', '..');
const ZOOKEEPERS = ['zookeeper-1', 'zookeeper-2', 'zookeeper-3'];

export interface Readiness {
  readonly httpStatus: number;
  readonly status: string;
  readonly checks: Readonly<Record<string, { readonly status: string; readonly detail?: string } | undefined>>;
}

/** A Lakh server that is no part of the stack but runs on its ZooKeeper, MariaDB and Redis. */
export interface ExtraServer {
  readonly child: ChildProcess;
  readonly url: string;
  readonly adminUrl: string;
  /** What it has written to stderr so far. */
  readonly log: () => string;
  /** The exit status, or the signal that ended it. */
  readonly end: Promise<number | string>;
}

/** The whole system in a folder of its own, with what the tests of degraded modes do to it and ask of it. */
export class DegradedStack {
  readonly stack: Stack;
  readonly dir: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #extras: ExtraServer[] = [];
  #urls = new Map<string, { readonly url: string; readonly adminUrl: string }>();

  private constructor(dir: string, env: Readonly<Record<string, string>>) {
    this.dir = dir;
    this.#env = env;
    this.stack = openStack({ dir, root, settings: readSettings({ PATH: process.env.PATH, ...env }) });
  }

  /** Starts the system; `env` holds LAKH_ settings for its servers. */
  static async up(
    counts: { readonly shorten: number; readonly redirect: number },
    env: Readonly<Record<string, string>>,
  ): Promise<DegradedStack> {
    const self = new DegradedStack(realpathSync(mkdtempSync(join(tmpdir(), 'lakh-degraded-'))), env);
    await self.stack.up(counts).catch(async (error: unknown) => {
      await self.down();
      throw error;
    });
    const { processes } = await self.stack.status();
    self.#urls = new Map(processes.map(({ name, url, adminUrl }) => [name, { url, adminUrl: adminUrl ?? '' }]));
    return self;
  }

  async down(): Promise<void> {
    for (const { child, end } of this.#extras) {
      child.kill('SIGKILL');
      await end;
    }
    await this.stack.down({ wipe: true });
    rmSync(this.dir, { recursive: true, force: true });
  }

  url(name: string): string {
    return this.#urls.get(name)?.url as string;
  }

  readiness(name: string): Promise<Readiness> {
    return readinessOf(this.#urls.get(name)?.adminUrl as string);
  }

  /** Waits until `name`'s readiness is as expected; the whole of what it said is in the error otherwise. */
  async untilReadiness(name: string, what: string, accept: (now: Readiness) => boolean): Promise<Readiness> {
    let last: Readiness | undefined;
    await until(async () => {
      // Whoever is just being started does not listen yet.
      last = await this.readiness(name).catch(() => undefined);
      return last !== undefined && accept(last);
    }, `${name}: ${what}`).catch((error: Error) => {
      throw new Error(`${error.message}, but ${JSON.stringify(last)}`);
    });
    return last as Readiness;
  }

  /** Every sample of one metric, its labels summed up. */
  async metric(name: string, metric: string): Promise<number> {
    const { body } = await ask('GET', `${this.#urls.get(name)?.adminUrl}/metrics`);
    const values = [...body.matchAll(new RegExp(`^${metric}(?:{[^}]*})? (\\S+)$`, 'gm'))].map(([, value]) =>
      Number(value),
    );
    if (values.length === 0 && !body.includes(`# TYPE ${metric} `)) throw new Error(`${name} has no metric ${metric}`);
    return values.reduce((sum, value) => sum + value, 0);
  }

  log(name: string): string {
    return readFileSync(this.stack.logFile(name), 'utf8');
  }

  /** As the database's own administrator; the caller ends it. */
  databaseRoot(): Promise<Connection> {
    return createConnection(mariadbAdmin(join(this.dir, 'mysql-1')));
  }

  async killZookeepers(): Promise<void> {
    await Promise.all(ZOOKEEPERS.map((name) => this.stack.kill(name)));
  }

  async startZookeepers(): Promise<void> {
    await this.stack.start(...ZOOKEEPERS);
  }

  /** While they are down. */
  copyZookeeperData(to: string): void {
    for (const name of ZOOKEEPERS) cpSync(join(this.dir, name, 'data'), join(this.dir, name, to), { recursive: true });
  }

  /** While they are down: what they have now is kept under `keep`, and what is under `use` takes its place; nothing without it. */
  swapZookeeperData({ keep, use }: { readonly keep: string; readonly use?: string }): void {
    for (const name of ZOOKEEPERS) {
      const data = join(this.dir, name, 'data');
      renameSync(data, join(this.dir, name, keep));
      if (use !== undefined) renameSync(join(this.dir, name, use), data);
    }
  }

  /** Starts a shorten server beside the stack's; does not wait for anything but its process. */
  async spawnShorten(env: Readonly<Record<string, string>> = {}): Promise<ExtraServer> {
    const [port, adminPort] = (await freePorts(2)) as [number, number];
    const { zookeeper, zookeeperAuth, redis, databaseFile, url } = this.stack.addresses();
    const child = spawn(process.execPath, [join(root, 'services', 'shorten', 'dist', 'main.js')], {
      cwd: this.dir,
      env: {
        PATH: process.env.PATH,
        LAKH_WORKERS: '1',
        ...GENEROUS_LIMITS,
        ...this.#env,
        LAKH_LISTEN: `127.0.0.1:${port}`,
        LAKH_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
        LAKH_PUBLIC_URL: url,
        LAKH_ZOOKEEPER: zookeeper,
        LAKH_ZOOKEEPER_AUTH: zookeeperAuth,
        LAKH_REDIS: redis,
        LAKH_DATABASE_FILE: databaseFile,
        LAKH_MIGRATE: 'never',
        ...env,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const end = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
    const server: ExtraServer = {
      child,
      url: `http://127.0.0.1:${port}`,
      adminUrl: `http://127.0.0.1:${adminPort}`,
      log: () => log,
      end,
    };
    this.#extras.push(server);
    return server;
  }

  /** The same, and waits until it can be asked for links. */
  async startShorten(env: Readonly<Record<string, string>> = {}): Promise<ExtraServer> {
    const server = await this.spawnShorten(env);
    const isReady = () =>
      readinessOf(server.adminUrl).then(
        ({ httpStatus }) => httpStatus === 200,
        () => false,
      );
    await until(async () => server.child.exitCode !== null || (await isReady()), 'a server is ready').catch(
      (error: unknown) => {
        throw new Error(`a server did not become ready:\n${server.log()}`, { cause: error });
      },
    );
    if (server.child.exitCode !== null) throw new Error(`a server did not start:\n${server.log()}`);
    return server;
  }
}

/** SIGTERM, and the clean end that it has to lead to. */
export async function drained({ child, end, log }: ExtraServer): Promise<void> {
  child.kill('SIGTERM');
  const status = await end;
  if (status !== 0) throw new Error(`a server ended with ${status}:\n${log()}`);
}

export async function readinessOf(adminUrl: string): Promise<Readiness> {
  const { status, body } = await ask('GET', `${adminUrl}/healthz/ready`);
  return { httpStatus: status, ...(JSON.parse(body) as Omit<Readiness, 'httpStatus'>) };
}
