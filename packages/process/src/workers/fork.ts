import cluster, { type Worker } from 'node:cluster';
import { Channel } from './channel.js';
import type { Exit, WorkerProcess } from './member.js';
import { WORKER_ARGUMENT } from './post.js';

/** To be called once, before the first {@link forkWorker}. */
export function setUpForks(): void {
  // Connections are dealt out in turn, so that those that stay for hours are not one worker's.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // What is no JSON (Infinity) has to arrive too.
  cluster.setupPrimary({ args: [WORKER_ARGUMENT], serialization: 'advanced' });
}

/** Starts this program once more, as a worker. */
export function forkWorker(): WorkerProcess {
  const worker: Worker = cluster.fork();
  const channel = new Channel({
    send: (message, onFailed) => void worker.send(message as object, (error) => error && onFailed(error)),
    onMessage: (heard) => void worker.on('message', heard),
  });
  const exited = new Promise<Exit>((resolve) => {
    worker.once('exit', (code: number | null, signal: NodeJS.Signals | null) => {
      resolve({ code: signal === null ? code : null, signal: signal || null });
    });
    // The system can start no more processes; of a signal that found nobody there is nothing to be told.
    worker.on('error', () => {
      if (worker.process.pid === undefined) resolve({ code: null, signal: 'SIGKILL' });
    });
  });
  return {
    pid: worker.process.pid ?? 0,
    channel,
    exited,
    kill: (signal) => void worker.process.kill(signal),
  };
}
