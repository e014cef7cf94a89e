/** A thread that runs tasks, one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { establishedImage } from './check.js';
import { runTask, type Task, type TaskResult } from './task.js';

export type FromWorker =
  | { readonly type: 'ran'; readonly schedules: number }
  | { readonly type: 'result'; readonly result: TaskResult };

// Most schedules make hundreds of errors, and nobody reads where: a trace costs ten times the error.
Error.stackTraceLimit = 0;

const tell = (message: FromWorker): void => parentPort?.postMessage(message);
const image = await establishedImage();
for (const task of workerData as readonly Task[]) {
  const result = await runTask(task, image, (schedules) => tell({ type: 'ran', schedules }));
  tell({ type: 'result', result });
}
