import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkerAnswer, WorkerTask } from '../programs/tasks.js';
import type { Sample, Subject } from './figures.js';
import { pinned } from './machine.js';
import type { Bench } from './setting.js';

/** A process that measures itself, one task after another; `A` is what it answers. */
export interface Worker<A = Sample> {
  ask(task: WorkerTask): Promise<A>;
  /** Ends it (its profile, if any, is written by then). */
  stop(): Promise<void>;
}

export interface WorkerOptions {
  readonly nodeArgs?: readonly string[];
  /** Where it may run, in place of the server's core. */
  readonly cores?: readonly number[];
}

const ANSWER_GRACE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;

/**
 * Starts `program` (of loadtest/dist) in a process of its own on the server's core, so that no variant runs on the types and
 * inline caches that another one left behind. It ends when this process does: its channel closes.
 */
export async function startWorker<A = Sample>(
  bench: Bench,
  program: string,
  args: readonly string[],
  { nodeArgs = [], cores }: WorkerOptions = {},
): Promise<Worker<A>> {
  await mkdir(bench.dir, { recursive: true });
  const script = join(bench.root, 'loadtest', 'dist', program);
  const [file, ...rest] = pinned(cores ?? bench.pinning.server, [process.execPath, ...nodeArgs, script, ...args]);
  bench.scope.assertOpen();
  const child = spawn(file, rest, {
    cwd: bench.dir,
    env: { ...bench.config.childEnvironment, NODE_ENV: 'production' },
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });

  async function stop(): Promise<void> {
    if (child.connected) child.disconnect();
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await gone;
    clearTimeout(killer);
  }
  bench.scope.defer(stop);

  async function ask(task: WorkerTask): Promise<A> {
    const deadlineMs = task.seconds * 1000 + ANSWER_GRACE_MS;
    const killer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    const silent = gone.then(() => {
      throw new Error(`${program} ${args.join(' ')} ended without an answer, or was killed after ${deadlineMs} ms`);
    });
    child.send(task);
    const [answer] = (await Promise.race([once(child, 'message'), silent]).finally(() => clearTimeout(killer))) as [
      WorkerAnswer<A>,
    ];
    if ('failed' in answer) throw new Error(answer.failed);
    return answer.ok;
  }
  return { ask, stop };
}

/** A subject that measures itself; `variant` is its process's first argument. */
export type Variant = Omit<Subject, 'measure'> & { readonly variant: string };

/** Starts a process for each of `variants`, with `args` besides; `measureBy` makes their subjects. */
export async function startVariants(
  bench: Bench,
  program: string,
  variants: readonly Variant[],
  ...args: readonly string[]
): Promise<(measureBy: (worker: Worker, seconds: number) => Promise<Sample>) => Subject[]> {
  const started = await Promise.all(
    variants.map(async ({ variant, ...subject }) => ({
      subject,
      worker: await startWorker(bench, program, [variant, ...args]),
    })),
  );
  return (measureBy) =>
    started.map(({ subject, worker }) => ({ ...subject, measure: (seconds) => measureBy(worker, seconds) }));
}
