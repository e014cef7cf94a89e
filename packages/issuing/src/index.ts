/** The allocator, its witnesses and its codec as one live thing. */
export { codecOf } from './codec-of.js';
export {
  createIssuing,
  type Issuing,
  type IssuingFigures,
  type IssuingHealth,
  type IssuingOptions,
  type IssuingSettings,
} from './issuing.js';
export { metricsAndLog } from './metrics-and-log.js';
export type { IssuingObserver } from './observer.js';
export { issuingSettings, leaseSettings, namespaceSettings } from './settings.js';
