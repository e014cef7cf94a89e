/** What is counted or timed and is no rate in rounds: pauses after a fault, writes, memory. Pure. */
import type { Skipped } from './figures.js';

/** Of a non-empty list, by nearest rank: every quantile is a value that was measured. */
interface Quantiles {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Figure extends Quantiles {
  readonly name: string;
  readonly unit: string;
  /** In one line: what exactly was counted or timed. */
  readonly what: string;
  /** Every value is to be `atMost`. */
  readonly bound?: { readonly atMost: number; readonly met: boolean };
}

export interface TrialFigures {
  readonly id: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly skipped: readonly Skipped[];
}

/** Something that is done once, after the rounds, and gives figures. */
export interface Trial {
  readonly id: string;
  run(): Promise<Omit<TrialFigures, 'id' | 'skipped'> & Partial<TrialFigures>>;
}

/** The smallest value that at least the share `q` of all values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error('no values to sum up');
  if (!(q > 0 && q <= 1)) throw new Error(`not a quantile: ${q}`);
  const sorted = [...values].sort((a, b) => a - b);
  // 0.99 × 100 is a little more than 99 in doubles, and must not become the 100th.
  return sorted[Math.ceil(q * sorted.length - 1e-9) - 1] as number;
}

export function quantiles(values: readonly number[]): Quantiles {
  const at = (q: number) => quantile(values, q);
  return { count: values.length, min: Math.min(...values), p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** A figure of these values, all of which are to be `atMost` where that is given. */
export function figure(
  text: Pick<Figure, 'name' | 'unit' | 'what'>,
  values: readonly number[],
  atMost?: number,
): Figure {
  const summed = { ...text, ...quantiles(values) };
  return atMost === undefined ? summed : { ...summed, bound: { atMost, met: summed.max <= atMost } };
}

/** Every bound that trials have figures for. */
export function boundsOf(trials: readonly TrialFigures[]): Figure[] {
  return trials.flatMap((trial) => trial.figures.filter(({ bound }) => bound !== undefined));
}

/** Half-open, as counters are leased. */
export type Interval = readonly [start: number, end: number];

/** How many of these share a counter with one that starts before them (or are the same). */
export function overlaps(intervals: readonly Interval[]): number {
  const sorted = [...intervals].sort(([a], [b]) => a - b);
  let reached = Number.NEGATIVE_INFINITY;
  let count = 0;
  for (const [start, end] of sorted) {
    if (start < reached) count += 1;
    reached = Math.max(reached, end);
  }
  return count;
}
