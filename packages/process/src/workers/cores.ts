/** How many cores a process may use: of those that it may run on, what the quotas of its cgroup and of those above it leave. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';

/** Undefined: there is no such file. */
export type ReadText = (path: string) => string | undefined;

const ROOT = '/sys/fs/cgroup';
/** Where version 1's cpu controller is mounted. */
const V1_ROOTS = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'];

export function availableCores(cores: number = availableParallelism(), read: ReadText = readIfThere): number {
  const quotas = groupsOf(read('/proc/self/cgroup') ?? '').flatMap((group) => quotasOf(group, read));
  // Half a core more is worth a worker, less is not.
  return Math.max(1, Math.round(Math.min(cores, ...quotas)));
}

interface Group {
  readonly isV2: boolean;
  readonly path: string;
}

/** The groups whose quotas are this process's, from the text of /proc/self/cgroup (cgroups(7)). */
function groupsOf(text: string): readonly Group[] {
  return text.split('\n').flatMap((line): Group[] => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === '') return [{ isV2: true, path }];
    return controllers.split(',').includes('cpu') ? [{ isV2: false, path }] : [];
  });
}

/** In cores. A container often sees its own group as the root, whatever path it is told: that one is looked at too. */
function quotasOf({ isV2, path }: Group, read: ReadText): readonly number[] {
  const levels = levelsOf(path);
  const quotas = isV2
    ? levels.map((level) => quotaOfV2(read(posix.join(ROOT, level, 'cpu.max'))))
    : V1_ROOTS.flatMap((root) =>
        levels.map((level) =>
          quotaOf(
            read(posix.join(root, level, 'cpu.cfs_quota_us')),
            read(posix.join(root, level, 'cpu.cfs_period_us')),
          ),
        ),
      );
  return quotas.filter((quota) => quota !== undefined);
}

/** A path and all above it. */
function levelsOf(path: string): readonly string[] {
  const normal = posix.normalize(path);
  return normal === '/' ? [normal] : [normal, ...levelsOf(posix.dirname(normal))];
}

/** `<quota> <period>`, or `max <period>` where there is none. */
function quotaOfV2(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? '').trim().split(/\s+/);
  return quotaOf(quota, period);
}

/** Version 1 says -1 where there is none. */
function quotaOf(quota: string | undefined, period: string | undefined): number | undefined {
  const cores = Number(quota) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? cores : undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // No such group, no such version, no such system: no quota that could be known.
    return undefined;
  }
}
