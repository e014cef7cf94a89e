import { establishedImage } from '../src/check';
import { formatFailure } from '../src/report';
import { SETTING_NAMES } from '../src/schedule';
import { runTask } from '../src/task';

jest.setTimeout(120_000);

test('the same seed makes the same schedules, with the same outcome', async () => {
  const image = await establishedImage();
  for (const setting of SETTING_NAMES) {
    const task = { setting, seed: 11, schedules: 20 };
    const first = await runTask(task, image);
    expect(first.failure).toBeUndefined();
    expect(new Map(first.coverage).get('schedules')).toBe(20);
    expect(await runTask(task, image)).toEqual(first);
  }
});

test('a failure is shrunk, and seed and path lead to the shrunk schedule again', async () => {
  const image = await establishedImage();
  const task = { setting: 'zookeeper-alone', mutant: 'version-check-dropped', seed: 3, schedules: 5_000 } as const;
  const { failure } = await runTask(task, image);
  if (failure === undefined) throw new Error('nothing was found');
  const again = await runTask({ ...task, path: failure.path }, image);
  expect(again.failure).toEqual({ ...failure, afterSchedules: 1 });
  const text = formatFailure(failure);
  expect(text).toMatch(
    /duplicate: counter \d+ was issued by server \d, start \d+ at .* and by server \d, start \d+ at/,
  );
  expect(text).toContain(
    `replay: npm run simulate -- --mutant version-check-dropped --seed 3 --path ${failure.path}\n`,
  );
  expect(JSON.parse(/^schedule: (.*)$/m.exec(text)?.[1] ?? '')).toEqual(failure.schedule);
});
