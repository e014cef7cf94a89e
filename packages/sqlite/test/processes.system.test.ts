import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { openEmbedded } from '../src/index.js';

jest.setTimeout(60_000);

// Real processes on the built package: the lock is the kernel's, and so is the end by SIGKILL.
const BUILT = pathToFileURL(join(__dirname, '..', 'dist', 'index.js')).href;

const LINK = `(n) => ({ domainId: 0, code: 'c' + n, kind: 'generated', counter: n, longUrl: 'https://example.com/' + n,
  createdAtMs: 1, expiresAtMs: null, redirectStatus: null, terms: null, owner: '', details: null, insertId: String(n) })`;

/** Opens the file, says `open` or the error, and ends when its stdin does. */
const HOLDER = `
  import { openEmbedded } from '${BUILT}';
  try {
    openEmbedded({ file: process.argv[1] });
    console.log(JSON.stringify({ open: true }));
    process.stdin.on('end', () => process.exit(0)).resume();
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, message: error.message }));
  }`;

/** 64 callers that insert without end; prints each counter once it is acknowledged. */
const WRITER = `
  import { writeSync } from 'node:fs';
  import { openEmbedded } from '${BUILT}';
  const { links } = openEmbedded({ file: process.argv[1] });
  const link = ${LINK};
  let next = Number(process.argv[2]);
  for (let caller = 0; caller < 64; caller += 1) {
    (async () => {
      for (;;) {
        const n = next++;
        const { outcome } = await links.insert(link(n));
        writeSync(1, outcome + ' ' + n + '\\n');
      }
    })();
  }`;

/** Opens, inserts and closes without end; says when it begins. */
const OPENER = `
  import { openEmbedded } from '${BUILT}';
  const link = ${LINK};
  console.log('"begun"');
  for (let n = Number(process.argv[2]); ; n += 1) {
    const embedded = openEmbedded({ file: process.argv[1] });
    await embedded.links.insert(link(n));
    embedded.close();
  }`;

let dir: string;
let file: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-embedded-'));
  file = join(dir, 'lakh.db');
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(end));
  rmSync(dir, { recursive: true });
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

const run = (script: string, ...args: string[]): ChildProcess => runAs({}, script, ...args);

function runAs(user: { uid?: number; gid?: number }, script: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, file, ...args], {
    ...user,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function firstLine(child: ChildProcess): Promise<unknown> {
  const [line] = await once(createInterface({ input: child.stdout! }), 'line');
  return JSON.parse(line as string);
}

test('a second process is refused at once by name, also while the first is paused, and not after it was killed', async () => {
  const first = run(HOLDER);
  expect(await firstLine(first)).toEqual({ open: true });

  const inUse = { code: 'data_dir_in_use', message: expect.stringContaining(file) };
  expect(await firstLine(run(HOLDER))).toEqual(inUse);
  first.kill('SIGSTOP');
  const started = performance.now();
  expect(() => openEmbedded({ file })).toThrow(expect.objectContaining({ code: 'data_dir_in_use' }));
  expect(performance.now() - started).toBeLessThan(1_000);

  await end(first);
  openEmbedded({ file }).close();
});

/** Opens, inserts and closes; says what was warned of. */
const GUEST = `
  import { openEmbedded } from '${BUILT}';
  const warned = [];
  const log = { info() {}, warn: (fields, message) => warned.push({ ...fields, message }) };
  try {
    const embedded = openEmbedded({ file: process.argv[1], log });
    const { outcome } = await embedded.links.insert((${LINK})(Number(process.argv[2])));
    embedded.close();
    console.log(JSON.stringify({ outcome, warned }));
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, message: error.message }));
  }`;

/** Root alone can be two users. */
const whereRoot = process.getuid?.() === 0 ? test : test.skip;

whereRoot('a file of another user that a group shares is used as it is, with a warning', async () => {
  const GROUP = 60_003;
  openEmbedded({ file }).close();
  chownSync(dir, 60_001, GROUP);
  chmodSync(dir, 0o2770);
  chownSync(file, 60_001, GROUP);
  chmodSync(file, 0o660);
  const guest = { uid: 60_002, gid: GROUP };
  const warned = [{ file, mode: '660', why: 'EPERM', message: expect.stringContaining('cannot be changed to 600') }];
  expect(await firstLine(runAs(guest, GUEST, '1'))).toEqual({ outcome: 'inserted', warned });
  expect(await firstLine(runAs(guest, GUEST, '2'))).toEqual({ outcome: 'inserted', warned });
  expect(statSync(file).mode & 0o777).toBe(0o660);
  // Whoever may not write it is still refused.
  chmodSync(file, 0o640);
  expect(await firstLine(runAs(guest, GUEST, '3'))).toMatchObject({ code: 'data_dir_unusable' });
});

test('a process that closed the file leaves it to another while it runs itself', async () => {
  openEmbedded({ file }).close();
  expect(await firstLine(run(HOLDER))).toEqual({ open: true });
});

test('of eight processes that start on a new file at once, at most one gets it, and the others are told', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => firstLine(run(HOLDER))));
  const winners = answers.filter((answer) => (answer as { open?: boolean }).open);
  const refused = answers.filter((answer) => (answer as { code?: string }).code === 'data_dir_in_use');
  expect(winners.length).toBeLessThanOrEqual(1);
  expect(winners.length + refused.length).toBe(8);
});

test('after kill -9 of a writing process each acknowledged link is there, three times over', async () => {
  const acknowledged: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const writer = run(WRITER, String(1_000_000 * (round + 1)));
    const lines = createInterface({ input: writer.stdout! });
    const target = acknowledged.length + 2_000 + 700 * round;
    const closed = once(lines, 'close');
    lines.on('line', (line) => {
      const [outcome, n] = line.split(' ');
      if (outcome !== 'inserted') throw new Error(`counter ${n}: ${outcome}`);
      acknowledged.push(Number(n));
      if (acknowledged.length === target) writer.kill('SIGKILL');
    });
    await closed;
    await end(writer);
    expect(writer.signalCode).toBe('SIGKILL');
  }
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  const { links, close } = openEmbedded({ file });
  const lost: number[] = [];
  for (const n of acknowledged) {
    const found = await links.find(0, `c${n}`);
    if (found?.state !== 'live' || found.longUrl !== `https://example.com/${n}`) lost.push(n);
  }
  close();
  expect(lost).toEqual([]);
});

test('whenever a process is killed that opens and closes the file, the next one takes it', async () => {
  const KILLS = Number(process.env.KILLS ?? 12);
  for (let kill = 0; kill < KILLS; kill += 1) {
    const opener = run(OPENER, String(1_000 * (kill + 1)));
    await firstLine(opener);
    // A round of opening and closing takes some tens of milliseconds: the moments are spread over it.
    await sleep((60 * kill) / KILLS);
    await end(opener);
    expect(opener.signalCode).toBe('SIGKILL');
    openEmbedded({ file }).close();
  }
});

test('a process that ends without closing the file, by itself or by an error that nobody catches, leaves it closed', async () => {
  for (const ending of ['process.exit(3)', 'throw new Error("unforeseen")', '']) {
    const script = `
      import { openEmbedded } from '${BUILT}';
      const link = ${LINK};
      const { links } = openEmbedded({ file: process.argv[1] });
      await links.insert(link(Date.now()));
      ${ending}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, file], { stdio: 'ignore' });
    await once(child, 'exit');
    expect(readdirSync(dir)).toEqual(['lakh.db']);
    openEmbedded({ file }).close();
  }
});
