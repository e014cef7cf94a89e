import { columns } from '@lakh/base';
import type { Verdict } from './check/check.js';
import type { NemesisResult } from './run.js';

const SHOWN_VIOLATIONS = 20;
const SHOWN_RANGES = 5;

/** The answer of a run: faults × counts, what was lost and why, and the verdict. */
export function formatResult({ verdict, leftOut }: NemesisResult): string {
  const { faults, counters, links, requests, repairs } = verdict;
  const parts = [
    table([
      ['fault', 'times', 'seconds', 'created meanwhile', 'failed meanwhile'],
      ...faults.map(({ fault, times, seconds, acknowledged, failed }) => [
        fault,
        ...[times, seconds.toFixed(1), acknowledged, failed].map(String),
      ]),
    ]),
    ...leftOut.map((fault) => `${fault} was left out: libfaketime is not installed\n`),
    '\n',
    table([
      ['counters without a link', 'counters', 'ranges'],
      ...counters.lost.map(({ reason, counters: count, ranges }) => [reason, String(count), rangesText(ranges)]),
    ]),
    '\n',
    ...repairs.map(({ witness, refusal, how }) => `${witness}: ${refusal ?? 'no refusal was seen'}; repair: ${how}\n`),
    `${requests.create} creates (${verdict.failedCreates} failed), ${requests.read} reads, ${requests.delete} deletes; `,
    `${links.links} links (${links.deleted} deleted, ${links.lostLinks} lost with a database that was set back)\n`,
    verdictText(verdict),
  ];
  return parts.join('');
}

function verdictText({ seed, violations, links }: Verdict): string {
  if (violations.length === 0) return `seed ${seed}: no code twice among ${links.links}; everything is accounted for\n`;
  const more = violations.length - SHOWN_VIOLATIONS;
  return [
    `seed ${seed}: ${violations.length} violations\n`,
    ...violations.slice(0, SHOWN_VIOLATIONS).map((violation) => `  ${violation}\n`),
    ...(more > 0 ? [`  and ${more} more\n`] : []),
  ].join('');
}

function rangesText(ranges: readonly { readonly start: number; readonly end: number }[]): string {
  const shown = ranges.slice(0, SHOWN_RANGES).map(({ start, end }) => `${start}–${end - 1}`);
  const more = ranges.length - SHOWN_RANGES;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

function table(rows: readonly (readonly string[])[]): string {
  return columns(rows)
    .map((line) => `${line}\n`)
    .join('');
}
