import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS, textOf } from '../src/schema/migrations/index.js';

interface Vschema {
  readonly sharded: boolean;
  readonly vindexes: Readonly<Record<string, { readonly type: string }>>;
  readonly tables: Readonly<
    Record<string, { readonly column_vindexes: readonly { readonly column: string; readonly name: string }[] }>
  >;
}

const FILE = join(__dirname, '..', '..', '..', 'deploy', 'vitess', 'vschema.json');
const vschema = JSON.parse(readFileSync(FILE, 'utf8')) as Vschema;

/** Of all tables that the migrations leave, and the one in which they are recorded, the text that makes it. */
function tablesOfMigrations(): ReadonlyMap<string, string> {
  const tables = new Map([['schema_migrations', 'number INT']]);
  for (const sql of MIGRATIONS.flatMap(({ statements }) => statements).map(textOf)) {
    const [, made] = /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(sql) ?? [];
    const [, altered] = /^ALTER TABLE (\w+) ADD COLUMN/.exec(sql) ?? [];
    const [, dropped] = /^DROP TABLE IF EXISTS (\w+)/.exec(sql) ?? [];
    if (made !== undefined) tables.set(made, sql);
    if (altered !== undefined) tables.set(altered, `${tables.get(altered)}\n${sql}`);
    if (dropped !== undefined) tables.delete(dropped);
  }
  return tables;
}

describe('the layout of a keyspace that Lakh ships', () => {
  const tables = tablesOfMigrations();

  test('has every table of the migrations, and no other: one that is missing fails only when it is written to', () => {
    expect(Object.keys(vschema.tables).sort()).toEqual([...tables.keys()].sort());
    expect(vschema.sharded).toBe(true);
  });

  test('lays each by one column that it has, of a vindex that there is', () => {
    for (const [name, { column_vindexes: vindexes }] of Object.entries(vschema.tables)) {
      expect(vindexes).toHaveLength(1);
      const [{ column, name: vindex } = { column: '', name: '' }] = vindexes;
      expect([name, Object.keys(vschema.vindexes).includes(vindex)]).toEqual([name, true]);
      expect(tables.get(name)).toMatch(new RegExp(`\\b${column} (TINYINT|INT|VARCHAR|BINARY)`));
    }
  });

  test('keeps what belongs to a link on the shard of its bucket, whose byte is the keyspace id, and of a key on that of its hash', () => {
    expect(vschema.vindexes.bucket).toEqual({ type: 'binary' });
    const byBucket = Object.entries(vschema.tables).filter(([, table]) => table.column_vindexes[0]?.name === 'bucket');
    expect(byBucket.map(([name]) => name).sort()).toEqual([
      'changes',
      'deleted_links',
      'edit_receipts',
      'heads',
      'links',
      'reservations',
      'targets',
    ]);
    for (const [name, table] of byBucket) {
      expect(table.column_vindexes[0]?.column).toBe(['reservations', 'targets'].includes(name) ? 'key_hash' : 'bucket');
    }
  });
});
