import { execFile } from 'node:child_process';
import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './support/ask';
import { CreatedLinks } from './support/created-links';
import { DegradedStack } from './support/degraded-stack';

/** The whole system with a witness that forgot, and what its operator types: no server is restarted, no code comes twice. */
jest.setTimeout(240_000);

const RANGE_SIZE = 40;
const MOST_HELD = 4 * RANGE_SIZE;
const SHORTEN = ['shorten-1', 'shorten-2'];

/** The same for servers and operator. Short enough for a repair to say nothing of its waits. */
const LAKH_LEASE_ATTEMPT_MS = '800';

let system: DegradedStack;
const created = new CreatedLinks();

beforeAll(async () => {
  system = await DegradedStack.up(
    { shorten: 2, redirect: 1 },
    {
      LAKH_RANGE_SIZE: String(RANGE_SIZE),
      LAKH_RANGES_MAX_HELD: '2',
      LAKH_RUNWAY_S: '1',
      LAKH_LEASE_DEADLINE_MS: '1000',
      LAKH_LEASE_ATTEMPT_MS,
    },
  );
});
afterAll(() => system.down());
afterEach(() => {
  expect(created.repeated).toEqual([]);
});

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built program, as its operator starts it. */
function lakh(...argv: readonly string[]): Promise<Ran> {
  const { zookeeper, zookeeperAuth, databaseFile } = system.stack.addresses();
  const program = join(__dirname, '..', '..', 'services', 'lakh', 'dist', 'main.js');
  const env = {
    PATH: process.env.PATH,
    LAKH_ZOOKEEPER: zookeeper,
    LAKH_ZOOKEEPER_AUTH: zookeeperAuth,
    LAKH_DATABASE_FILE: databaseFile,
    LAKH_LEASE_ATTEMPT_MS,
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...argv],
      { cwd: system.dir, env, timeout: 20_000 },
      (error, stdout, stderr) => {
        resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

const pids = (): string => JSON.stringify(system.stack.running().filter(({ name }) => SHORTEN.includes(name)));

/** Creates beyond what the servers can have held before, so that they have leased since. */
async function everyServerLeases(): Promise<void> {
  for (const name of SHORTEN) {
    await system.untilReadiness(name, 'leases and stores', ({ status }) => status === 'ready');
    for (let i = 0; i < MOST_HELD; i += 8) {
      await Promise.all(Array.from({ length: 8 }, () => created.mustCreate(system.url(name))));
    }
  }
}

async function everyServerRefuses(code: string): Promise<void> {
  for (const name of SHORTEN) {
    const { status } = await created.untilRefused(system.url(name), 2 * MOST_HELD);
    expect(status).toBe(503);
    await system.untilReadiness(name, code, ({ checks }) => checks.ids?.detail?.includes(code) === true);
  }
}

/** What an operator does after a refusal, and what becomes of it. */
async function repairAndGoOn(code: string): Promise<void> {
  const before = pids();
  const check = await lakh('ranges', 'check');
  expect([check.exitCode, check.stdout]).toEqual([3, expect.stringContaining(`problem: ${code}: `)]);
  const dry = await lakh('ranges', 'repair');
  expect([dry.exitCode, dry.stdout]).toEqual([0, expect.stringContaining('nothing was changed')]);
  expect((await lakh('ranges', 'check')).exitCode).toBe(3);

  const applied = await Promise.all([lakh('ranges', 'repair', '--apply'), lakh('ranges', 'repair', '--apply')]);
  expect(applied.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
    [0, expect.stringMatching(/^lakh: this is [^\n]*\n$/)],
    [0, expect.stringMatching(/^lakh: this is [^\n]*\n$/)],
  ]);
  await everyServerLeases();
  expect(pids()).toBe(before);
  expect(await lakh('ranges', 'check')).toMatchObject({ exitCode: 0 });
}

test('ZooKeeper wiped: mark_missing, a repair, and creates resume', async () => {
  await everyServerLeases();
  await system.killZookeepers();
  system.swapZookeeperData({ keep: 'before the wipe' });
  await system.startZookeepers();
  await everyServerRefuses('mark_missing');
  await repairAndGoOn('mark_missing');
});

test('the ledger restored from an old copy: ledger_forgot, a repair, and creates resume; lost codes stay lost', async () => {
  const data = join(system.dir, 'mysql-1', 'data');
  await everyServerLeases();
  const known = new Set(created.all.map(({ code }) => code));
  await system.stack.kill('mysql-1');
  cpSync(data, join(system.dir, 'mysql-1', 'old'), { recursive: true, filter: (path) => !path.endsWith('.sock') });
  await system.stack.start('mysql-1');
  await everyServerLeases();
  await system.stack.kill('mysql-1');
  renameSync(data, join(system.dir, 'mysql-1', 'newer'));
  renameSync(join(system.dir, 'mysql-1', 'old'), data);
  await system.stack.start('mysql-1');

  await everyServerRefuses('ledger_forgot');
  await repairAndGoOn('ledger_forgot');
  const lost = created.all.find(({ code }) => !known.has(code));
  expect((await ask('GET', `${system.url('shorten-1')}/api/v1/urls/${lost?.code}`)).status).toBe(404);
  const { stdout } = await lakh('audit', lost?.code ?? '');
  expect(stdout).toMatch(/no link has this code/);
});

test('an audit follows any code to the server that issued it', async () => {
  const { code, longUrl } = await created.mustCreate(system.url('shorten-2'));
  const { exitCode, stdout } = await lakh('audit', code, '--json');
  expect(exitCode).toBe(0);
  const id = /"serverId":"([^"]+)"/.exec(system.log('shorten-2'))?.[1];
  expect(JSON.parse(stdout)).toMatchObject({
    code,
    link: { state: 'live', longUrl },
    range: { state: 'leased', server: id },
  });
});
