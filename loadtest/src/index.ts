/** For tests; the programs are bench.ts and loadtest.ts. */
export type { BenchReport } from './bench/report.js';
export type { LoadtestReport } from './k6/summary.js';
