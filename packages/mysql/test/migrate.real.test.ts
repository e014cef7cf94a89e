import { bucketOf, type StoredLink } from '@lakh/links';
import { SampleLinks } from '@lakh/testkit';
import { checkSchema, createMysqlLinkStore, type MysqlLinkStore, migrate, Pool } from '../src/index.js';
import { MIGRATIONS, type Migration } from '../src/schema/migrations/index.js';
import { eventually, startDatabase, type TestDatabase } from './database.js';
import { createReleasedStore } from './released-store.js';

// Some migrate a table of twenty thousand rows, or wait for seconds on purpose.
jest.setTimeout(30_000);

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
    '1\tlinks-and-ledger\n2\tremainders\n3\tidempotency\n4\tbuckets-and-changes\n5\tbeats\n6\twhat-links-have\n',
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
      'lacks migrations 0001-links-and-ledger, 0002-remainders, 0003-idempotency, 0004-buckets-and-changes, 0005-beats, 0006-what-links-have',
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

describe('on a database that servers of 0.1.0 go on with', () => {
  const released = MIGRATIONS.slice(0, 3);
  const later = MIGRATIONS.slice(3).map(({ number }) => number);
  const sample = new SampleLinks();
  const BUCKET = "CHAR(CRC32(CONCAT(domain_id,':',code)) & 255)";

  async function migrated(pool: Pool, steps = later): Promise<MysqlLinkStore> {
    expect(await migrate(pool)).toEqual(steps);
    return createMysqlLinkStore({ pool: open('app'), clock: { nowMs: () => 1 } });
  }

  test('every link has its bucket, as servers compute it, also those that are made meanwhile and afterwards', async () => {
    await migrate(open('migrator'), { migrations: released });
    await database.sql(`
      INSERT INTO links (domain_id, code, kind, counter, insert_id, long_url, created_at_ms) SELECT seq % 3 * 7, CONCAT('n', seq), 1, seq, 'x', 'https://example.com/', 1 FROM seq_0_to_19999;
      INSERT INTO edit_receipts SELECT domain_id, code, 'key', 'hash', 1 FROM links WHERE counter < 2500`);
    const old = createReleasedStore(open('app'));
    const made: string[] = [];
    let isOver = false;
    const creating = (async () => {
      while (!isOver) {
        const links = Array.from({ length: 20 }, () => sample.generated());
        await old.insert(links);
        made.push(...links.map(({ code }) => code));
        await old.edit(links[0]!, 'https://example.com/edited').catch((error: { errno?: number }) => {
          if (error.errno !== 1146) throw error;
        });
      }
    })();
    await eventually(() => made.length > 0);
    const store = await migrated(open('migrator')).finally(() => {
      isOver = true;
    });
    await creating;
    const afterwards = [sample.generated(), sample.generated()];
    await old.insert(afterwards);
    for (const table of ['links', 'edit_receipts']) {
      expect(await database.sql(`SELECT COUNT(*) FROM ${table} WHERE bucket IS NULL OR bucket<>${BUCKET}`)).toBe('0\n');
    }
    const { rows } = await open('app').run((session) => session.query('SELECT domain_id,code,HEX(bucket) FROM links'));
    expect(rows).toHaveLength(20_000 + made.length + 2);
    for (const [domainId, code, bucket] of rows) {
      expect(Number.parseInt(String(bucket), 16)).toBe(bucketOf(Number(domainId), String(code)));
    }
    for (const code of ['n0', ...made.slice(0, 20), ...afterwards.map((link) => link.code)]) {
      expect(await store.find(0, code)).toMatchObject({ code });
    }
    expect(await database.sql('SELECT COUNT(*), COUNT(DISTINCT nonce), SUM(seq) FROM heads')).toBe('256\t256\t0\n');
  }, 30_000);

  test('they create and find, also what new servers change; what they cannot tell the log of, they do not change', async () => {
    await migrate(open('migrator'), { migrations: released });
    const old = createReleasedStore(open('app'));
    const links = [sample.generated(), sample.generated(), sample.generated()] as const;
    await old.insert(links);
    await old.remove(links[0]);
    const store = await migrated(open('migrator'));
    const before: StoredLink | undefined = await store.find(0, links[1].code);
    for (const change of [old.edit(links[1], 'https://example.com/edited'), old.remove(links[1])]) {
      await expect(change).rejects.toMatchObject({ kind: 'refused', errno: 1146 });
    }
    await expect(old.pending()).rejects.toMatchObject({ errno: 1146 });
    expect(await store.find(0, links[1].code)).toEqual(before);
    expect(await store.find(0, links[0].code)).toMatchObject({ state: 'deleted' });
    await store.remove(0, links[2].code);
    const made = sample.generated();
    await store.insert(made);
    expect(await old.find([...links, made].map(({ code }) => code))).toEqual(
      [links[0], links[1], links[2], made].map(({ code }, i) => [code, i % 2 === 0 ? 3 : 1]),
    );
    await expect(old.insert([made])).rejects.toMatchObject({ errno: 1062 });
    expect(await database.sql('SELECT SUM(seq) FROM heads')).toBe('1\n');
    expect(await store.read(0, links[1].code)).toMatchObject({ owner: '', terms: null, details: null });
  });

  test('a step that was cut short goes on where it was, and another history is not begun', async () => {
    await migrate(open('migrator'), { migrations: released });
    await createReleasedStore(open('app')).insert([sample.generated(), sample.generated()]);
    await migrated(open('migrator'));
    const heads = await database.sql('SELECT HEX(bucket), HEX(nonce) FROM heads');
    await database.sql(
      `DELETE FROM schema_migrations WHERE number=4; UPDATE links SET bucket=NULL; DELETE FROM heads WHERE bucket=x'07'; ALTER TABLE edit_receipts DROP COLUMN bucket`,
    );
    await migrated(open('migrator'), [4]);
    expect(await database.sql("SELECT HEX(bucket), HEX(nonce) FROM heads WHERE bucket<>x'07'")).toBe(
      heads.replace(/^07.*\n/m, ''),
    );
    expect(await database.sql('SELECT COUNT(*) FROM heads; SELECT COUNT(*) FROM links WHERE bucket IS NULL')).toBe(
      '256\n0\n',
    );
  });

  test('who holds a table for long holds up the migration, and nobody who creates links meanwhile', async () => {
    await migrate(open('migrator'), { migrations: released });
    const pool = open('app');
    const old = createReleasedStore(pool);
    await old.insert([sample.generated()]);
    const migrating = await open('app').transaction(async (session) => {
      await session.query('SELECT COUNT(*) FROM links');
      const begun = migrated(open('migrator'));
      await eventually(async () => /metadata lock/.test(await database.sql('SHOW PROCESSLIST')));
      // Longer than a create has: without pauses of the definition's, these would end with `lost`.
      for (const until = performance.now() + 3_000; performance.now() < until; ) await old.insert([sample.generated()]);
      expect(await database.sql("SHOW COLUMNS FROM links LIKE 'bucket'")).toBe('');
      return { begun };
    }, 20_000);
    await migrating.begun;
    await checkSchema(pool);
  }, 30_000);
});

test('what was released stays as it was', async () => {
  await migrate(open('migrator'));
  expect(await database.sql('SELECT number, LEFT(checksum, 16) FROM schema_migrations WHERE number<=3')).toBe(
    '1\tf808c04d095a205b\n2\te13fdb221c97b965\n3\t553486aacf2bac2c\n',
  );
});
