import { establishedImage } from '../src/check';
import { COPY_MUTANT_NAMES, COPY_MUTANTS, type CopyMutantName } from '../src/copy/mutants';
import { formatFailure } from '../src/report';
import { runTask, type Task } from '../src/task';

jest.setTimeout(120_000);

/** In which each is found within some twenty schedules; any other that finds it will do. */
const SEEDS: Record<CopyMutantName, number> = {
  'position-compared-alone': 11,
  'rows-before-comparison': 1,
  'one-advance-proves': 211,
  'any-answer-proves': 1,
  'answers-of-before': 4,
  'kept-from-now': 2,
  'unproven-is-kept': 2,
  'copy-is-believed': 2,
  'proof-outlives-connection': 2,
  'keys-without-epoch': 1,
  'gap-passed-over': 3,
  'row-nonces-ignored': 1,
  'newer-than-its-row': 1,
  'any-fill': 1,
  'newer-fill': 1,
  'replica-is-primary': 3,
  'withdrawn-first': 1,
  'withdrawal-brings': 9,
  'lost-alias-made-again': 6,
};
const SCHEDULES = 100;

const words = {
  stale: /ms after it was no more true/,
  copy: /and the database had/,
  'not fresh': /^/,
  'too early': /^/,
  stuck: /^/,
};

test.each(COPY_MUTANT_NAMES.map((name) => [name, COPY_MUTANTS[name].what] as const))(
  'without its guard, %s is caught: %s',
  async (name) => {
    const task: Task = { setting: 'shared-copy', mutant: name, seed: SEEDS[name], schedules: SCHEDULES };
    const { failure } = await runTask(task, await establishedImage());
    expect(failure?.violations).toMatch(new RegExp(`^${COPY_MUTANTS[name].shows}: `));
    expect(failure?.violations).toMatch(words[COPY_MUTANTS[name].shows]);
  },
);

test('what is printed leads to what was found again, and the same seed to the same', async () => {
  const image = await establishedImage();
  const task: Task = { setting: 'shared-copy', mutant: 'any-fill', seed: 1, schedules: SCHEDULES };
  const { failure } = await runTask(task, image);
  if (failure === undefined) throw new Error('nothing was found');
  const again = await runTask({ ...task, path: failure.path }, image);
  expect(again.failure).toEqual({ ...failure, afterSchedules: 1 });
  expect(formatFailure(failure)).toContain(
    `replay: npm run simulate -- --mutant any-fill --seed 1 --path ${failure.path}\n`,
  );
});
