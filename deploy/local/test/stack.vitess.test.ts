import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStack, type ProcessStatus, type Stack } from '../src/index.js';

/** The stack on a Vitess, as somebody would use it: links are made while a shard is split, a tablet is killed, and nothing is left at the end. */
jest.setTimeout(240_000);

const CALLERS = 8;
const root = join(__dirname, '..', '..', '..');
let dir: string;
let stack: Stack;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-stack-vitess-'));
  stack = openStack({ dir, root, report: (line) => process.stderr.write(`${line}\n`) });
});
afterAll(async () => {
  await stack.down({ wipe: true });
  rmSync(dir, { recursive: true, force: true });
}, 60_000);

/** One create a turn; its code, or the status that was answered instead. */
async function create(url: string): Promise<string | number> {
  const answer = await fetch(`${url}/api/v1/urls`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ long_url: 'https://example.com/' }),
  });
  const body = (await answer.json()) as { code: string };
  return answer.status === 201 ? body.code : answer.status;
}

/** Half of all codes lie where nobody answers; once that is known, they are passed over. */
async function goesOn(answers: readonly (string | number)[]): Promise<void> {
  for (let tries = 0; tries < 30; tries += 1) {
    const before = answers.length;
    await sleep(1_000);
    const since = answers.slice(before);
    if (since.length > 20 && since.every((answer) => typeof answer === 'string')) return;
  }
  throw new Error(`creates do not go on: ${answers.slice(-50)}`);
}

test('links are made while a shard is split and a tablet is away, and all of them are followed', async () => {
  const { url } = await stack.up({ db: 'vitess', zookeeper: 1, shorten: 1, redirect: 1 });
  const answers: (string | number)[] = [];
  let isOver = false;
  const loading = Promise.all(
    Array.from({ length: CALLERS }, async () => {
      for (; !isOver; await sleep(20)) answers.push(await create(url));
    }),
  );
  try {
    await stack.reshard();
    const { processes } = await stack.status();
    const placeOf = ({ name, shard = '', databaseRole = '' }: ProcessStatus) => `${name} ${shard} ${databaseRole}`;
    expect(processes.filter(({ role }) => role === 'vttablet').map(placeOf)).toEqual([
      'vttablet-2 80- primary',
      'vttablet-4 80- replica',
      'vttablet-5 -40 primary',
      'vttablet-6 40-80 primary',
      'vttablet-7 -40 replica',
      'vttablet-8 40-80 replica',
    ]);
    const databases = processes.filter(({ role }) => role === 'mysql').map(({ databaseRole }) => databaseRole);
    expect(databases).toEqual(['primary', 'replica', 'primary', 'primary', 'replica', 'replica']);
    await expect(stack.reshard('mysql-2')).rejects.toThrow('mysql-2 is no tablet');
    await stack.kill('vttablet-2');
    await goesOn(answers);
    await stack.start('vttablet-2');
  } finally {
    isOver = true;
    await loading;
  }
  const codes = answers.filter((answer): answer is string => typeof answer === 'string');
  expect(new Set(codes).size).toBe(codes.length);
  process.stderr.write(`${codes.length} of ${answers.length} creates\n`);
  expect(codes.length).toBeGreaterThan(answers.length * 0.9);
  // Those who look for links on the shard that was away find out by themselves that it is back.
  const deadline = performance.now() + 30_000;
  for (const code of codes) {
    const follow = async () => (await fetch(`${url}/${code}`, { redirect: 'manual' })).status;
    let status = await follow();
    for (; status === 503 && performance.now() < deadline; status = await follow()) await sleep(100);
    expect([code, status]).toEqual([code, 301]);
  }
  await stack.down();
  await stack.up();
  expect((await fetch(`${url}/${codes[0]}`, { redirect: 'manual' })).status).toBe(301);
  await stack.down({ wipe: true });
  expect(stack.running()).toEqual([]);
  expect(await readdir(dir).catch(() => [])).toEqual([]);
});
