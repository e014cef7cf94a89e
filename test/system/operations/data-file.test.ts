import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Backend, openFile } from '@lakh/backend';
import { systemClock, TwoWitnessLease } from '@lakh/id-range';
import { base62, recordOfCodec } from '@lakh/short-code';
import { SampleLinks } from '@lakh/testkit';
import Database from 'libsql';
import { lakh } from './harness.js';

/** The commands on the data file of a standalone server that does not run. */
let dir: string;
let env: Record<string, string>;
let file: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-tool-'));
  file = join(dir, 'lakh.db');
  env = { LAKH_DATA_DIR: dir };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function withFile<T>(work: (backend: Backend) => Promise<T>): Promise<T> {
  const backend = openFile({ settings: { dataDir: dir, namespace: 'links' } });
  try {
    return await work(backend);
  } finally {
    await backend.close();
  }
}

async function lease(backend: Backend, size = 1000): Promise<{ start: number; end: number }> {
  return new TwoWitnessLease({
    ...backend.witnesses(),
    clock: systemClock,
    random: () => 0,
    holder: { serverId: 'server-1', host: 'host-1', processStartMs: 1, codec: 'base62' },
    newClusterId: () => '00000000-0000-4000-8000-000000000001',
  }).lease(size);
}

/** Two ranges, and a link from the first. */
async function makeUsed(): Promise<void> {
  await withFile(async (backend) => {
    await backend.facts.recordOnce('links_namespace', 'links');
    await backend.facts.recordOnce('codec', recordOfCodec(base62()));
    await lease(backend);
    await lease(backend);
    await backend.links.insert(
      new SampleLinks().generated({ code: 'Q0v', counter: 100_001, longUrl: 'https://e.org/' }),
    );
  });
}

function damage(sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}

test('without a data file nothing is made, and the message says what to set', async () => {
  const { exitCode, stderr } = await lakh(env, 'ranges', 'check');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`data_file_missing: there is no data file ${file}`)]);
  const json = await lakh(env, 'ranges', 'check', '--json');
  expect(json.json()).toEqual({ error: { code: 'data_file_missing', message: expect.any(String) } });
});

test('half of a distributed system is wrong settings', async () => {
  const { exitCode, stderr } = await lakh({ LAKH_ZOOKEEPER: '127.0.0.1:1' }, 'ranges', 'check');
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('LAKH_DATABASE is not')]);
  expect((await lakh({}, 'migrate')).stderr).toContain('LAKH_DATABASE is required');
});

test('a file that another process has open is said to be, with where to look', async () => {
  await makeUsed();
  await withFile(async () => {
    const { exitCode, stderr } = await lakh(env, 'ranges', 'check');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/data_dir_in_use: .*no server tells in \S+operations\.json how it is asked/);
  });
});

test('every command answers, as text and as JSON', async () => {
  await makeUsed();
  for (const argv of [
    ['ranges', 'list'],
    ['ranges', 'show', '100500'],
    ['ranges', 'show', 'Q0v'],
    ['ranges', 'summary'],
    ['ranges', 'check'],
    ['ranges', 'repair'],
    ['audit', 'Q0v'],
    ['bootstrap'],
    ['restore', '--dry-run'],
  ]) {
    const text = await lakh(env, ...argv);
    expect([argv.join(' '), text.exitCode, text.stderr]).toEqual([argv.join(' '), 0, `lakh: this is ${file}\n`]);
    expect(() => JSON.parse(text.stdout)).toThrow();
    const json = await lakh(env, ...argv, '--json');
    expect([json.exitCode, json.json()]).toEqual([0, expect.anything()]);
  }
  expect((await lakh(env, 'audit', 'Q0v')).stdout).toMatch(
    /counter +100,001\nrange +100,000 to 100,999, leased\nserver +server-1/,
  );
  expect((await lakh(env, 'ranges', 'show', '5')).stdout).toContain('no range on record covers it');
});

/** What a start meets, what check calls it, and that nothing is leased before a repair and above everything after it. */
const STATES: readonly { what: string; sql: string; code: string }[] = [
  { what: 'the mark is missing', sql: 'DELETE FROM marks', code: 'mark_missing' },
  { what: 'the mark is not a number', sql: 'UPDATE marks SET next = 9223372036854775807', code: 'witness_corrupt' },
  { what: 'the mark is negative', sql: 'UPDATE marks SET next = -5', code: 'witness_corrupt' },
  { what: 'the mark has shrunk', sql: 'UPDATE marks SET next = 101000, ledgered = 100000', code: 'zookeeper_forgot' },
  { what: 'the mark is below the first', sql: 'UPDATE marks SET next = 7, ledgered = 0', code: 'witness_corrupt' },
  {
    what: 'the ledger is behind what the mark remembers',
    sql: 'UPDATE marks SET ledgered = 102000; UPDATE ledger_heads SET head = 101000; DELETE FROM leases WHERE range_start = 101000',
    code: 'ledger_forgot',
  },
  { what: 'the head is gone', sql: 'DELETE FROM ledger_heads', code: 'ledger_missing' },
  { what: 'the head is not a counter', sql: 'UPDATE ledger_heads SET head = -1', code: 'witness_corrupt' },
];

