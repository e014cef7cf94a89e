import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { delimiter } from 'node:path';
import { findExecutable } from '@lakh/local';

/** Facts about the machine that figures depend on; nothing that identifies it. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly platform: string;
}

/** Which core runs what is measured, and which the generator; undefined = the scheduler's choice. */
export interface Pinning {
  readonly server: number | undefined;
  readonly generator: number | undefined;
  /** For several servers at once: every core but the generator's; none = the scheduler's choice. */
  readonly servers: readonly number[];
  /** What a reader must know about it. */
  readonly note: string;
}

const TMPFS_MAGIC = 0x01021994;

export function machineFacts(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown processor',
    cores: availableParallelism(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** Kernel notation for sets of cores: `0-2,7` → 0, 1, 2, 7. */
export function parseCores(list: string): number[] {
  return list
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number) as [number, number?];
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/**
 * Two cores of those this process may use, not two threads of one where there is a choice: the second thread of a
 * core takes from the first.
 */
export function choosePinning(allowed: readonly number[], siblingsOf: (core: number) => readonly number[]): Pinning {
  const [server, next] = allowed;
  if (server === undefined) return unpinned('the cores of this process are unknown: nothing is pinned');
  if (next === undefined) {
    const note = `one core (${server}) for server and generator together: figures are of both, ratios are still comparable`;
    return { server, generator: server, servers: [server], note };
  }
  const siblings = siblingsOf(server);
  const allBut = (core: number) => allowed.filter((other) => other !== core);
  const generator = allowed.find((core) => core !== server && !siblings.includes(core));
  if (generator === undefined) {
    const note = `server on core ${server}, generator on core ${next}: two threads of one physical core`;
    return { server, generator: next, servers: allBut(next), note };
  }
  const note = `server on core ${server}, generator (and databases) on core ${generator}`;
  return { server, generator, servers: allBut(generator), note };
}

/** {@link choosePinning} for this process. Needs Linux and `taskset` in `path`. */
export function readPinning(path: string): Pinning {
  if (findExecutable(path.split(delimiter), 'taskset') === undefined) {
    return unpinned('no taskset here (Debian: util-linux): nothing is pinned');
  }
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readText('/proc/self/status'))?.[1] ?? '';
  return choosePinning(parseCores(allowed), (core) =>
    parseCores(readText(`/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`)),
  );
}

/** `command`, on these cores only. taskset replaces itself by the command, so the process id is the command's own. */
export function pinned(
  cores: number | readonly number[] | undefined,
  command: readonly [string, ...string[]],
): [string, ...string[]] {
  const list = [cores ?? []].flat().join(',');
  return list === '' ? [...command] : ['taskset', '-c', list, ...command];
}

/** A warning where "durable" would mean memory; undefined on a real file system. */
export async function durabilityNote(dir: string): Promise<string | undefined> {
  const { type } = await statfs(dir);
  if (type !== TMPFS_MAGIC) return undefined;
  return 'the data folder is in memory (tmpfs), where fsync costs nothing: give a folder on a disk with --dir';
}

function unpinned(note: string): Pinning {
  return { server: undefined, generator: undefined, servers: [], note };
}

function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
