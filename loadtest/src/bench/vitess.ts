import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { migrateCluster } from '@lakh/backend/cluster';
import { ensurePackages, findVitess, type LocalVitess, launchVitess, mariadbSql, readSettings } from '@lakh/local';
import { parseDatabase } from '@lakh/mysql';
import { progress } from '../scope.js';
import { sendBatches } from './batches.js';
import type { Group, Sample, Subject } from './figures.js';
import { FIND_PROGRAM } from './finds.js';
import { onGeneratorCore } from './http-server.js';
import { type Databases, MARIADB_FLAGS, startDatabases, startLakh } from './lakh-servers.js';
import { createLinks } from './links.js';
import { whyMissing } from './packages.js';
import type { Bench, PreparedBench } from './setting.js';
import { emptyTable, STORE_PROGRAM } from './store.js';
import { startWorker } from './worker.js';

const CALLERS = 256;
const CODES = 10_000;
const QUICK_CODES = 200;
const GATE = 'through a vtgate';
const STRAIGHT = 'one MariaDB';
const SHARDS = ['-80', '80-'];

/** The links in one of two databases. */
interface Kept {
  readonly name: string;
  readonly role: Subject['role'];
  readonly databases: Databases;
  empty(): Promise<unknown>;
}

/** What it costs to go through Vitess, on one machine: the same calls of Lakh's, beside one MariaDB. */
export async function prepareVitess(bench: Bench): Promise<PreparedBench> {
  await ensurePackages(['wrk']);
  const missing = await whyMissing(['mariadb', 'zookeeper']);
  const found = missing === undefined ? await findVitess(readSettings(), progress) : { missing };
  const notes = [
    `${SHARDS.length} shards, a primary each, behind one vtgate: all of it, the one MariaDB and ZooKeeper run on the generator’s core`,
  ];
  const profile = async () => [];
  if ('missing' in found) {
    const skipped = [{ name: 'all of it', reason: found.missing }];
    return {
      groups: [],
      trials: [{ id: 'finds', run: async () => ({ title: 'Vitess', figures: [], skipped }) }],
      notes,
      profile,
    };
  }
  progress('vitess: starting MariaDB, ZooKeeper and Vitess');
  const databases = await startDatabases(bench, 1);
  await migrateCluster({ database: parseDatabase(databases.mysqlUrl) });
  const straight: Kept = { name: STRAIGHT, role: 'limit', databases, empty: () => emptyTable(databases) };
  const both = [await startKeyspace(bench, found.dir, databases), straight];
  const groups: Group[] = [];
  if (bench.wants('finds')) groups.push(await findsGroup(bench, both));
  if (bench.wants('creates')) groups.push(await createsGroup(bench, both));
  if (bench.wants('batch')) groups.push(await batchGroup(bench, both));
  return { groups, notes, profile };
}

async function startKeyspace(bench: Bench, programs: string, databases: Databases): Promise<Kept> {
  const accounts = { password: randomBytes(16).toString('hex'), migratePassword: randomBytes(16).toString('hex') };
  bench.scope.assertOpen();
  const starting = launchVitess({
    dir: join(bench.dir, 'vitess'),
    programs,
    vschemaFile: join(bench.root, 'deploy', 'vitess', 'vschema.json'),
    accounts,
    shards: SHARDS,
    around: (plan) =>
      onGeneratorCore(bench, {
        ...plan,
        command: plan.role === 'mysql' ? [...plan.command, ...MARIADB_FLAGS] : plan.command,
      }),
  });
  bench.scope.defer(() =>
    starting.then(
      (vitess) => vitess.stop(),
      () => undefined,
    ),
  );
  const vitess = await starting;
  const port = vitess.gates[0]?.plan.port;
  const mysqlUrl = `mysql://lakh_migrate:${accounts.migratePassword}@127.0.0.1:${port}/lakh`;
  await migrateCluster({ database: parseDatabase(mysqlUrl) });
  // Its counters are its own.
  const zookeeper = `${databases.zookeeper}-sharded`;
  return {
    name: GATE,
    role: 'ours',
    databases: { ...databases, mysqlUrl, zookeeper },
    empty: () => emptyShards(vitess),
  };
}

async function emptyShards({ shards }: LocalVitess): Promise<void> {
  for (const { database } of shards.values()) await mariadbSql(database.plan, 'TRUNCATE TABLE vt_lakh.links');
}

async function findsGroup(bench: Bench, both: readonly Kept[]): Promise<Group> {
  const subjects = await Promise.all(
    both.map(async (kept): Promise<Subject> => {
      const { url, server } = await startShorten(bench, kept);
      const codes = await createLinks(url, bench.quick ? QUICK_CODES : CODES);
      await server.stop();
      const codesFile = join(bench.dir, `codes-${kept.role}`);
      await writeFile(codesFile, codes.map((code) => `${code}\n`).join(''));
      const worker = await startWorker(bench, FIND_PROGRAM, ['coalesced', kept.databases.mysqlUrl, codesFile]);
      return subjectOf(kept, 'sight()', (seconds) => worker.ask({ seconds, callers: CALLERS }));
    }),
  );
  return { id: 'finds', title: `Links found, ${CALLERS} callers`, unit: 'links/s', subjects };
}

async function createsGroup(bench: Bench, both: readonly Kept[]): Promise<Group> {
  const subjects = await Promise.all(
    both.map(async (kept): Promise<Subject> => {
      const worker = await startWorker(bench, STORE_PROGRAM, ['coalesced', kept.databases.mysqlUrl]);
      return subjectOf(kept, 'insert()', async (seconds) => {
        await kept.empty();
        return worker.ask({ seconds, callers: CALLERS });
      });
    }),
  );
  return { id: 'creates', title: `Durable inserts, ${CALLERS} callers`, unit: 'rows/s', subjects };
}

async function batchGroup(bench: Bench, both: readonly Kept[]): Promise<Group> {
  const subjects = await Promise.all(
    both.map(async (kept): Promise<Subject> => {
      const { url } = await startShorten(bench, kept);
      return subjectOf(kept, 'batches of 1,000 over HTTP, 4 callers', async (seconds) => {
        await kept.empty();
        return sendBatches(bench, url, seconds);
      });
    }),
  );
  return { id: 'batch', title: 'Durable creates in batches over HTTP', unit: 'links/s', subjects };
}

function subjectOf({ name, role }: Kept, what: string, measure: (seconds: number) => Promise<Sample>): Subject {
  return {
    name,
    role,
    what: `${what} of a cluster whose links are in ${name === GATE ? 'the keyspace' : name}`,
    measure,
  };
}

const startShorten = (bench: Bench, { databases }: Kept) => startLakh(bench, 'shorten', { databases });
