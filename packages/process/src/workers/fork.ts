import { fork } from 'node:child_process';
import { url as inspectorUrl } from 'node:inspector';
import type { Socket } from 'node:net';
import { Channel } from './channel.js';
import type { Exit, WorkerProcess } from './member.js';
import { WORKER_ARGUMENT } from './post.js';

export interface ForkOptions {
  readonly program: string;
  readonly args: readonly string[];
}

/** Starts this program once more, as a worker. */
export function forkWorker(
  { program, args }: ForkOptions = { program: process.argv[1] ?? '', args: [WORKER_ARGUMENT] },
): WorkerProcess {
  const child = fork(program, args, {
    // What is no JSON (Infinity) has to arrive too.
    serialization: 'advanced',
    // Of a debugger's port each process needs its own.
    execArgv: isInspected() ? [...process.execArgv, '--inspect-port=0'] : process.execArgv,
  });
  const channel = new Channel({
    send(message, onFailed, socket) {
      child.send(message as object, socket, { keepOpen: true }, (error) => error && onFailed(error));
    },
    onMessage: (heard) => void child.on('message', (message, socket) => heard(message, socket as Socket | undefined)),
  });
  const exited = new Promise<Exit>((resolve) => {
    // Once all that it had said has been heard; a process that it left behind may have its channel still.
    child.once('exit', (code, signal) => {
      const exit = { code: signal === null ? code : null, signal };
      if (child.connected) child.once('disconnect', () => resolve(exit));
      else resolve(exit);
    });
    // Of a signal that found nobody, or a message, there is nothing to be told.
    child.on('error', ({ message }) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, failure: message });
    });
  });
  return { pid: child.pid ?? 0, channel, exited, kill: (signal) => void child.kill(signal) };
}

/** Whether a debugger may look at this process, and at its workers, which it stops for as long as it likes. */
export const isInspected = (): boolean => inspectorUrl() !== undefined;
