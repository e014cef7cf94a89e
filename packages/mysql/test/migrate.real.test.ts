import { checkSchema, migrate, Pool } from '../src/index.js';
import { MIGRATIONS, type Migration } from '../src/schema/migrations/index.js';
import { startDatabase, type TestDatabase } from './database.js';

let database: TestDatabase;
const pools: Pool[] = [];
const open = (user: 'app' | 'migrator'): Pool => {
  const pool = new Pool(database[user]);
  pools.push(pool);
  return pool;
};

beforeAll(async () => {
  database = await startDatabase();
}, 60_000);
beforeEach(async () => {
  await database.sql('DROP DATABASE lakh; CREATE DATABASE lakh');
});
afterAll(async () => {
  for (const pool of pools) pool.close();
  await database?.stop();
});

const later: Migration = {
  number: MIGRATIONS.length + 1,
  name: 'later',
  statements: ['CREATE TABLE IF NOT EXISTS later (x INT UNSIGNED NOT NULL, PRIMARY KEY (x)) ENGINE=InnoDB'],
};

test('eight servers that migrate at once: each ends with the whole schema, each step is recorded once', async () => {
  const applied = await Promise.all(Array.from({ length: 8 }, () => migrate(open('migrator'))));
  expect(applied.flat()).toEqual(MIGRATIONS.map(({ number }) => number));
  await checkSchema(open('app'));
  expect(await database.sql('SELECT number, name FROM schema_migrations')).toBe(
    '1\tlinks-and-ledger\n2\tremainders\n3\tidempotency\n4\tbuckets-and-changes\n',
  );
  expect(await migrate(open('migrator'))).toEqual([]);
});

test('a server without rights to create tables migrates where nothing is missing, and is told where something is', async () => {
  await expect(migrate(open('app'))).rejects.toMatchObject({
    code: 'schema_mismatch',
    message: expect.stringMatching(/CREATE command denied to user 'lakh'/),
  });
  await migrate(open('migrator'));
  expect(await migrate(open('app'))).toEqual([]);
});

test('a check of an empty database names what is missing, and creates nothing', async () => {
  await expect(checkSchema(open('migrator'))).rejects.toMatchObject({
    code: 'schema_mismatch',
    message: expect.stringContaining(
      'lacks migrations 0001-links-and-ledger, 0002-remainders, 0003-idempotency, 0004-buckets-and-changes',
    ),
  });
  expect(await database.sql('SHOW TABLES')).toBe('');
});

test('only what is missing is applied, later releases go on from there, and an older one refuses', async () => {
  await migrate(open('migrator'));
  const migrations = [...MIGRATIONS, later];
  await expect(checkSchema(open('app'), { migrations })).rejects.toThrow(`lacks migration 000${later.number}-later`);
  expect(await migrate(open('migrator'), { migrations })).toEqual([later.number]);
  await checkSchema(open('app'), { migrations });
  const newer = { code: 'schema_mismatch', message: expect.stringContaining(`migration ${later.number} (later)`) };
  await expect(checkSchema(open('app'))).rejects.toMatchObject(newer);
  await expect(migrate(open('migrator'))).rejects.toMatchObject(newer);
});

test('a step that a crash left half done is done again', async () => {
  await migrate(open('migrator'));
  await database.sql('DELETE FROM schema_migrations; DROP TABLE settings; INSERT INTO id_heads VALUES ("a",1,"b",0)');
  expect(await migrate(open('migrator'))).toEqual(MIGRATIONS.map(({ number }) => number));
  expect(await database.sql('SELECT COUNT(*) FROM settings; SELECT namespace FROM id_heads')).toBe('0\na\n');
});

test('a schema made by another form of a step is refused', async () => {
  await migrate(open('migrator'));
  await database.sql("UPDATE schema_migrations SET checksum=REPEAT('0',64) WHERE number=1");
  await expect(checkSchema(open('app'))).rejects.toThrow('by another form of 0001-links-and-ledger');
});
