import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A function and its share of the busy time, children not counted. */
export interface HotFunction {
  readonly name: string;
  /** File, shortened to what follows the last `node_modules/` or the repository's folder; empty for native code. */
  readonly location: string;
  /** 1-based; 0 when there is none. */
  readonly line: number;
  /** Of the time that was not idle. */
  readonly share: number;
}

/** The parts of V8's `.cpuprofile` that matter here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Microseconds, on one clock. */
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/**
 * The functions with the most self time over all profiles (one a thread), largest first. Only the last `lastSeconds` count: a
 * program is ended after its load, and what came before (starting, filling, warming) is not what is asked for.
 */
export function hottest(profiles: readonly CpuProfile[], root: string, lastSeconds: number, limit = 15): HotFunction[] {
  const selfUs = new Map<string, { name: string; location: string; line: number; us: number }>();
  let busyUs = 0;
  for (const profile of profiles) {
    const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
    const fromUs = profile.endTime - lastSeconds * 1e6;
    let atUs = profile.startTime;
    for (const [index, id] of profile.samples.entries()) {
      const frame = nodes.get(id);
      const deltaUs = profile.timeDeltas[index] ?? 0;
      atUs += deltaUs;
      if (atUs < fromUs || frame === undefined || frame.functionName === '(idle)') continue;
      // A negative delta is a sample that came out of order.
      const us = Math.max(0, deltaUs);
      busyUs += us;
      const location = shorten(frame.url, root);
      const line = frame.lineNumber + 1;
      const key = `${frame.functionName} ${location} ${line}`;
      const entry = selfUs.get(key);
      if (entry) entry.us += us;
      else selfUs.set(key, { name: frame.functionName || '(anonymous)', location, line, us });
    }
  }
  return [...selfUs.values()]
    .sort((a, b) => b.us - a.us)
    .slice(0, limit)
    .map(({ name, location, line, us }) => ({ name, location, line, share: us / busyUs }));
}

/** Reads what `node --cpu-prof --cpu-prof-dir=DIR` left at its exit. */
export async function readProfiles(dir: string): Promise<CpuProfile[]> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.cpuprofile'));
  if (files.length === 0) throw new Error('the profiled program left no profile: it did not end by itself');
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(join(dir, name), 'utf8')) as CpuProfile));
}

function shorten(url: string, root: string): string {
  const path = url.replace(/^file:\/\//, '');
  const library = path.lastIndexOf('/node_modules/');
  if (library >= 0) return path.slice(library + '/node_modules/'.length);
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
}
