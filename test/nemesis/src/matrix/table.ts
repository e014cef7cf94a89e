import { columns } from '@lakh/base';
import type { Matrix } from './run-matrix.js';
import { OPERATIONS, type Operation, type Tally } from './tally.js';

const HEAD = [
  'fault',
  ...OPERATIONS.flatMap((operation) => [`${operation}s failed`, 'until']),
  'lost',
  'wrong',
  'stale',
  'worst',
];

/** The matrix: a line a fault; of each operation how many failed of how many, and the seconds until the last one that did. */
export function formatMatrix({ rows, skipped }: Matrix): string {
  const lines = rows.map(({ fault, tally, findings, lost }) => [
    fault,
    ...OPERATIONS.flatMap((operation) => cells(tally, operation)),
    String(lost.length),
    String(findings.wrong.length),
    String(findings.tooStale),
    `${(findings.mostStaleMs / 1_000).toFixed(2)} s`,
  ]);
  const violations = rows.flatMap(({ fault, violations: found }) => found.map((violation) => `${fault}: ${violation}`));
  return [
    ...columns([HEAD, ...lines]),
    'stale: redirects that were older than promised; worst: the oldest that was served at all',
    ...skipped.map(({ fault, why }) => `${fault} skipped: ${why}`),
    violations.length === 0 ? 'everything as promised' : `${violations.length} violations:`,
    ...violations.map((violation) => `  ${violation}`),
    '',
  ].join('\n');
}

function cells(tally: Tally, operation: Operation): string[] {
  const { failed, asked, recoveredAfterMs } = tally.of(operation);
  return [`${failed}/${asked}`, failed === 0 ? '–' : `${(recoveredAfterMs / 1_000).toFixed(1)} s`];
}
