/** One worker's process, as its supervisor has it. */
import type { Channel } from './channel.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why the system started no process at all. */
  readonly failure?: string;
}

/** A process that was started and has not been waited for. */
export interface WorkerProcess {
  readonly pid: number;
  readonly channel: Channel;
  /** Resolves when it is gone. */
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

/**
 *   starting   not serving yet
 *   serving    has said that it serves
 *   draining   was told to end
 *   gone       has ended
 */
export type MemberState = 'starting' | 'serving' | 'draining' | 'gone';

export interface Member {
  /** From 1; the one that replaces another has its number. */
  readonly worker: number;
  readonly process: WorkerProcess;
  readonly startedMs: number;
  state: MemberState;
}

const REASONS = { own: ': what it logged says why', other: '' } as const;

/** A worker ended before it served. */
export class WorkerFailedError extends Error {
  /** Undefined: a signal ended it, or it could not even begin. */
  readonly exitCode: number | undefined;
  constructor(worker: number, exit: Exit) {
    super(
      `worker ${worker} ended ${describeExit(exit)} before it could serve${REASONS[exit.code === null ? 'other' : 'own']}`,
    );
    this.exitCode = exit.code === null ? undefined : exit.code;
  }
}

export function describeExit({ code, signal, failure }: Exit): string {
  if (failure !== undefined) return `as it began (${failure})`;
  return signal === null ? `with exit code ${code}` : `by ${signal}`;
}
