import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchReplicas, type MariadbReplicas, mariadbSql } from '@lakh/local';
import { SampleLinks, storedAs } from '@lakh/testkit';
import {
  createMysqlLinkStore,
  type Database,
  type Member,
  type MysqlLinkStore,
  memberName,
  migrate,
  openDatabase,
  proveRowsAreTaken,
} from '../src/index.js';
import { eventually } from './database.js';

const DEADLINE_MS = 3_000;
const sample = new SampleLinks();
const clock = { nowMs: () => 1_790_000_000_000 };
let dir: string;
let servers: MariadbReplicas;
const cleanups: (() => unknown)[] = [];

const members = (user = 'lakh', password = 'app'): readonly Member[] =>
  servers.servers.map(({ plan }) => ({ host: '127.0.0.1', port: plan.port, user, password, database: 'lakh' }));
const sql = (name: string, text: string): Promise<string> => mariadbSql(servers.server(name).plan, text);
const nameOf = (name: string): string => memberName(members()[Number(name.at(-1)) - 1] as Member);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-promotion-'));
  servers = await launchReplicas({ dir, accounts: { password: 'app', migratePassword: 'migrate' } });
  const migrator = openDatabase({ members: members('lakh_migrate', 'migrate') });
  await migrate(migrator);
  migrator.close();
}, 60_000);
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await servers?.stop();
  await rm(dir, { recursive: true, force: true });
}, 60_000);

interface Open {
  readonly database: Database;
  readonly store: MysqlLinkStore;
  readonly primaries: string[];
  readonly problems: string[];
}

function open(): Open {
  const primaries: string[] = [];
  const problems: string[] = [];
  const database = openDatabase({
    members: members(),
    deadlineMs: DEADLINE_MS,
    proof: proveRowsAreTaken,
    observer: {
      primary: (member) => primaries.push(member),
      primaryProblem: (problem) => problems.push(problem),
    },
  });
  cleanups.push(() => database.close());
  return { database, store: createMysqlLinkStore({ pool: database, clock }), primaries, problems };
}

/** Sixteen callers that create as fast as they are answered, until stopped. */
function createUnderLoad({ store }: Open) {
  const acknowledged: string[] = [];
  let failed = 0;
  let isRunning = true;
  const callers = Array.from({ length: 16 }, async () => {
    while (isRunning) {
      const link = sample.generated();
      const outcome = await store.insert(link).then(
        (done) => done.outcome,
        (error: { code?: string }) => error.code,
      );
      if (outcome === 'inserted') acknowledged.push(link.code);
      else {
        expect(['store_unavailable', 'store_outcome_unknown']).toContain(outcome);
        failed += 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  });
  return {
    acknowledged,
    get failed() {
      return failed;
    },
    async stop() {
      isRunning = false;
      await Promise.all(callers);
    },
  };
}

const codesOf = async (name: string): Promise<ReadonlySet<string>> =>
  new Set((await sql(name, 'SELECT code FROM lakh.links')).trim().split('\n'));

test('a primary is killed and another promoted: followed within seconds, nothing acknowledged is lost', async () => {
  const it = open();
  const load = createUnderLoad(it);
  await eventually(() => load.acknowledged.length > 300);
  expect(it.primaries).toEqual([nameOf('mysql-1')]);
  await servers.server('mysql-1').signal('SIGKILL');
  await eventually(() => !it.database.available);
  await servers.promote('mysql-2');
  const promotedAt = performance.now();
  const before = load.acknowledged.length;
  await eventually(() => load.acknowledged.length > before + 100);
  const tookMs = performance.now() - promotedAt;
  await load.stop();
  expect(tookMs).toBeLessThan(2_000);
  const kept = await codesOf('mysql-2');
  expect(load.acknowledged.filter((code) => !kept.has(code))).toEqual([]);
  expect(it.primaries).toEqual([nameOf('mysql-1'), nameOf('mysql-2')]);
}, 30_000);

test('the old primary comes back and takes writes: neither is written to, until one is read-only', async () => {
  const it = open();
  const link = sample.generated();
  await it.store.insert(link);
  expect(it.primaries).toEqual([nameOf('mysql-2')]);
  await servers.comeBack('mysql-1');
  await sql('mysql-1', 'SET GLOBAL read_only=0');
  const load = createUnderLoad(it);
  await eventually(() => it.problems.length > 0);
  expect(it.problems).toEqual([
    `two members take writes, of which none is written to: ${nameOf('mysql-1')} and ${nameOf('mysql-2')}; all but the primary must be read-only`,
  ]);
  const written = load.acknowledged.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(load.acknowledged.length).toBe(written);
  // Nothing but what the other one replicated: its own writes would be of its own number.
  expect(await sql('mysql-1', 'SELECT @@global.gtid_binlog_pos LIKE "0-1-%"')).toBe('0\n');
  // Redirects go on, with what replicas have.
  expect(await it.store.sight(0, link.code)).toMatchObject({ link: storedAs(link), lagMs: Number.POSITIVE_INFINITY });
  await expect(it.store.find(0, 'nothing')).rejects.toMatchObject({ code: 'store_unavailable' });

  await sql('mysql-1', 'SET GLOBAL read_only=1');
  await eventually(() => load.acknowledged.length > written + 100);
  await load.stop();
  expect(it.problems.at(-1)).toBe('');
  const kept = await codesOf('mysql-2');
  expect(load.acknowledged.filter((code) => !kept.has(code))).toEqual([]);
}, 30_000);

test('a frozen primary that wakes after its successor took over is written to no more', async () => {
  const it = open();
  const load = createUnderLoad(it);
  await eventually(() => load.acknowledged.length > 100);
  await servers.server('mysql-2').signal('SIGSTOP');
  await servers.promote('mysql-3');
  const before = load.acknowledged.length;
  await eventually(() => load.acknowledged.length > before + 100);
  await servers.server('mysql-2').signal('SIGCONT');
  await eventually(() => it.problems.length > 0);
  await load.stop();
  expect(it.primaries).toEqual([nameOf('mysql-2'), nameOf('mysql-3')]);
  const kept = await codesOf('mysql-3');
  expect(load.acknowledged.filter((code) => !kept.has(code))).toEqual([]);
  await servers.comeBack('mysql-2');
  await eventually(() => it.problems.at(-1) === '');
  expect(await it.store.insert(sample.generated())).toMatchObject({ outcome: 'inserted' });
}, 30_000);

test('a promotion in order, by statements', async () => {
  const it = open();
  const load = createUnderLoad(it);
  await eventually(() => load.acknowledged.length > 100);
  await sql('mysql-3', 'SET GLOBAL read_only=1');
  await servers.promote('mysql-1');
  const before = load.acknowledged.length;
  await eventually(() => load.acknowledged.length > before + 100);
  await load.stop();
  expect(it.primaries).toEqual([nameOf('mysql-3'), nameOf('mysql-1')]);
  const kept = await codesOf('mysql-1');
  expect(load.acknowledged.filter((code) => !kept.has(code))).toEqual([]);
  await servers.comeBack('mysql-3');
}, 30_000);
