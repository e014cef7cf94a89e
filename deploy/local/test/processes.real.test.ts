import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@lakh/testkit';
import type { ServerPlan } from '../src/servers/server';
import {
  awaitGone,
  groupMembers,
  identify,
  isAlive,
  type ProcessIdentity,
  signalGroup,
  signalOne,
  spawnDetached,
} from '../src/stack/processes';

let dir: string;
const started: ProcessIdentity[] = [];

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'lakh-processes-')));
});
afterEach(async () => {
  for (const process of started.splice(0)) {
    signalGroup(process, dir, 'SIGKILL');
    expect(await awaitGone(process, dir, 5_000)).toBe(true);
  }
  rmSync(dir, { recursive: true, force: true });
});

async function run(script: string): Promise<ProcessIdentity> {
  const file = join(dir, 'program.js');
  writeFileSync(file, script);
  const plan: ServerPlan = {
    name: 'program-1',
    role: 'shorten',
    host: '127.0.0.1',
    port: 1,
    dir,
    logFile: join(dir, 'program.log'),
    command: [process.execPath, file],
    env: {},
    stopSignal: 'SIGTERM',
    prepare: async () => {},
    ready: async () => readFileSync(join(dir, 'program.log'), 'utf8').includes('up'),
  };
  await spawnDetached(plan, (identity) => started.push(identity));
  await until(() => plan.ready());
  return started.at(-1) as ProcessIdentity;
}

const idle = "setInterval(() => {}, 1000); console.log('up');";
/** Forks a worker in its own process group, as nginx does, which outlives it. */
const withWorker = `const { spawn } = require('node:child_process');
  spawn(process.execPath, ['-e', "setInterval(() => {}, 1000); console.log('up')"], { stdio: 'inherit' });
  setInterval(() => {}, 1000);`;

describe('a process of the stack', () => {
  test('is one beyond doubt: the same id with another start is somebody else, and is never signalled', async () => {
    const process = await run(idle);
    const earlier = { ...process, startedAt: `${process.startedAt}0` };
    expect(isAlive(process)).toBe(true);
    expect(isAlive(earlier)).toBe(false);
    expect(signalOne(earlier, 'SIGKILL')).toBe(false);
    expect(signalGroup(earlier, dir, 'SIGKILL')).toBe(false);
    expect(isAlive(process)).toBe(true);
    expect(identify(process.pid)).toEqual(process);
  });

  test('ends by a signal and is then gone; a signal to it later goes nowhere', async () => {
    const process = await run(idle);
    expect(signalOne(process, 'SIGTERM')).toBe(true);
    expect(await awaitGone(process, dir, 5_000)).toBe(true);
    expect(signalOne(process, 'SIGTERM')).toBe(false);
    expect(groupMembers(process, dir)).toEqual([]);
  });

  test('that was killed leaves workers, which are found and ended, but only in its own folder', async () => {
    const process = await run(withWorker);
    signalOne(process, 'SIGKILL');
    while (isAlive(process)) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(groupMembers(process, dir)).toHaveLength(1);
    expect(groupMembers(process, join(dir, 'another'))).toEqual([]);
    expect(signalGroup(process, join(dir, 'another'), 'SIGKILL')).toBe(false);
    expect(await awaitGone(process, dir, 50)).toBe(false);
    expect(signalGroup(process, dir, 'SIGKILL')).toBe(true);
    expect(await awaitGone(process, dir, 5_000)).toBe(true);
  });

  test('that cannot be run is reported', async () => {
    const plan = { name: 'x', dir, logFile: join(dir, 'x.log'), command: [join(dir, 'no-such-program')], env: {} };
    await expect(spawnDetached(plan as unknown as ServerPlan, () => {})).rejects.toMatchObject({
      code: 'start_failed',
    });
  });
});
