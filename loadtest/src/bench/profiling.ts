import { join } from 'node:path';
import type { WorkerTask } from '../programs/tasks.js';
import { progress } from '../scope.js';
import type { Ours } from './lakh-servers.js';
import { hottest, readProfiles } from './profile.js';
import type { Profile } from './report.js';
import type { Bench } from './setting.js';
import { startWorker } from './worker.js';

/** Has `run` start a program under the profiler and end it, and sums up where its last `seconds` went. */
async function profiled(
  bench: Bench,
  subject: string,
  seconds: number,
  run: (nodeArgs: readonly string[]) => Promise<void>,
): Promise<Profile> {
  progress(`profiling ${subject}`);
  const dir = join(bench.dir, `profile-${subject.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  await run(['--cpu-prof', `--cpu-prof-dir=${dir}`]);
  return { subject, functions: hottest(await readProfiles(dir), bench.root, seconds) };
}

/** Starts each of ours anew, puts `load` on it for `seconds` and ends it: one process at a time on its data and its core. */
export async function profileServers<O extends Ours>(
  bench: Bench,
  ours: readonly O[],
  seconds: number,
  load: (url: string, one: O) => Promise<unknown>,
): Promise<Profile[]> {
  const profiles: Profile[] = [];
  for (const one of ours) {
    await one.running.server.stop();
    const run = async (nodeArgs: readonly string[]) => {
      const { url, server } = await one.start(nodeArgs);
      await load(url, one);
      await server.stop();
    };
    profiles.push(await profiled(bench, one.name, seconds, run));
  }
  return profiles;
}

/** The same for one task of a measuring process. */
export function profileWorker(
  bench: Bench,
  subject: string,
  program: string,
  args: readonly string[],
  task: WorkerTask,
): Promise<Profile> {
  return profiled(bench, subject, task.seconds, async (nodeArgs) => {
    const worker = await startWorker(bench, program, args, { nodeArgs });
    await worker.ask(task);
    await worker.stop();
  });
}
