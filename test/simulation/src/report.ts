import type { RunResult } from './run.js';
import type { Failure } from './task.js';

/** What was covered, and the verdict. */
export function formatResult({ coverage, failure }: RunResult, seed: number): string {
  const schedules = coverage.counts.get('schedules') ?? 0;
  if (failure !== undefined) return formatFailure(failure);
  const issued = coverage.counts.get('counters issued') ?? 0;
  const ofCopy = coverage.counts.get('schedules of the copy') ?? 0;
  return `${coverage}\n\nseed ${seed}: ${schedules} schedules, ${issued} counters, none twice; ${ofCopy} of them of the copy, nothing served for too long\n`;
}

export function formatFailure(failure: Failure): string {
  const { setting, mutant, seed, path, afterSchedules, schedule, violations } = failure;
  const guard = mutant === undefined ? '' : `, without its guard (${mutant})`;
  return [
    `setting ${setting}${guard}: found after ${afterSchedules} schedules`,
    `seed ${seed}, path ${path}`,
    violations,
    `schedule: ${JSON.stringify(schedule)}`,
    `replay: ${replayCommand(failure)}`,
    '',
  ].join('\n');
}

export function replayCommand({ setting, mutant, seed, path }: Failure): string {
  const what = mutant === undefined ? `--setting ${setting}` : `--mutant ${mutant}`;
  return `npm run simulate -- ${what} --seed ${seed} --path ${path}`;
}
