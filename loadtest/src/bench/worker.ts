import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sample } from './figures.js';
import { pinned } from './machine.js';
import type { Bench } from './setting.js';

/** What a measuring process is asked: the program knows what `seconds` and `callers` mean to it. */
export interface WorkerTask {
  readonly seconds: number;
  readonly callers: number;
}

export type WorkerAnswer = { readonly ok: Sample } | { readonly failed: string };

/** A process that measures itself, one task after another. */
export interface Worker {
  ask(task: WorkerTask): Promise<Sample>;
  /** Ends it (its profile, if any, is written by then). */
  stop(): Promise<void>;
}

const ANSWER_GRACE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;

/**
 * Starts `program` (of loadtest/dist) in a process of its own on the server's core, so that no variant runs on the types and
 * inline caches that another one left behind. It ends when this process does: its channel closes.
 */
export async function startWorker(
  bench: Bench,
  program: string,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): Promise<Worker> {
  await mkdir(bench.dir, { recursive: true });
  const script = join(bench.root, 'loadtest', 'dist', program);
  const [file, ...rest] = pinned(bench.pinning.server, [process.execPath, ...nodeArgs, script, ...args]);
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

  function ask(task: WorkerTask): Promise<Sample> {
    const deadlineMs = task.seconds * 1000 + ANSWER_GRACE_MS;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        settle(() => reject(new Error(`${program} ${args.join(' ')} gave no answer within ${deadlineMs} ms`)));
      }, deadlineMs);
      const onMessage = (message: unknown) => {
        const answer = message as WorkerAnswer;
        settle(() => ('ok' in answer ? resolve(answer.ok) : reject(new Error(answer.failed))));
      };
      function settle(finish: () => void): void {
        clearTimeout(timer);
        child.off('message', onMessage);
        finish();
      }
      child.once('message', onMessage);
      void gone.then(() => settle(() => reject(new Error(`${program} ${args.join(' ')} ended without an answer`))));
      child.send(task);
    });
  }
  return { ask, stop };
}

/** The other side: measures each task that arrives, and lets the process end when the channel closes. */
export function serveTasks(measure: (task: WorkerTask) => Promise<Sample>, close: () => Promise<void>): void {
  process.on('message', (task: WorkerTask) => {
    measure(task).then(
      (ok) => process.send?.({ ok } satisfies WorkerAnswer),
      (error: unknown) => process.send?.({ failed: String(error) } satisfies WorkerAnswer),
    );
  });
  process.once('disconnect', () => void close().finally(() => process.exit(0)));
}
