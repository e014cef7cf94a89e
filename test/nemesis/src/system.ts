/** The stack of deploy/local with wires that can be cut, and what faults do to it and ask of it. Everything is written to the history. */
import { cpSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from '@lakh/backend';
import { openCluster } from '@lakh/backend/cluster';
import {
  childrenOf,
  identify,
  type LocalSettings,
  mariadbPlan,
  mariadbSql,
  openStack,
  type Stack,
  zookeeperMode,
} from '@lakh/local';
import { parseDatabase } from '@lakh/mysql';
import type { Admin } from '@lakh/operations';
import { parseZookeeperAddress } from '@lakh/zookeeper';
import { SkewedClock } from './clock.js';
import type { HistoryWriter } from './history.js';
import { Http } from './http.js';
import { comesTrue } from './until.js';
import { Wires } from './wires.js';

export interface SystemOptions {
  readonly dir: string;
  /** The repository. */
  readonly root: string;
  readonly settings: LocalSettings;
  readonly history: HistoryWriter;
  /** Absent: clocks cannot be skewed here. */
  readonly faketimeLibrary: string | undefined;
  readonly report: (line: string) => void;
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

export const SHORTEN = ['shorten-1', 'shorten-2', 'shorten-3'] as const;
export const REDIRECT = ['redirect-1', 'redirect-2'] as const;
export const ZOOKEEPER = ['zookeeper-1', 'zookeeper-2', 'zookeeper-3'] as const;
export const MARIADB = 'mysql-1';
export const REDIS = 'redis-1';
/** A supervisor and its workers; the others are one process each. */
export const WITH_WORKERS = 'shorten-2';
export const WORKERS = 2;
/** Whose clock is skewed. */
const SKEWED = 'shorten-3';

/** Of servers and operator. Far more than an attempt takes while nothing is frozen; a repair waits for it twice. */
export const LEASE_ATTEMPT_MS = 2_000;
/** Far above what anything takes on a machine that is busy with other things. */
const PATIENCE_MS = 90_000;
const PROBE_DEADLINE_MS = 2_000;
/** Of one call, and of a wait for a session. */
const WITNESS_DEADLINE_MS = 10_000;
const NAMESPACE = 'links';

export interface Readiness {
  readonly status: string;
  readonly checks: Readonly<Record<string, { readonly status: string; readonly detail?: string } | undefined>>;
}

export class System {
  readonly stack: Stack;
  readonly wires: Wires;
  readonly history: HistoryWriter;
  readonly clock: SkewedClock | undefined;
  readonly http = new Http();
  readonly signal: AbortSignal;
  readonly dir: string;
  readonly root: string;
  #urls = new Map<string, { readonly url: string; readonly adminUrl: string }>();
  #backend: Backend | undefined;
  #admin: Admin | undefined;

  private constructor(options: SystemOptions, wires: Wires) {
    const { dir, root, settings, report, faketimeLibrary } = options;
    this.dir = dir;
    this.root = root;
    this.wires = wires;
    this.history = options.history;
    this.signal = options.signal;
    this.clock = faketimeLibrary === undefined ? undefined : new SkewedClock(dir, faketimeLibrary);
    const skewed = this.clock?.environment ?? {};
    this.stack = openStack({
      dir,
      root,
      settings,
      report,
      detours: {
        portOf: (name, port) => wires.portOf(name, port),
        envOf: (name) => ({
          ...(name === SKEWED && skewed),
          ...(name === WITH_WORKERS && { LAKH_WORKERS: String(WORKERS) }),
        }),
      },
    });
  }

  /** A system that is not up yet; {@link down} ends whatever of it there is. */
  static async open(options: SystemOptions): Promise<System> {
    return new System(options, await Wires.open([...ZOOKEEPER, MARIADB, REDIS]));
  }

  async up(): Promise<void> {
    const counts = { shorten: SHORTEN.length, redirect: REDIRECT.length, zookeeper: ZOOKEEPER.length };
    await this.stack.up({ ...counts, signal: this.signal });
    const { processes } = await this.stack.status();
    this.#urls = new Map(processes.map(({ name, url, adminUrl }) => [name, { url, adminUrl: adminUrl ?? '' }]));
    for (const { name, pid } of this.stack.running()) this.#note(name, pid, 'started');
    const { zookeeper, zookeeperAuth, databaseFile } = this.stack.addresses();
    const settings = {
      zookeeper: parseZookeeperAddress(zookeeper),
      zookeeperAuth,
      database: parseDatabase(readFileSync(databaseFile, 'utf8')),
      storeDeadlineMs: WITNESS_DEADLINE_MS,
    };
    this.#backend = openCluster({ settings, zookeeperDeadlineMs: WITNESS_DEADLINE_MS });
    this.#admin = await this.#backend.admin();
  }

  async down(): Promise<void> {
    this.http.close();
    await this.#backend?.close();
    await this.stack.down();
    await this.wires.close();
  }

  /** Beside the wires: what the witnesses really have. */
  get admin(): Admin {
    if (this.#admin === undefined) throw new Error('the system is not up');
    return this.#admin;
  }

  url(name: string): string {
    return this.#urls.get(name)?.url as string;
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(...names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        this.#note(name, this.#pidOf(name), 'killed');
        await this.stack.kill(name);
      }),
    );
  }

  /** SIGKILL of its own process, and not of those that it started; resolves when all are gone, for these end by themselves. */
  async killAlone(name: string): Promise<void> {
    const pid = this.#pidOf(name);
    const all = [pid, ...childrenOf(pid)];
    this.#note(name, pid, 'killed');
    process.kill(pid, 'SIGKILL');
    await this.until(() => all.every((each) => identify(each) === undefined), `the workers of ${name} end`);
  }

  /** SIGTERM; resolves when it is gone. */
  async stop(...names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const pid = this.#pidOf(name);
        await this.stack.kill(name, 'SIGTERM');
        await this.until(() => this.#findPid(name) !== pid, `${name} ends`);
        this.#note(name, pid, 'stopped');
      }),
    );
  }

  /** Resolves when they answer. */
  async start(...names: readonly string[]): Promise<void> {
    try {
      await this.stack.start(...names);
    } finally {
      for (const name of names) {
        const pid = this.#findPid(name);
        if (pid !== undefined) this.#note(name, pid, 'started');
      }
    }
  }

  /** Waits for what has to come true, far longer than it takes. */
  async until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    if (await comesTrue(condition, PATIENCE_MS, this.signal)) return;
    throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
  }

  freeze(name: string): Promise<void> {
    return this.stack.kill(name, 'SIGSTOP');
  }

  thaw(name: string): Promise<void> {
    return this.stack.kill(name, 'SIGCONT');
  }

  /** Process ids, once as many as it should have are there. */
  async workersOf(name: string): Promise<readonly number[]> {
    let workers: readonly number[] = [];
    await this.until(() => {
      workers = childrenOf(this.#pidOf(name));
      return workers.length >= WORKERS;
    }, `${name} has its workers`);
    return workers;
  }

  /** Undefined while it does not answer. */
  async readiness(name: string): Promise<Readiness | undefined> {
    const url = `${this.#urls.get(name)?.adminUrl}/healthz/ready`;
    const answer = await this.http.ask('GET', url, { deadlineMs: PROBE_DEADLINE_MS }).catch(() => undefined);
    return answer && (JSON.parse(answer.body) as Readiness);
  }

  /** Every shorten server leases and every redirect server answers. */
  async untilWhole(): Promise<void> {
    const last = new Map<string, Readiness | undefined>();
    const isWhole = async (name: string): Promise<boolean> => {
      const now = await this.readiness(name);
      last.set(name, now);
      return now?.status === 'ready';
    };
    for (const name of [...SHORTEN, ...REDIRECT]) {
      await this.until(() => isWhole(name), `${name} is ready`).catch((error: Error) => {
        throw new Error(`${error.message}, but says ${JSON.stringify(last.get(name))}`, { cause: error });
      });
    }
  }

  /** The ensemble's leader, or undefined while it has none. */
  async zookeeperLeader(): Promise<string | undefined> {
    for (const name of ZOOKEEPER) {
      if ((await zookeeperMode(Number(new URL(this.url(name)).port))) === 'leader') return name;
    }
    return undefined;
  }

  /** Ids of the servers that have a session: their nodes vanish with it, and not before. */
  async registered(): Promise<readonly string[]> {
    try {
      return (await this.admin.runningServers()).map(({ serverId }) => serverId);
    } catch {
      // Between two connections; a caller that waits for servers to vanish must not take this for it.
      return ['unknown'];
    }
  }

  /** Resolves when ZooKeeper has expired the sessions of these processes. */
  async untilExpired(...names: readonly string[]): Promise<void> {
    const pids = names.map((name) => this.#pidOf(name));
    await this.until(
      async () => {
        const present = await this.registered();
        return !present.some((id) => id === 'unknown' || pids.some((pid) => id.includes(`-${pid}-`)));
      },
      `the session of ${names.join(', ')} expires`,
    );
  }

  /** As root through MariaDB's own socket: nothing of Lakh's is trusted in this. Rows of tab-separated columns. */
  async sql(statement: string): Promise<string[][]> {
    const dir = join(this.dir, MARIADB);
    const text = await mariadbSql(mariadbPlan({ name: MARIADB, dir, port: 0 }), statement);
    const lines = text === '' ? [] : text.trimEnd().split('\n');
    return lines.map((line) => line.split('\t'));
  }

  /** The ledger's head: where the highest lease ends. */
  async head(): Promise<number> {
    const [row] = await this.sql(`SELECT head FROM lakh.id_heads WHERE namespace='${NAMESPACE}'`);
    return Number(row?.[0]);
  }

  /** Resolves once servers have leased a few ranges more. */
  async untilLeased(ranges: number, rangeSize: number): Promise<void> {
    const before = await this.head();
    const isThere = async (): Promise<boolean> => (await this.head()) >= before + ranges * rangeSize;
    await this.until(isThere, `${ranges} more ranges are leased`);
  }

  /** The data of stopped servers, copied beside them under `copy`. */
  copyData(names: readonly string[], copy: string): void {
    for (const name of names) cpSync(join(this.dir, name, 'data'), join(this.dir, name, copy), { recursive: true });
  }

  /** Of stopped servers: what they have is put aside as `aside`, and a copy of `copy` takes its place; nothing, without it. */
  replaceData(names: readonly string[], aside: string, copy?: string): void {
    for (const name of names) {
      const data = join(this.dir, name, 'data');
      renameSync(data, join(this.dir, name, aside));
      if (copy !== undefined) cpSync(join(this.dir, name, copy), data, { recursive: true });
    }
  }

  #findPid(name: string): number | undefined {
    return this.stack.running().find((process) => process.name === name)?.pid;
  }

  #pidOf(name: string): number {
    const pid = this.#findPid(name);
    if (pid === undefined) throw new Error(`${name} is not running`);
    return pid;
  }

  #note(server: string, pid: number, fate: 'started' | 'killed' | 'stopped'): void {
    this.history.add({ type: 'process', server, pid, fate, atMs: this.history.nowMs() });
  }
}
