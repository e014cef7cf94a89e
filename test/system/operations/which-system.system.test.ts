import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STATE_FILE } from '../../../deploy/local/src/stack/state.js';
import { cleanEnv } from '../support/standalone.js';

// Which system `lakh` works on, in a folder where two are at hand.
jest.setTimeout(60_000);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-which-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function lakh(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new Promise<{ exitCode: number; stdout: string; stderr: string }>((resolve) => {
    const run = [join(__dirname, '..', '..', '..', 'services', 'lakh', 'dist', 'main.js'), ...argv];
    execFile(process.execPath, run, { env: cleanEnv(env), cwd: dir, timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function makeStack(): void {
  mkdirSync(join(dir, '.stack'));
  writeFileSync(join(dir, '.stack', STATE_FILE), '{}');
}

test('it says which, and beside a stack changes nothing that nobody named', async () => {
  const file = join(dir, 'data', 'lakh.db');
  expect((await lakh(['bootstrap'])).stderr).toBe(`lakh: this is ${file}\n`);
  makeStack();
  const check = await lakh(['ranges', 'check']);
  expect([check.exitCode, check.stderr]).toEqual([0, `lakh: this is ${file}\n`]);
  for (const argv of [['ranges', 'repair', '--apply'], ['restore'], ['bootstrap'], ['import', 'ledger.jsonl']]) {
    const { exitCode, stdout, stderr } = await lakh(argv);
    expect([argv, exitCode, stdout]).toEqual([argv, 2, '']);
    expect(stderr).toMatch(/there is a stack in \.\/\.stack: .* npm run stack -- env .* LAKH_DATA_DIR=\.\/data/);
  }
  for (const argv of [
    ['ranges', 'repair'],
    ['restore', '--dry-run'],
  ])
    expect((await lakh(argv)).exitCode).toBe(0);
  const named = await lakh(['restore'], { LAKH_DATA_DIR: './data' });
  expect([named.exitCode, named.stderr]).toEqual([0, `lakh: this is ${file}\n`]);
});

test('a file that is not there is not made beside a stack; two names are one too many', async () => {
  makeStack();
  expect((await lakh(['ranges', 'check'])).stderr).toMatch(/data_file_missing: .* npm run stack -- env prints\n$/);
  expect((await lakh(['bootstrap'])).exitCode).toBe(2);
  expect(existsSync(join(dir, 'data'))).toBe(false);
  const both = { LAKH_DATA_DIR: 'data', LAKH_ZOOKEEPER: '127.0.0.1:1', LAKH_DATABASE: 'mysql://u:p@127.0.0.1:1/lakh' };
  const { exitCode, stderr } = await lakh(['ranges', 'repair', '--apply'], both);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('LAKH_DATA_DIR=data is one system, LAKH_ZOOKEEPER')]);
  expect(readdirSync(dir)).toEqual(['.stack']);
});
