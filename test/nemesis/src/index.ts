export * from './catalogue.js';
export { checkHistory, type FaultCount, type Verdict } from './check/check.js';
export type * from './history.js';
export { MATRIX_FAULTS, VITESS_FAULTS } from './matrix/matrix-faults.js';
export { SHORT_FAULTS } from './matrix/matrix-options.js';
export { type Matrix, runMatrix } from './matrix/run-matrix.js';
export { formatMatrix } from './matrix/table.js';
export { formatResult } from './report.js';
export { type NemesisOptions, type NemesisResult, RANGE_SIZE, runNemesis } from './run.js';
