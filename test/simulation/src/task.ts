/** One run of fast-check: many schedules of one setting, from one seed, and what was found. */
import fc from 'fast-check';
import { describeViolations, violationsOf } from './check.js';
import type { AnyMutantName, AnySetting } from './choices.js';
import { COPY_MUTANTS } from './copy/mutants.js';
import { type CopySchedule, copyScheduleArbitrary } from './copy/schedule.js';
import { CopySimulation } from './copy/simulation.js';
import { Coverage } from './coverage.js';
import type { Image } from './disasters.js';
import { MUTANTS, type Mutant } from './mutants.js';
import { type Schedule, scheduleArbitrary } from './schedule.js';

export interface Task {
  readonly setting: AnySetting;
  readonly mutant?: AnyMutantName | undefined;
  readonly seed: number;
  readonly schedules: number;
  /** To a schedule that was found before; only that one runs. */
  readonly path?: string | undefined;
}

export interface Failure extends Omit<Task, 'schedules'> {
  readonly path: string;
  /** How many schedules it took, before shrinking. */
  readonly afterSchedules: number;
  readonly schedule: Schedule | CopySchedule;
  readonly violations: string;
}

export interface TaskResult {
  readonly coverage: readonly (readonly [what: string, count: number])[];
  readonly failure?: Failure;
}

const PROGRESS_EVERY = 500;

/** One schedule's violations, each with its kind. */
type Run<S> = (schedule: S) => Promise<readonly { readonly kind: string; readonly text: string }[]>;

/** `ran` is told after every few hundred schedules how many. */
export async function runTask(
  task: Task,
  image: Image,
  ran: (schedules: number) => void = () => {},
): Promise<TaskResult> {
  const coverage = new Coverage();
  if (task.setting === 'shared-copy') {
    const mutant = task.mutant === undefined ? undefined : COPY_MUTANTS[task.mutant as keyof typeof COPY_MUTANTS];
    return checkAll(task, coverage, ran, copyScheduleArbitrary, async (schedule) => {
      const violations = await new CopySimulation(schedule, coverage, mutant?.sabotage).run();
      return violations.filter(({ kind }) => mutant === undefined || kind === mutant.shows);
    });
  }
  const mutant: Mutant | undefined = task.mutant && MUTANTS[task.mutant as keyof typeof MUTANTS];
  return checkAll(task, coverage, ran, scheduleArbitrary(task.setting), (schedule) =>
    violationsOf(schedule, coverage, image, mutant),
  );
}

async function checkAll<S extends Schedule | CopySchedule>(
  task: Task,
  coverage: Coverage,
  ran: (schedules: number) => void,
  schedules: fc.Arbitrary<S>,
  run: Run<S>,
): Promise<TaskResult> {
  let count = 0;
  const property = fc.asyncProperty(schedules, async (schedule) => {
    const violations = await run(schedule);
    count += 1;
    if (count % PROGRESS_EVERY === 0) {
      ran(PROGRESS_EVERY);
      // The schedules themselves never let the event loop turn.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    if (violations.length > 0) throw new Error(describeViolations(violations));
  });
  const { seed } = task;
  const result = await fc.check(
    property,
    task.path === undefined
      ? // That a mutant is found is what is asked; a shorter schedule of it takes minutes to find, and its path replays this one.
        { seed, numRuns: task.schedules, endOnFailure: task.mutant !== undefined }
      : { seed, path: task.path, numRuns: 1, endOnFailure: true },
  );
  ran(count % PROGRESS_EVERY);
  if (!result.failed || result.counterexample === null) return { coverage: [...coverage.counts] };
  return {
    coverage: [...coverage.counts],
    failure: {
      setting: task.setting,
      mutant: task.mutant,
      seed,
      path: result.counterexamplePath ?? '',
      afterSchedules: result.numRuns,
      schedule: result.counterexample[0],
      violations: result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance),
    },
  };
}
