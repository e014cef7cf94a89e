import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram } from '@lakh/testkit';

jest.setTimeout(120_000);

const program = join(__dirname, '..', 'dist', 'main.js');

let dir: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'lakh-nemesis-program-')));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const start = (...args: readonly string[]) => startProgram(program, args);

/** Processes at work below `folder`. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
}

test('help and list answer on stdout and start nothing', async () => {
  for (const [option, text] of [
    ['--help', 'usage: npm run nemesis'],
    ['--list', 'freeze-shorten-past-session  '],
  ] as const) {
    const { code, stdout, stderr } = await start(option).ended;
    expect(code).toBe(0);
    expect(stdout).toContain(text);
    expect(stderr).toBe('');
  }
});

test('a wrong argument, or a folder with something in it, exits 2 and says which', async () => {
  expect(await start('--minutes', 'many').ended).toEqual({
    code: 2,
    stdout: '',
    stderr: 'nemesis: --minutes many: must be a number above 0, at most 60 (try --help)\n',
  });
  writeFileSync(join(dir, 'something'), '');
  const full = await start('--dir', dir).ended;
  expect(full.code).toBe(2);
  expect(full.stderr).toContain('must be empty');
});

test('SIGTERM, also while everything is coming up, ends every process, keeps what was asked for, and exits 130', async () => {
  const { child, said, ended } = start('--minutes', '1', '--only', 'freeze-redis', '--seed', '5', '--dir', dir);
  while (!said.stderr.includes('is ready') && child.exitCode === null) await once(child.stderr, 'data');
  expect(processesIn(dir).length).toBeGreaterThan(0);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(130);
  expect(processesIn(dir)).toEqual([]);
  expect(said.stderr).toMatch(/^nemesis: seed 5, 1 min, in /);
  expect(existsSync(join(dir, 'history.jsonl'))).toBe(true);
});
