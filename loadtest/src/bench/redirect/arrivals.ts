import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { progress } from '../../scope.js';
import type { Group, Sample, Skipped, Subject } from '../figures.js';
import { goProgram } from '../go-programs.js';
import { pinned } from '../machine.js';
import type { Bench } from '../setting.js';
import { CONNECTIONS, load } from './load.js';
import type { Warm } from './ours.js';
import { BARE, type Rival } from './rivals.js';

const ID = 'arrivals';
const OF_HIGHEST = 0.7;
/** What it may take beyond its seconds: starting, and who has not been answered yet. */
const GRACE_MS = 15_000;
/** Of the p99 that was measured: what the generator may have added to it without a word. */
const LATE_SHARE = 0.1;

/** What loadtest/go/arrivals prints; microseconds. */
interface Arrivals {
  readonly requests: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** How late requests were sent although a connection was free. */
  readonly lateP99Us: number;
}

/** How long answers take while requests come at a constant rate: 70 % of what each server was just seen to do at most. */
export async function arrivalsGroup(bench: Bench, one: Warm, rivals: readonly Rival[]): Promise<Group> {
  const generator = await goProgram(bench, 'arrivals');
  const title = `p99 at ${OF_HIGHEST * 100} % of the highest rate, requests at constant intervals, one core`;
  const group = { id: ID, title, unit: 'ms' };
  if ('missing' in generator) {
    const skipped: Skipped[] = [{ name: 'requests at constant intervals', reason: generator.missing }];
    return { ...group, subjects: [], skipped };
  }
  const bare = rivals.filter(({ name }) => name === BARE);
  const subject = ({ name, role, what }: Omit<Subject, 'measure'>, url: string): Subject => ({
    name,
    role,
    what,
    measure: (seconds) => p99(bench, generator.file, { name, url, pathsFile: one.paths.hot, seconds }),
  });
  return {
    ...group,
    subjects: [
      subject({ name: one.name, role: 'ours', what: one.what }, one.running.url),
      ...bare.map((rival) => subject(rival, rival.url)),
    ],
    independent: true,
    targets: [{ ours: one.name, against: BARE, atMost: 1 }],
  };
}

interface Measured {
  readonly name: string;
  readonly url: string;
  readonly pathsFile: string;
  readonly seconds: number;
}

async function p99(bench: Bench, generator: string, { name, url, pathsFile, seconds }: Measured): Promise<Sample> {
  const highest = await load(bench, url, pathsFile, seconds);
  const rate = Math.floor(highest.value * OF_HIGHEST);
  const args = [new URL(url).port, pathsFile, String(rate), String(seconds), String(CONNECTIONS)];
  const [file, ...rest] = pinned(bench.pinning.generator, [generator, ...args]);
  bench.scope.assertOpen();
  const running = promisify(execFile)(file, rest, {
    timeout: seconds * 1000 + GRACE_MS,
    killSignal: 'SIGKILL',
    env: bench.config.childEnvironment,
  });
  bench.scope.defer(() => running.child.kill('SIGKILL'));
  const { stdout } = await running.catch((error: Error & { readonly stderr: string }) => {
    throw new Error(`${ID}: ${name} at ${rate} a second: ${(error.stderr || error.message).trim()}`);
  });
  const { p50Us, p99Us, lateP99Us } = JSON.parse(stdout) as Arrivals;
  progress(`${ID}: ${name}: ${rate.toLocaleString('en')} requests a second`);
  if (lateP99Us > p99Us * LATE_SHARE) {
    progress(`${ID}: the generator was late itself, p99 ${(lateP99Us / 1000).toFixed(2)} ms: its core is not its own`);
  }
  return { value: p99Us / 1000, p50Ms: p50Us / 1000, p99Ms: p99Us / 1000 };
}
