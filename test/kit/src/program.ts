import { type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

export interface ProgramAnswer {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** What it has written so far. */
  readonly said: { stdout: string; stderr: string };
  readonly ended: Promise<ProgramAnswer>;
}

/** A built program as a user starts it; in this process's environment, unless another is given. */
export function startProgram(
  file: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'env' | 'timeout'> = {},
): RunningProgram {
  const child = spawn(process.execPath, [file, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  return { child, said, ended: once(child, 'close').then(([code]) => ({ code, ...said })) };
}
