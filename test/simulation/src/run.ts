import { Worker } from 'node:worker_threads';
import { seededRandom } from '@lakh/testkit';
import { ALL_SETTING_NAMES, type AnyMutantName, type AnySetting, settingOf } from './choices.js';
import { Coverage } from './coverage.js';
import type { Failure, Task } from './task.js';
import type { FromWorker } from './worker.js';

export interface RunOptions {
  /** In all; every setting of the allocator gets its share, and {@link COPY_PART} of them come on top for the shared copy. */
  readonly schedules: number;
  readonly seed: number;
  /** Absent: all of them. */
  readonly setting?: AnySetting | undefined;
  /** Brings its own setting along. */
  readonly mutant?: AnyMutantName | undefined;
  readonly workers: number;
  readonly path?: string | undefined;
  /** Told of how many schedules have run. */
  readonly progress: (schedules: number) => void;
}

export interface RunResult {
  readonly coverage: Coverage;
  /** The first that was found; everything stops at it. */
  readonly failure: Failure | undefined;
}

/** One of the shared copy takes as long as some forty of the others: servers poll and relay all the time. */
const COPY_PART = 1 / 40;

/** Splits the work over threads. The first failure ends the run. */
export async function run(options: RunOptions): Promise<RunResult> {
  const coverage = new Coverage();
  let failure: Failure | undefined;
  let ran = 0;
  const threads = tasksOf(options).map((tasks) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: tasks });
    return { worker, ended: endOf(worker) };
  });
  for (const { worker } of threads) {
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'ran') {
        ran += message.schedules;
        options.progress(ran);
        return;
      }
      coverage.addAll(message.result.coverage);
      if (message.result.failure === undefined || failure !== undefined) return;
      failure = message.result.failure;
      for (const other of threads) void other.worker.terminate();
    });
  }
  await Promise.all(threads.map(({ ended }) => ended));
  return { coverage, failure };
}

/** The tasks of each thread. Each has a seed of its own, which replays it whatever the number of threads. */
export function tasksOf({ schedules, seed, setting, mutant, workers, path }: RunOptions): Task[][] {
  const settings = mutant ? [settingOf(mutant)] : setting ? [setting] : ALL_SETTING_NAMES;
  if (path !== undefined) return [[{ setting: settings[0] as AnySetting, mutant, seed, schedules: 1, path }]];
  const ofAllocator = settings.filter((each) => each !== 'shared-copy').length;
  const shareOf = (each: AnySetting) => {
    if (settings.length === 1) return Math.ceil(schedules / workers);
    return Math.ceil(each === 'shared-copy' ? (schedules * COPY_PART) / workers : schedules / ofAllocator / workers);
  };
  return Array.from({ length: workers }, (_, worker) =>
    settings.map((each, i) => ({
      setting: each,
      mutant,
      seed: derivedSeed(seed, i * workers + worker),
      schedules: shareOf(each),
    })),
  );
}

function derivedSeed(seed: number, index: number): number {
  return Math.floor(seededRandom(seed ^ Math.imul(index + 1, 0x9e3779b1))() * 2 ** 31);
}

function endOf(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
}
