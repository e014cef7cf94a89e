import { Coverage } from './coverage.js';
import type { Image } from './disasters.js';
import type { Sabotage } from './sabotage.js';
import type { Violation, ViolationKind } from './safety.js';
import type { Schedule } from './schedule.js';
import { Simulation } from './simulation.js';

/** Where no guard is left but the last line of defence, only what that one promises is asked for. */
const OF_THE_LAST_LINE: readonly ViolationKind[] = ['issued on', 'link twice'];
const SHOWN = 3;

/** What a schedule comes to that it must not. With a sabotage, only what that has to show. */
export async function violationsOf(
  schedule: Schedule,
  coverage: Coverage,
  image: Image,
  mutant?: { readonly sabotage: Sabotage; readonly shows: ViolationKind },
): Promise<readonly Violation[]> {
  const violations = await new Simulation(schedule, coverage, mutant?.sabotage, image).run();
  return violations.filter(({ kind }) => {
    if (mutant !== undefined) return kind === mutant.shows;
    return schedule.setting !== 'last-line' || OF_THE_LAST_LINE.includes(kind);
  });
}

export function describeViolations(violations: readonly { readonly kind: string; readonly text: string }[]): string {
  return violations
    .slice(0, SHOWN)
    .map(({ kind, text }) => `${kind}: ${text}`)
    .join('\n');
}

/** An established system, made by the real bootstrap. */
export async function establishedImage(): Promise<Image> {
  const simulation = new Simulation(
    {
      seed: 1,
      setting: 'both',
      servers: 1,
      rangeSize: 1,
      faultRate: 0,
      faultsAt: 'every request',
      isFresh: true,
      forgetful: 'ZooKeeper',
      events: [],
      workers: 0,
      sliceSize: 1,
    },
    new Coverage(),
  );
  return simulation.bootstrapped();
}
