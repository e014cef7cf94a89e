import { join } from 'node:path';
import { progress } from '../scope.js';
import type { LakhServer } from './lakh-servers.js';
import { hottest, profileArguments, readProfiles } from './profile.js';
import type { Profile } from './report.js';
import type { Bench } from './setting.js';

/** Starts a server under the profiler, puts `load` on it for `seconds`, ends it and sums up where its time went. */
export async function profileServer(
  bench: Bench,
  name: string,
  start: (nodeArgs: readonly string[]) => Promise<LakhServer>,
  seconds: number,
  load: (url: string) => Promise<unknown>,
): Promise<Profile> {
  progress(`profiling ${name}`);
  const dir = join(bench.dir, `profile-${name.replaceAll(/[^a-z0-9]+/gi, '-')}`);
  const { url, server } = await start(profileArguments(dir));
  await load(url);
  await server.stop();
  return { subject: name, functions: hottest(await readProfiles(dir), bench.root, seconds) };
}
