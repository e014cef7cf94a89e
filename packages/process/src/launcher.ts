/**
 * Notices the death of npm. `npm start` is npm → (sh →) node; SIGTERM to npm's pid alone ends npm, or npm and its shell, and
 * leaves the server an orphan that holds its port. Only a process that npm started in its own process group is watched: one
 * that was detached on purpose (setsid, `spawn({detached: true})`) is meant to outlive its launcher.
 */
import { readFileSync } from 'node:fs';

/** One line of /proc. `startedAt` (clock ticks since boot) tells a process from a later one with the same pid. */
export interface ProcessFacts {
  readonly command: string;
  readonly parentPid: number;
  readonly processGroup: number;
  readonly startedAt: string;
}

export type ReadProcess = (pid: number) => ProcessFacts | undefined;

export interface Launcher {
  /** False as soon as the parent, or a shell's parent, is gone. */
  isAlive(): boolean;
}

const SHELLS = new Set(['sh', 'dash', 'bash', 'ash', 'zsh', 'ksh', 'busybox']);
const POLL_MS = 250;

/** Reads /proc/<pid>/stat (proc(5)); `undefined` when there is no such process, when it has ended, or where there is no /proc. */
export function readProcess(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command is in parentheses and may hold any character, a closing one included.
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    // A zombie only waits for its parent to notice. A killed program's first thread is one some milliseconds before the others are
    // gone, and with the last of them its sockets.
    if (fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)) return undefined;
    return {
      command: stat.slice(stat.indexOf('(') + 1, end),
      parentPid: Number(fields[1]),
      processGroup: Number(fields[2]),
      startedAt: fields[19] ?? '',
    };
  } catch {
    return undefined;
  }
}

/** Who launched this process, seen now; `undefined` when it was detached. Without /proc only the parent is known. */
export function describeLauncher(
  self: { readonly pid: number; readonly ppid: number } = process,
  read: ReadProcess = readProcess,
): Launcher | undefined {
  if (read(self.pid)?.processGroup === self.pid) return undefined;
  const parentPid = self.ppid;
  const parent = read(parentPid);
  const grandparent =
    parent && SHELLS.has(parent.command) && parent.parentPid > 0
      ? { pid: parent.parentPid, startedAt: read(parent.parentPid)?.startedAt }
      : undefined;
  return {
    isAlive() {
      // An orphan gets another parent at once.
      if (self.ppid !== parentPid) return false;
      return !grandparent || read(grandparent.pid)?.startedAt === grandparent.startedAt;
    },
  };
}

/** Calls `onDeath` once, within about {@link POLL_MS} of the launcher's death. Keeps no process alive. */
export function watchLauncher(launcher: Launcher, onDeath: () => void, pollMs = POLL_MS): () => void {
  const timer = setInterval(() => {
    if (launcher.isAlive()) return;
    clearInterval(timer);
    onDeath();
  }, pollMs);
  timer.unref();
  return () => clearInterval(timer);
}
