/** What an operator does to the ranges of a system, without any I/O of its own. */
export type { Audit } from './audit.js';
export type { BootstrapReport } from './bootstrap.js';
export * from './errors.js';
export type { RowFigures, ServerFigures, Summary } from './figures.js';
export type { Finding } from './findings.js';
export { type ImportReport, type LedgerFileHead, LedgerFileReader, type LedgerFileRow } from './ledger-file.js';
export * from './operations.js';
export type { RepairStep } from './plan.js';
export type { Admin, OperationsPorts, RunningServer } from './ports.js';
export type { RepairReport } from './repair.js';
