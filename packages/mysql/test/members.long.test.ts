import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delayReplica, GALERA_LIBRARY, type LocalServer, launchGalera, launchReplicas, mariadbSql } from '@lakh/local';
import { type Member, memberName, migrate, openDatabase } from '../src/index.js';
import { eventually } from './database.js';
import { createUnderLoad, missingOf, openMembers, sample } from './members.js';
import { mountDisk } from './small-disk.js';

const DEADLINE_MS = 3_000;
const accounts = { password: 'app', migratePassword: 'migrate' };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 60_000);

const membersOf = (servers: readonly LocalServer[], user = 'lakh', password = 'app'): readonly Member[] =>
  servers.map(({ plan }) => ({ host: '127.0.0.1', port: plan.port, user, password, database: 'lakh' }));

async function migrated(servers: readonly LocalServer[]): Promise<void> {
  const migrator = openDatabase({ members: membersOf(servers, 'lakh_migrate', 'migrate') });
  await migrate(migrator);
  migrator.close();
}

function open(servers: readonly LocalServer[]) {
  const opened = openMembers(membersOf(servers), DEADLINE_MS);
  cleanups.push(() => opened.database.close());
  return opened;
}

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'lakh-members-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const codesIn = async (server: LocalServer): Promise<ReadonlySet<string>> =>
  new Set((await mariadbSql(server.plan, 'SELECT code FROM lakh.links')).trim().split('\n'));

test('of ten thousand fresh links that others look for at once, with replicas five seconds behind, none is missing', async () => {
  const cluster = await launchReplicas({ dir: await folder(), accounts });
  cleanups.push(() => cluster.stop());
  await migrated(cluster.servers);
  const [writer, reader] = [open(cluster.servers), open(cluster.servers)];
  for (const { plan } of cluster.servers.slice(1)) await delayReplica(plan, 1);
  expect(await missingOf(writer, reader, 2_000)).toEqual([]); // replicas that are read from, and lack them
  for (const { plan } of cluster.servers.slice(1)) await delayReplica(plan, 5);
  expect(await missingOf(writer, reader, 10_000)).toEqual([]);
}, 300_000);

(existsSync(GALERA_LIBRARY) ? test : test.skip)(
  'Galera: the same node until it is killed, then another; nothing acknowledged is lost',
  async () => {
    const dir = await folder();
    await chmod(dir, 0o711);
    const cluster = await launchGalera({ dir, accounts });
    cleanups.push(() => cluster.stop());
    const servers = ['mysql-1', 'mysql-2', 'mysql-3'].map((name) => cluster.node(name));
    await migrated(servers);
    const it = open(servers);
    const load = createUnderLoad(it);
    await eventually(() => load.acknowledged.length > 300);
    await cluster.node('mysql-1').signal('SIGKILL');
    const before = load.acknowledged.length;
    await eventually(() => load.acknowledged.length > before + 300, 30_000);
    const [first, second] = membersOf(servers).map(memberName);
    expect(it.primaries).toEqual([first, second]);
    await cluster.rejoin('mysql-1');
    const rejoined = load.acknowledged.length;
    await eventually(() => load.acknowledged.length > rejoined + 300);
    await load.stop();
    expect(it.primaries).toEqual([first, second]);
    const kept = await codesIn(cluster.node('mysql-2'));
    expect(load.acknowledged.filter((code) => !kept.has(code))).toEqual([]);
    // A node that another server uses shows at once what was acknowledged here.
    const other = openMembers([...membersOf(servers)].reverse(), DEADLINE_MS);
    cleanups.push(() => other.database.close());
    expect(await missingOf(it, other, 1_000)).toEqual([]);
  },
  180_000,
);

(process.getuid?.() === 0 ? test : test.skip)(
  'a primary whose disk is full: another that is promoted is followed, and room on the old one changes nothing',
  async () => {
    const dir = await folder();
    await mkdir(join(dir, 'mysql-1'));
    const disk = mountDisk(join(dir, 'mysql-1'), 130);
    cleanups.push(() => disk.unmount());
    const cluster = await launchReplicas({ dir, accounts });
    cleanups.push(() => cluster.stop());
    await migrated(cluster.servers);
    const it = open(cluster.servers);
    const load = createUnderLoad(it);
    await eventually(() => load.acknowledged.length > 300);
    disk.fill();
    await eventually(() => it.database.writeRefusal !== '', 30_000);
    const link = sample.generated();
    await expect(it.store.insert(link)).rejects.toMatchObject({ code: 'store_unavailable' });
    await cluster.promote('mysql-2');
    const before = load.acknowledged.length;
    await eventually(() => load.acknowledged.length > before + 300);
    disk.free();
    const freed = load.acknowledged.length;
    await eventually(() => load.acknowledged.length > freed + 300);
    await load.stop();
    const [first, second] = membersOf(cluster.servers).map(memberName);
    expect(it.primaries).toEqual([first, second]);
    const kept = await codesIn(cluster.server('mysql-2'));
    expect(load.acknowledged.filter((code) => !kept.has(code))).toEqual([]);
  },
  180_000,
);
