import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '@lakh/backend';
import { openCluster } from '@lakh/backend/cluster';
import {
  type CounterRange,
  type LeaseHolder,
  RangeAllocator,
  type RangeAllocatorOptions,
  ReclaimingLease,
  systemClock,
  TwoWitnessLease,
} from '@lakh/id-range';
import { launch, zookeeperEnsemble } from '@lakh/local';
import {
  createZookeeperSession,
  parseZookeeperAddress,
  type ZookeeperSession,
  type ZookeeperSessionOptions,
} from '@lakh/zookeeper';
import { startDatabase, type TestDatabase } from '../../../packages/mysql/test/database.js';
import { getData } from '../../../packages/zookeeper/src/nodes.js';
import { lakh } from './harness.js';

const DEADLINE_MS = 3_000;
/** Closed at the end of a file at the latest, also when a test failed before it closed its own. */
const opened: { close(): Promise<void> }[] = [];
export const NAMESPACE = 'links';
export const NEXT = `/ranges/${NAMESPACE}/next`;

/** A ZooKeeper and a database of a test file's own, and the way to an unused system on them. */
export interface RealWitnesses {
  readonly database: TestDatabase;
  /** LAKH_DATABASE of a server. */
  readonly databaseSetting: string;
  /** Empties the database; a chroot that nobody has used, as LAKH_ZOOKEEPER. */
  fresh(): Promise<string>;
  /** As a server at that address opens it; connected to both witnesses. `auth`: as LAKH_ZOOKEEPER_AUTH. */
  open(address: string, auth?: string): Promise<Backend>;
  /** Its nodes' data, of a moment at which none runs. They run before and after; whoever was connected is cut off. */
  copyZookeeper(to: string): Promise<void>;
  restoreZookeeper(from: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startWitnesses(options: {
  readonly nodes: number;
  /** See {@link startDatabase}. */
  readonly isUncaged?: boolean;
}): Promise<RealWitnesses> {
  const { nodes, isUncaged = false } = options;
  const dir = await mkdtemp(join(tmpdir(), 'lakh-witnesses-'));
  const ensemble = await zookeeperEnsemble({ dir, nodes });
  const [database, ...servers] = await Promise.all([
    startDatabase([], isUncaged),
    ...ensemble.plans.map((plan) => launch(plan)),
  ]);
  const settingOf = ({ host, port, user, password, database: name }: TestDatabase['app']): string =>
    `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${name}`;
  await lakh({ LAKH_DATABASE: settingOf(database.migrator) }, 'migrate');
  let chroots = 0;
  return {
    database,
    databaseSetting: settingOf(database.app),
    async fresh() {
      await database.sql(
        'DELETE FROM id_heads; DELETE FROM id_leases; DELETE FROM id_releases; DELETE FROM links; DELETE FROM settings',
      );
      chroots += 1;
      return `${ensemble.connectString}/system-${chroots}`;
    },
    async open(address, zookeeperAuth) {
      const zookeeper = parseZookeeperAddress(address);
      const settings = { zookeeper, zookeeperAuth, database: [database.app], storeDeadlineMs: DEADLINE_MS };
      const backend = openCluster({ settings, zookeeperDeadlineMs: DEADLINE_MS });
      opened.push(backend);
      await (await backend.admin()).marks.inspect();
      return backend;
    },
    async copyZookeeper(to) {
      await Promise.all(servers.map((server) => server.stop()));
      for (const { plan } of servers) await cp(join(plan.dir, 'data'), join(to, plan.name), { recursive: true });
      await Promise.all(servers.map((server) => server.restart()));
    },
    async restoreZookeeper(from) {
      await Promise.all(servers.map((server) => server.stop()));
      for (const { plan } of servers) {
        await rm(join(plan.dir, 'data'), { recursive: true });
        await cp(join(from, plan.name), join(plan.dir, 'data'), { recursive: true });
        await plan.prepare();
      }
      await Promise.all(servers.map((server) => server.restart()));
    },
    async stop() {
      await Promise.all(opened.splice(0).map((one) => one.close()));
      await Promise.all([database.stop(), ...servers.map((server) => server.stop())]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function connect(
  address: string,
  options: Partial<ZookeeperSessionOptions> = {},
): Promise<ZookeeperSession> {
  const session = createZookeeperSession({ ...parseZookeeperAddress(address), deadlineMs: DEADLINE_MS, ...options });
  opened.push(session);
  await session.whenConnected(10_000);
  return session;
}

/** What stands in a node under the session's chroot. */
export async function readNode(session: ZookeeperSession, path: string): Promise<{ text: string; version: number }> {
  const { data, stat } = await getData(session.connection(), `${session.chroot}${path}`);
  return { text: data?.toString() ?? '', version: stat.version };
}

/** Behind everybody's back, as an operator with zkCli would. */
export function setNode(session: ZookeeperSession, path: string, text: string): Promise<void> {
  return session
    .connection()
    .call('write', 'raw', (client, done) =>
      client.setData(`${session.chroot}${path}`, Buffer.from(text), -1, (error) => done(error, undefined)),
    );
}

export function removeNode(session: ZookeeperSession, path: string): Promise<void> {
  return session
    .connection()
    .call('write', 'raw', (client, done) =>
      client.remove(`${session.chroot}${path}`, -1, (error) => done(error, undefined)),
    );
}

export interface AllocatorServerOptions {
  readonly backend: Backend;
  readonly holder: LeaseHolder;
  readonly rangeSize: number;
  readonly allocator?: Partial<RangeAllocatorOptions>;
  readonly newClusterId?: () => string;
}

/** The allocator as a server has it, in this process, with a record of where every counter went. */
export class AllocatorServer {
  readonly allocator: RangeAllocator;
  readonly holder: LeaseHolder;
  readonly rangeSize: number;
  readonly issued: number[] = [];
  readonly leased: CounterRange[] = [];
  readonly claimed: CounterRange[] = [];
  readonly published: CounterRange[] = [];
  /** Given up, and why; what of these was ever this server's is in no other list. */
  readonly lost: (CounterRange & { readonly reason: string })[] = [];
  readonly errors: unknown[] = [];
  readonly #backend: Backend;
  readonly #source: ReclaimingLease;

  constructor(options: AllocatorServerOptions) {
    const { backend, holder, rangeSize, newClusterId = () => `cluster-of-${holder.serverId}` } = options;
    this.holder = holder;
    this.rangeSize = rangeSize;
    this.#backend = backend;
    const lose = (reason: string, { start, end }: CounterRange): void => {
      this.lost.push({ start, end, reason });
    };
    const { marks, ledger, remainders } = backend.witnesses();
    const common = { ledger, holder, clock: systemClock, random: Math.random };
    const lease = new TwoWitnessLease({
      ...common,
      marks,
      newClusterId,
      observer: { leased: (range) => this.leased.push(range), abandoned: lose, refused: () => {} },
    });
    this.#source = new ReclaimingLease({
      ...common,
      lease,
      remainders,
      smallestTail: 10,
      observer: {
        published: (range) => this.published.push(range),
        notPublished: lose,
        claimed: (range) => this.claimed.push(range),
        notClaimed: lose,
        missed: () => {},
        implausible: (range) => lose('implausible', range),
        malformed: () => {},
        unlisted: (error) => this.errors.push(error),
      },
    });
    this.allocator = new RangeAllocator({
      source: this.#source,
      clock: systemClock,
      random: Math.random,
      rangeSize,
      maxHeld: 3,
      prefetchJitterMs: 5,
      waitMs: 10_000,
      ...options.allocator,
      observer: { leaseFailed: (error) => this.errors.push(error), lost: lose },
    });
  }

  async issue(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) this.issued.push(await this.allocator.nextOrWait());
  }

  /** A clean stop: what is left is given back. */
  async stop(): Promise<void> {
    this.allocator.stop();
    await this.allocator.settled();
    await this.#source.release(this.allocator.seal(), DEADLINE_MS);
    await this.#backend.close();
  }

  /** What it held is on record as leased, and nobody hears of it again. */
  async crash(): Promise<void> {
    this.allocator.stop();
    await this.allocator.settled();
    for (const { start, end } of this.allocator.held()) this.lost.push({ start, end, reason: 'crashed' });
    await this.#backend.close();
  }
}
