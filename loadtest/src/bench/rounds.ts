import { progress } from '../scope.js';
import { digits, type Group, type GroupFigures, type Sample, type Subject, summarise } from './figures.js';

/** More of them would leave one a second without an answer. */
const AT_ONCE = 3;

export interface Rounds {
  readonly rounds: number;
  readonly secondsPerRound: number;
  /** Before the first round, for each subject: compilers and caches warm, not counted. 0: none. */
  readonly warmSeconds: number;
  /** Subjects that are independent of each other are measured some at once: for a pass that only shows that everything runs. */
  readonly atOnce?: boolean;
}

/**
 * Measures in turns, A B C A B C …: whatever changes slowly on the machine meets all of them alike, and the ratios of one
 * round compare neighbours in time.
 */
export async function measureInTurns(group: Group, plan: Rounds): Promise<GroupFigures> {
  for (const subject of plan.warmSeconds > 0 ? group.subjects : []) {
    progress(`${group.id}: warming up ${subject.name}`);
    await subject.measure(plan.warmSeconds);
  }
  const samples: Sample[][] = group.subjects.map(() => []);
  for (let round = 1; round <= plan.rounds; round += 1) {
    const measure = async (subject: Subject, index: number): Promise<void> => {
      const sample = await subject.measure(plan.secondsPerRound);
      samples[index]?.push(sample);
      const value = digits(sample.value);
      progress(`${group.id}: round ${round}/${plan.rounds}, ${subject.name}: ${value} ${group.unit}`);
    };
    const width = plan.atOnce && group.independent ? AT_ONCE : 1;
    const subjects = [...group.subjects.entries()];
    for (let begin = 0; begin < subjects.length; begin += width) {
      await Promise.all(subjects.slice(begin, begin + width).map(([index, subject]) => measure(subject, index)));
    }
  }
  return summarise(group, samples);
}
