import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delayReplica, launchReplicas, type MariadbReplicas, mariadbSql } from '@lakh/local';
import { storedAs } from '@lakh/testkit';
import { type Member, memberName, migrate, openDatabase } from '../src/index.js';
import { eventually } from './database.js';
import { createUnderLoad, missingOf, type OpenMembers, openMembers, sample } from './members.js';

const DEADLINE_MS = 1_500;
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

const open = (): OpenMembers => {
  const opened = openMembers(members(), DEADLINE_MS);
  cleanups.push(() => opened.database.close());
  return opened;
};

const codesOf = async (name: string): Promise<ReadonlySet<string>> =>
  new Set((await sql(name, 'SELECT code FROM lakh.links')).trim().split('\n'));

test('replicas that are a second behind, or five: no fresh link is missing, for anybody', async () => {
  const [writer, reader] = [open(), open()];
  const known = sample.generated();
  await writer.store.insert(known);
  const delay = async (seconds: number): Promise<void> => {
    for (const name of ['mysql-2', 'mysql-3']) await delayReplica(servers.server(name).plan, seconds);
  };
  /** Whether a replica answers for a link that all have. */
  const isFromReplica = async () => ((await reader.store.sight(0, known.code))?.lagMs ?? 0) > 0;
  await delay(1);
  await eventually(isFromReplica);
  let isUsed = false;
  const missing: string[] = [];
  for (let rounds = 0; rounds < 10; rounds += 1) {
    missing.push(...(await missingOf(writer, reader, 50)));
    isUsed ||= await isFromReplica();
  }
  expect([missing, isUsed]).toEqual([[], true]);

  await delay(5);
  await eventually(() => [...reader.database.lags().values()].every((lagMs) => lagMs > 2_000));
  expect(await missingOf(writer, reader, 200)).toEqual([]);
  expect(await isFromReplica()).toBe(false);
  await delay(0);
}, 60_000);

test('replicas answer what they have, with a lag that is proven; one that is killed, frozen or far behind is left out', async () => {
  const it = open();
  const link = sample.generated();
  await it.store.insert(link);
  const readers = () => new Set(Array.from({ length: 8 }, () => it.database.reader?.()?.name));
  const both = new Set([nameOf('mysql-2'), nameOf('mysql-3')]);
  await eventually(() => readers().size === 2 && !readers().has(undefined));
  expect(readers()).toEqual(both);
  const seen = await it.store.sight(0, link.code);
  expect(seen).toMatchObject({ link: storedAs(link), position: { seq: expect.any(Number) } });
  expect(seen?.lagMs).toBeGreaterThan(0);
  expect(seen?.lagMs).toBeLessThan(2_000);
  expect(await it.store.sight(0, link.code, { fresh: true })).toMatchObject({ lagMs: 0 });

  const three = servers.server('mysql-3');
  await three.signal('SIGSTOP');
  const startedAt = performance.now();
  const answers = await Promise.all(Array.from({ length: 4 }, () => it.store.sight(0, link.code)));
  expect(answers.map((answer) => answer?.link)).toEqual(answers.map(() => storedAs(link)));
  expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS);
  await eventually(() => !readers().has(nameOf('mysql-3')));
  await three.signal('SIGCONT');
  await eventually(() => readers().has(nameOf('mysql-3')));

  await three.signal('SIGKILL');
  expect((await it.store.sight(0, link.code))?.link).toEqual(storedAs(link));
  await eventually(() => !readers().has(nameOf('mysql-3')));
  await servers.comeBack('mysql-3');
  await eventually(() => readers().has(nameOf('mysql-3')));
}, 60_000);

test('commits that nobody acknowledges: no rows are taken until somebody does again, and reads go on', async () => {
  const it = open();
  const link = sample.generated();
  await it.store.insert(link);
  for (const name of ['mysql-2', 'mysql-3']) await sql(name, 'STOP SLAVE IO_THREAD');
  // The first is of unknown outcome; from then on each is refused at once.
  await expect(it.store.insert(sample.generated())).rejects.toMatchObject({ code: 'store_outcome_unknown' });
  await eventually(() => it.database.writeRefusal !== '');
  expect(it.database.writeRefusal).toMatch(/to a write, while reads are answered/);
  const startedAt = performance.now();
  await expect(it.store.insert(sample.generated())).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(performance.now() - startedAt).toBeLessThan(100);
  expect((await it.store.sight(0, link.code, { fresh: true }))?.link).toEqual(storedAs(link));

  for (const name of ['mysql-2', 'mysql-3']) await sql(name, 'START SLAVE IO_THREAD');
  await eventually(() => it.database.writeRefusal === '');
  expect(await it.store.insert(sample.generated())).toMatchObject({ outcome: 'inserted' });
  expect(it.primaries).toEqual([nameOf('mysql-1')]);
}, 60_000);

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
