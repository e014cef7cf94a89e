/** What a benchmark measures and how it is summed up. Pure. */

/** One measurement of one subject: `value` in the group's unit; more is better, but where the group's target is `atMost`. */
export interface Sample {
  readonly value: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Of the server's processor time, a unit of what is measured. */
  readonly cpuUs?: number;
}

/** `limit`: what the machine gives to a program that does only the unavoidable part. */
export type SubjectRole = 'ours' | 'rival' | 'limit';

export interface Subject {
  readonly name: string;
  readonly role: SubjectRole;
  /** In one line: what exactly runs. */
  readonly what: string;
  /** Runs it for about `seconds`; rejects when an answer was wrong or missing, so that no figure rests on errors. */
  measure(seconds: number): Promise<Sample>;
}

/** What `ours` is to be, as a multiple of `against`; `atMost` where less is better. */
type Goal = { readonly atLeast: number } | { readonly atMost: number };

export type Target = Goal & { readonly ours: string; readonly against: string };

/** What could not be measured here, and why. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

/** Subjects that do the same work, measured in turns. */
export interface Group {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly subjects: readonly Subject[];
  /** No subject touches what another one uses, but for the processor: a quick pass, whose figures mean nothing, measures some at once. */
  readonly independent?: boolean;
  readonly targets?: readonly Target[];
  readonly skipped?: readonly Skipped[];
}

/** Median and extremes of a non-empty list. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface SubjectFigures extends Spread {
  readonly name: string;
  readonly role: SubjectRole;
  readonly what: string;
  /** One a round. */
  readonly values: readonly number[];
  /** Medians over the rounds of each round's percentile. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly cpuUs?: number;
}

/** Ours divided by another, round by round: what both shared (the machine's mood) cancels out. */
export interface RatioFigures extends Spread {
  readonly ours: string;
  readonly against: string;
  readonly perRound: readonly number[];
  readonly target?: Goal & { readonly met: boolean };
}

export interface GroupFigures {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly subjects: readonly SubjectFigures[];
  readonly ratios: readonly RatioFigures[];
  readonly skipped: readonly Skipped[];
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('no values to sum up');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] as number;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** Figures of a measured group; `samples[i]` are the rounds of `group.subjects[i]`. */
export function summarise(group: Group, samples: readonly (readonly Sample[])[]): GroupFigures {
  const subjects = group.subjects.map((subject, index): SubjectFigures => {
    const rounds = samples[index] ?? [];
    const values = rounds.map((sample) => sample.value);
    const { name, role, what } = subject;
    return { name, role, what, values, ...spread(values), ...besides(rounds) };
  });
  const ratios = subjects
    .filter((ours) => ours.role === 'ours')
    .flatMap((ours) =>
      subjects.filter((other) => other.role !== 'ours').map((against) => ratio(ours, against, group.targets ?? [])),
    );
  return { id: group.id, title: group.title, unit: group.unit, subjects, ratios, skipped: group.skipped ?? [] };
}

/** Every target that a group has figures for. */
export function targetsOf(groups: readonly GroupFigures[]): RatioFigures[] {
  return groups.flatMap((group) => group.ratios.filter((figures) => figures.target !== undefined));
}

function besides(rounds: readonly Sample[]): Pick<SubjectFigures, 'p50Ms' | 'p99Ms' | 'cpuUs'> {
  const all = (pick: (sample: Sample) => number | undefined) =>
    rounds.map(pick).filter((value): value is number => value !== undefined);
  const p50 = all((sample) => sample.p50Ms);
  const p99 = all((sample) => sample.p99Ms);
  const cpu = all((sample) => sample.cpuUs);
  return {
    ...(p50.length > 0 ? { p50Ms: spread(p50).median } : {}),
    ...(p99.length > 0 ? { p99Ms: spread(p99).median } : {}),
    ...(cpu.length > 0 ? { cpuUs: spread(cpu).median } : {}),
  };
}

function ratio(ours: SubjectFigures, against: SubjectFigures, targets: readonly Target[]): RatioFigures {
  const perRound = ours.values.map((value, round) => value / (against.values[round] as number));
  const figures = { ours: ours.name, against: against.name, perRound, ...spread(perRound) };
  const target = targets.find((t) => t.ours === ours.name && t.against === against.name);
  if (target === undefined) return figures;
  if ('atMost' in target)
    return { ...figures, target: { atMost: target.atMost, met: figures.median <= target.atMost } };
  return { ...figures, target: { atLeast: target.atLeast, met: figures.median >= target.atLeast } };
}

/** Figures are of any size: small ones need their decimals. */
export function digits(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 });
}
