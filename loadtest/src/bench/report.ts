import { columns } from '@lakh/base';
import { digits, type GroupFigures, type RatioFigures, type SubjectFigures, targetsOf } from './figures.js';
import type { Machine } from './machine.js';
import type { HotFunction } from './profile.js';
import { boundsOf, type Figure, type TrialFigures } from './trials.js';

/** The answer of `npm run bench`; `--json` prints exactly this. Fields are only ever added. */
export interface BenchReport {
  readonly bench: string;
  /** Short rounds and small sets, to see that it runs: no figure of such a pass means anything. */
  readonly quick: boolean;
  readonly rounds: number;
  readonly secondsPerRound: number;
  readonly machine: Machine;
  /** What a reader must know to judge the figures: pinning, file system, settings. */
  readonly notes: readonly string[];
  readonly groups: readonly GroupFigures[];
  /** What is no rate in rounds; none in most benchmarks. */
  readonly trials: readonly TrialFigures[];
  /** Of groups (ratios) and trials (bounds) together. */
  readonly targets: { readonly met: number; readonly missed: number };
  readonly profiles?: readonly Profile[];
}

/** Where a program spent its own time, from a run apart from the measured ones. */
export interface Profile {
  readonly subject: string;
  readonly functions: readonly HotFunction[];
}

export function makeReport(report: Omit<BenchReport, 'targets'>): BenchReport {
  const targets = [
    ...targetsOf(report.groups).map(({ target }) => target),
    ...boundsOf(report.trials).map(({ bound }) => bound),
  ];
  const met = targets.filter((target) => target?.met).length;
  return { ...report, targets: { met, missed: targets.length - met } };
}

/** The report as tables for people. */
export function formatReport(report: BenchReport): string {
  const { machine } = report;
  const lines = [
    `bench ${report.bench}: ${report.rounds} rounds of ${report.secondsPerRound} s, in turns; medians (min – max)`,
    `machine: ${machine.cpu}, ${machine.cores} cores, node ${machine.node}, ${machine.platform}`,
    ...report.notes.map((note) => `note: ${note}`),
  ];
  if (report.quick) lines.push('note: a quick pass, to see that it runs: its figures mean nothing');
  for (const group of report.groups) lines.push('', ...formatGroup(group));
  for (const trial of report.trials) lines.push('', ...formatTrial(trial));
  for (const profile of report.profiles ?? []) lines.push('', ...formatProfile(profile));
  const { met, missed } = report.targets;
  if (met + missed > 0) lines.push('', `targets: ${met} met, ${missed} missed`);
  return `${lines.join('\n')}\n`;
}

function formatGroup(group: GroupFigures): string[] {
  const skipped = group.skipped.map(({ name, reason }) => `  skipped: ${name}: ${reason}`);
  if (group.subjects.length === 0) return [group.title, ...skipped];
  const latency = group.subjects.some((subject) => subject.p50Ms !== undefined);
  const cpu = group.subjects.some((subject) => subject.cpuUs !== undefined);
  const rows = group.subjects.map((subject) => [
    subject.name,
    subject.role,
    `${digits(subject.median)} (${digits(subject.min)} – ${digits(subject.max)})`,
    ...(latency ? [milliseconds(subject.p50Ms), milliseconds(subject.p99Ms)] : []),
    ...(cpu ? [subject.cpuUs?.toFixed(1) ?? ''] : []),
  ]);
  const heading = ['', '', group.unit, ...(latency ? ['p50 ms', 'p99 ms'] : []), ...(cpu ? ['CPU µs each'] : [])];
  return [
    `${group.title}`,
    ...table([heading, ...rows]),
    ...(group.ratios.length > 0 ? ['', ...table(group.ratios.map(ratioRow))] : []),
    ...group.subjects.map((subject: SubjectFigures) => `  ${subject.name}: ${subject.what}`),
    ...skipped,
  ];
}

function ratioRow(ratio: RatioFigures): string[] {
  const { target } = ratio;
  return [
    `${ratio.ours} ÷ ${ratio.against}`,
    `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} – ${ratio.max.toFixed(2)})`,
    target ? `target ${goalOf(target)}: ${target.met ? 'met' : 'MISSED'}` : '',
  ];
}

function goalOf(target: NonNullable<RatioFigures['target']>): string {
  return 'atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`;
}

function formatTrial(trial: TrialFigures): string[] {
  const skipped = trial.skipped.map(({ name, reason }) => `  skipped: ${name}: ${reason}`);
  if (trial.figures.length === 0) return [trial.title, ...skipped];
  const sameMeaning = new Map<string, string[]>();
  for (const { name, what } of trial.figures) sameMeaning.set(what, [...(sameMeaning.get(what) ?? []), name]);
  const heading = ['', '', 'p50', 'p99', 'min – max', 'of', ''];
  return [
    trial.title,
    ...table([heading, ...trial.figures.map(figureRow)]),
    ...[...sameMeaning].map(([what, names]) => `  ${names.join(', ')}: ${what}`),
    ...skipped,
  ];
}

function figureRow({ name, unit, count, p50, p99, min, max, bound }: Figure): string[] {
  const many = count > 1;
  return [
    name,
    unit,
    digits(p50),
    many ? digits(p99) : '',
    many ? `${digits(min)} – ${digits(max)}` : '',
    many ? String(count) : '',
    bound ? `bound ≤ ${bound.atMost}: ${bound.met ? 'met' : 'MISSED'}` : '',
  ];
}

function formatProfile(profile: Profile): string[] {
  const rows = profile.functions.map((hot) => [
    `${(hot.share * 100).toFixed(1)} %`,
    hot.name,
    `${hot.location}${hot.line > 0 ? `:${hot.line}` : ''}`,
  ]);
  return [
    `self time of ${profile.subject} (a run of its own, under node --cpu-prof)`,
    ...table([['self', 'function', 'where'], ...rows]),
  ];
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(2);
}

function table(rows: readonly (readonly string[])[]): string[] {
  return columns(rows).map((line) => `  ${line}`);
}
