import type { LedgerRow } from '@lakh/id-range';
import { type Audit, audit } from './audit.js';
import { type BootstrapReport, bootstrap } from './bootstrap.js';
import { type CodeLengths, codeLengths } from './code-lengths.js';
import { InvalidArgumentError, SkipTooLargeError } from './errors.js';
import { listRows, type RowFigures, type Summary, summarise, withFigures } from './figures.js';
import { type Finding, findingsOf, hasProblems } from './findings.js';
import { type LeasedSince, leasedSince, requireEnough } from './leased-since.js';
import {
  exportHead,
  exportPage,
  type ImportReport,
  importRows,
  type LedgerFileHead,
  type LedgerFileRow,
} from './ledger-file.js';
import type { OperationsPorts } from './ports.js';
import { type RepairReport, raise, repair } from './repair.js';
import { readWitnesses, rowOf } from './witnesses.js';

/** The most that is skipped without a second word: a day of 11,500 creates a second, a 3,500th of all counters there are. */
const SKIP_MAX = 1_000_000_000;

/** How many counters a repair gives up for good. */
export interface Skip {
  readonly skip: number;
  /** Also where it is more than {@link SKIP_MAX}. */
  readonly force?: boolean;
}

export interface CheckReport {
  readonly ok: boolean;
  readonly mark: { readonly next: number; readonly ledgered: number } | string;
  readonly head: number | string;
  readonly rows: number;
  readonly highestLeaseEnd: number;
  readonly highestCounter: number;
  readonly findings: readonly Finding[];
}

export interface RestoreReport extends RepairReport {
  /** What the skip has to be more than. */
  readonly leasedSince: LeasedSince | null;
  /** Of new links, as far as the skip changes it. */
  readonly codeLengths: CodeLengths | null;
}

/**
 * The operator's commands. Arguments and answers are plain JSON, so that the same interface is served by a running server
 * and asked for from another process. Every call rejects with a named error (`code`, `status`).
 */
export interface Operations {
  /** What is looked at: an ensemble and a database, or a file. */
  system(): Promise<string>;
  list(options: { readonly before?: number; readonly limit?: number }): Promise<readonly RowFigures[]>;
  /** The range of a counter, or of the counter that a code stands for; null where there is none. */
  show(options: { readonly counter?: number; readonly code?: string }): Promise<RowFigures | null>;
  summary(): Promise<Summary>;
  check(): Promise<CheckReport>;
  audit(options: { readonly code: string }): Promise<Audit>;
  repair(options: { readonly apply: boolean }): Promise<RepairReport>;
  restore(options: Skip & { readonly apply: boolean }): Promise<RestoreReport>;
  bootstrap(options: Skip & { readonly adopt: boolean }): Promise<BootstrapReport>;
  exportHead(): Promise<LedgerFileHead>;
  exportPage(options: { readonly from: number }): Promise<{
    readonly rows: readonly LedgerFileRow[];
    readonly next: number | null;
  }>;
  importRows(options: {
    readonly head: LedgerFileHead;
    readonly rows: readonly LedgerFileRow[];
  }): Promise<ImportReport>;
}

export type OperationName = keyof Operations;

/** Whether a call may change something. */
export const OPERATIONS: Readonly<Record<OperationName, 'reads' | 'writes'>> = {
  system: 'reads',
  list: 'reads',
  show: 'reads',
  summary: 'reads',
  check: 'reads',
  audit: 'reads',
  exportHead: 'reads',
  exportPage: 'reads',
  repair: 'writes',
  restore: 'writes',
  bootstrap: 'writes',
  importRows: 'writes',
};

/** The operations on these ports. */
export function createOperations(ports: OperationsPorts): Operations {
  const figuresOf = async (row: LedgerRow | undefined): Promise<RowFigures | null> =>
    row === undefined ? null : ((await withFigures(ports, [row]))[0] ?? null);
  return {
    system: async () => ports.system,
    list: (options) => listRows(ports, options),
    async show({ counter, code }) {
      const wanted = counter ?? (code === undefined ? undefined : ((await audit(ports, code)).counter ?? undefined));
      return wanted === undefined ? null : figuresOf(await rowOf(ports, wanted));
    },
    summary: () => summarise(ports),
    async check() {
      const witnesses = await readWitnesses(ports);
      const findings = findingsOf(witnesses);
      const { mark, head, rows, highestCounter } = witnesses;
      return {
        ok: !hasProblems(findings),
        mark: wordsOf(mark.mark),
        head: head === 'missing' ? head : wordsOf(head.head),
        rows: rows.count,
        highestLeaseEnd: rows.highestEnd,
        highestCounter,
        findings,
      };
    },
    audit: ({ code }) => audit(ports, code),
    // What came as JSON over the wire is not yet what the types say.
    repair: async ({ apply }) => repair(ports, { apply: apply === true }),
    async restore({ apply, ...wanted }) {
      const skip = skipOf(wanted, apply === true);
      const since = await leasedSince(ports);
      if (apply === true && wanted.force !== true) requireEnough(skip, since);
      const newAs = ports.newClusterId();
      const report = await raise(ports, { apply: apply === true, skip, distrustRemainders: true, newAs });
      if (report.applied) await ports.restored();
      return { ...report, leasedSince: since, codeLengths: await codeLengths(ports, report, skip) };
    },
    bootstrap: async ({ adopt, ...wanted }) =>
      bootstrap(ports, { adopt: adopt === true, skip: skipOf(wanted, adopt === true) }),
    exportHead: () => exportHead(ports),
    exportPage: (options) => exportPage(ports, options),
    importRows: (options) => importRows(ports, options),
  };
}

function skipOf({ skip, force }: Skip, isDone: boolean): number {
  if (!(Number.isSafeInteger(skip) && skip >= 0)) {
    throw new InvalidArgumentError(`not a number of counters to skip: ${String(skip)}`);
  }
  if (isDone && skip > SKIP_MAX && force !== true) {
    throw new SkipTooLargeError(
      `${skip} counters would be gone for good, and no copy misses more than ${SKIP_MAX}, a day of 11,500 creates a second: if it is meant, say it with --force`,
    );
  }
  return skip;
}

function wordsOf<T extends object | number>(value: T | 'missing' | { readonly unreadable: string }): T | string {
  if (typeof value === 'object' && 'unreadable' in value) return `unreadable: ${JSON.stringify(value.unreadable)}`;
  return value;
}
