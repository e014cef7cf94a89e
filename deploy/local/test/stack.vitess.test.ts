import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStack, type Stack } from '../src/index.js';

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
    const names = (await stack.status()).processes.filter(({ role }) => role === 'vttablet').map(({ name }) => name);
    expect(names).toEqual(['vttablet-2', 'vttablet-4', 'vttablet-5', 'vttablet-6', 'vttablet-7', 'vttablet-8']);
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
