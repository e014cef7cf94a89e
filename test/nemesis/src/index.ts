export * from './catalogue.js';
export { checkHistory, type FaultCount, type Verdict } from './check/check.js';
export type * from './history.js';
export { formatResult } from './report.js';
export { type NemesisOptions, type NemesisResult, RANGE_SIZE, runNemesis } from './run.js';
