import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

jest.setTimeout(120_000);

const program = join(__dirname, '..', 'dist', 'main.js');

let dir: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'lakh-nemesis-program-')));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, said, ended };
}

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
    const { said, ended } = start([option]);
    expect(await ended).toBe(0);
    expect(said.out).toContain(text);
    expect(said.err).toBe('');
  }
});

test('a wrong argument, or a folder with something in it, exits 2 and says which', async () => {
  const wrong = start(['--minutes', 'many']);
  expect(await wrong.ended).toBe(2);
  expect(wrong.said).toEqual({
    out: '',
    err: 'nemesis: --minutes many: must be a number above 0, at most 60 (try --help)\n',
  });
  writeFileSync(join(dir, 'something'), '');
  const full = start(['--dir', dir]);
  expect(await full.ended).toBe(2);
  expect(full.said.err).toContain('must be empty');
});

test('SIGTERM, also while everything is coming up, ends every process, keeps what was asked for, and exits 130', async () => {
  const { child, said, ended } = start(['--minutes', '1', '--only', 'freeze-redis', '--seed', '5', '--dir', dir]);
  while (!said.err.includes('is ready') && child.exitCode === null) await once(child.stderr, 'data');
  expect(processesIn(dir).length).toBeGreaterThan(0);
  child.kill('SIGTERM');
  expect(await ended).toBe(130);
  expect(processesIn(dir)).toEqual([]);
  expect(said.err).toMatch(/^nemesis: seed 5, 1 min, in /);
  expect(existsSync(join(dir, 'history.jsonl'))).toBe(true);
});