test.each(STATES)('$what: nothing is leased, $code, and a repair ends it', async ({ sql, code }) => {
  await makeUsed();
  damage(sql);
  await withFile(async (backend) => expect(lease(backend)).rejects.toMatchObject({ code }));
  const check = await lakh(env, 'ranges', 'check', '--json');
  expect([check.exitCode, check.json<{ findings: { code: string }[] }>().findings.map((each) => each.code)]).toEqual([
    3,
    expect.arrayContaining([code]),
  ]);
  const dry = await lakh(env, 'ranges', 'repair');
  expect([dry.exitCode, dry.stdout]).toEqual([
    0,
    expect.stringContaining('nothing was changed: lakh ranges repair --apply'),
  ]);
  await withFile(async (backend) => expect(lease(backend)).rejects.toMatchObject({ code }));
  expect((await lakh(env, 'ranges', 'repair', '--apply')).exitCode).toBe(0);
  expect((await lakh(env, 'ranges', 'check')).exitCode).toBe(0);
  expect((await withFile((backend) => lease(backend))).start).toBeGreaterThanOrEqual(102_000);
});

test('a database of another cluster is refused by servers and by repair', async () => {
  await makeUsed();
  damage("UPDATE ledger_heads SET cluster_id = 'another'");
  await withFile(async (backend) => expect(lease(backend)).rejects.toMatchObject({ code: 'cluster_mismatch' }));
  const { exitCode, stderr } = await lakh(env, 'ranges', 'repair', '--apply');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('lakh: cluster_mismatch: ')]);
});

test('links without either witness: refused, then adopted far above them', async () => {
  await makeUsed();
  damage('DELETE FROM marks; DELETE FROM ledger_heads; DELETE FROM leases');
  await withFile(async (backend) => expect(lease(backend)).rejects.toMatchObject({ code: 'ledger_not_empty' }));
  expect((await lakh(env, 'ranges', 'repair', '--apply')).stderr).toContain('ledger_not_empty');
  expect((await lakh(env, 'bootstrap')).stderr).toContain('ledger_not_empty');
  const skip = { ...env, LAKH_RESTORE_SKIP: '1000000' };
  expect((await lakh(skip, 'bootstrap', '--adopt')).stdout).toContain('the next lease begins at 1,200,000');
  expect((await withFile((backend) => lease(backend))).start).toBe(1_200_000);
});

test('after a restore of the whole file, restore raises the mark by the setting', async () => {
  await makeUsed();
  const { stdout } = await lakh(env, 'restore');
  expect(stdout).toContain('the next lease begins at 100,200,000');
  expect(stdout).toContain('codes of new links get longer: 5 characters, where they had 3 before the skip');
  expect((await withFile((backend) => lease(backend))).start).toBe(100_200_000);
});

test('an export makes an empty file whole again', async () => {
  await makeUsed();
  const exported = await lakh(env, 'export');
  expect(exported.stdout.trim().split('\n')).toHaveLength(3);
  const lines = join(dir, 'ledger.jsonl');
  writeFileSync(lines, exported.stdout);
  rmSync(file);
  expect((await lakh(env, 'import', lines)).stdout).toContain('2 rows added, 0 were there; the head is 102,000');
  expect((await lakh(env, 'import', lines, '--json')).json()).toEqual({ added: 0, present: 2, head: 102_000 });
  expect((await lakh(env, 'ranges', 'check')).exitCode).toBe(3);
  await lakh(env, 'ranges', 'repair', '--apply');
  expect((await withFile((backend) => lease(backend))).start).toBe(1_200_000);

  writeFileSync(lines, `${exported.stdout}{"start":1}\n`);
  expect(await lakh(env, 'import', lines)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('ledger_file_invalid: line 4'),
  });
  expect((await lakh(env, 'import', join(dir, 'none'))).stderr).toContain(
    `lakh: ledger_file_invalid: ${join(dir, 'none')} cannot be read (ENOENT)\n`,
  );
});
