import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { cleanEnv, type Standalone, startStandalone } from '../support/standalone.js';

/** The built commands beside a standalone server that holds its data file. */
jest.setTimeout(240_000);

let dir: string;
let server: Standalone | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-beside-'));
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  rmSync(dir, { recursive: true, force: true });
});

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function start(): Promise<Standalone> {
  return startStandalone({ dataDir: dir, env: { LAKH_RANGE_SIZE: '1000', LAKH_RANGES_MAX_HELD: '2' } });
}

function lakh(argv: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const env = cleanEnv({ LAKH_DATA_DIR: dir, ...more });
  return new Promise((resolve) => {
    const run = [join(__dirname, '..', '..', '..', 'services', 'lakh', 'dist', 'main.js'), ...argv];
    execFile(process.execPath, run, { env, cwd: dir, timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function create(longUrl: string): Promise<{ status: number; code: string }> {
  const response = await fetch(`${server?.url}/api/v1/urls`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ long_url: longUrl }),
  });
  const body = (await response.json()) as { code: string };
  return { status: response.status, code: body.code };
}

test('asks the server that has the file, then the file itself, and both say the same', async () => {
  server = await start();
  const { code } = await create('https://example.com/');
  const running = await lakh(['audit', code, '--json']);
  const which = `lakh: this is ${join(dir, 'lakh.db')}, by the server that has it open\n`;
  expect([running.exitCode, running.stderr]).toEqual([0, which]);
  expect(JSON.parse(running.stdout)).toMatchObject({
    code,
    counter: 100_000,
    link: { longUrl: 'https://example.com/' },
  });
  expect((await lakh(['ranges', 'check'])).exitCode).toBe(0);
  expect((await lakh(['export'])).stdout.trim().split('\n')).toHaveLength(3);

  // A server on another file is not the one that is meant.
  const elsewhere = await lakh(['ranges', 'check'], { LAKH_DATA_DIR: join(dir, 'none') });
  expect([elsewhere.exitCode, elsewhere.stderr]).toEqual([1, expect.stringContaining('data_file_missing')]);
  server.child.kill('SIGKILL');
  await server.ended;
  // The door of a server that is gone leads nowhere.
  expect(existsSync(join(dir, 'operations.json'))).toBe(true);
  expect((await lakh(['audit', code, '--json'])).stdout).toBe(running.stdout);
});

test('a file that is held by somebody who tells no way to ask is left alone, with where to look', async () => {
  server = await start();
  rmSync(join(dir, 'operations.json'));
  const nobody = await lakh(['ranges', 'check']);
  expect([nobody.exitCode, nobody.stderr]).toEqual([1, expect.stringContaining('data_dir_in_use')]);
  expect(nobody.stderr).toContain('operations.json');
});

test('whoever cannot read the data folder can ask a running server for nothing', async () => {
  server = await start();
  const door = JSON.parse(readFileSync(join(dir, 'operations.json'), 'utf8')) as { url: string; token: string };
  expect(statSync(join(dir, 'operations.json')).mode & 0o777).toBe(0o600);
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apply: true, skip: 1_000_000 }),
  };
  for (const path of ['/ops/restore', '/ops/check', '/restore']) {
    expect((await fetch(`${server.adminUrl}${path}`, init)).status).toBe(404);
    expect((await fetch(`${door.url}${path}`, init)).status).toBe(401);
  }
  expect(JSON.parse((await lakh(['ranges', 'check', '--json'])).stdout).mark.next).toBe(100_000 + 2_000);
  const tooMuch = await lakh(['restore'], { LAKH_RESTORE_SKIP: '1000000001' });
  expect([tooMuch.exitCode, tooMuch.stderr]).toEqual([1, expect.stringContaining('skip_too_large')]);
  const meant = await lakh(['restore', '--force'], { LAKH_RESTORE_SKIP: '1000000001' });
  expect([meant.exitCode, meant.stdout]).toEqual([0, expect.stringMatching(/the next lease begins at 1,000,200,001;/)]);
  await server.stop();
  expect(existsSync(join(dir, 'operations.json'))).toBe(false);
});

test('a refusal of the running server is repaired beside it, and it issues again with no restart', async () => {
  server = await start();
  const first = await create('https://example.com/1');
  await server.stop();
  const db = new Database(join(dir, 'lakh.db'));
  // What a wiped ensemble has lost: the mark, and the entries of what was given back.
  db.exec('DELETE FROM marks; DELETE FROM remainders');
  db.close();

  server = await start();
  expect((await create('https://example.com/2')).status).toBe(503);
  const check = await lakh(['ranges', 'check']);
  expect([check.exitCode, check.stdout]).toEqual([3, expect.stringContaining('problem: mark_missing: ')]);
  expect((await lakh(['ranges', 'repair'])).stdout).toContain('nothing was changed');
  expect((await create('https://example.com/2')).status).toBe(503);
  expect((await lakh(['ranges', 'repair', '--apply'])).exitCode).toBe(0);

  const deadline = performance.now() + 20_000;
  let again = await create('https://example.com/3');
  while (again.status !== 201 && performance.now() < deadline) again = await create('https://example.com/3');
  expect(again.status).toBe(201);
  expect(again.code).not.toBe(first.code);
  expect(JSON.parse((await lakh(['audit', again.code, '--json'])).stdout).counter).toBeGreaterThanOrEqual(1_000_000);
});

test('a file restored from a copy: restore skips what was issued since, and no code comes twice', async () => {
  server = await start();
  await create('https://example.com/0');
  await server.stop();
  const copy = mkdtempSync(join(tmpdir(), 'lakh-copy-'));
  try {
    await copyFile(join(dir, 'lakh.db'), join(copy, 'lakh.db'));
    server = await start();
    const lost = new Set<string>();
    for (let i = 0; i < 20; i += 1) lost.add((await create(`https://example.com/${i}`)).code);
    await server.stop();
    server = undefined;
    await copyFile(join(copy, 'lakh.db'), join(dir, 'lakh.db'));
    expect((await lakh(['restore'])).stdout).toMatch(/done: the next lease begins at 100,\d00,000/);
    server = await start();
    for (let i = 0; i < 20; i += 1) expect(lost.has((await create(`https://example.org/${i}`)).code)).toBe(false);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});
