/** The allocator, its witnesses and its codec as one live thing. */
export { codecOf } from './codec-of.js';
export type { IssuingHealth } from './face.js';
export { createIssuing, type IssuingOptions } from './issuing.js';
export type { Issuing, IssuingFigures, IssuingSettings, Slices } from './live-issuing.js';
export { metricsAndLog, supervisorMetricsAndLog, workerMetricsAndLog } from './metrics-and-log.js';
export type { IssuingObserver, WorkerObserver } from './observer.js';
export { issuingSettings, leaseSettings, namespaceSettings } from './settings.js';
export type { GiveBack, SliceAnswer, SliceRequest } from './slices/answers.js';
export { answerOf, sliceOf } from './slices/answers.js';
export { serveSlices, slicesOf } from './slices/over-workers.js';
export { type Holder, SliceKeeper, type SliceKeeperOptions } from './slices/slice-keeper.js';
export {
  createWorkerIssuing,
  type SliceSource,
  type WorkerIssuing,
  type WorkerIssuingOptions,
} from './slices/worker-issuing.js';
