import { type Group, type Sample, spread, summarise, targetsOf } from '../src/bench/figures';
import { measureInTurns } from '../src/bench/rounds';

function group(subjects: Group['subjects']): Group {
  return {
    id: 'g',
    title: 'a group',
    unit: 'things/s',
    subjects,
    targets: [{ ours: 'ours', against: 'rival', atLeast: 2 }],
    skipped: [{ name: 'absent', reason: 'not installed' }],
  };
}

const never = () => Promise.reject(new Error('not measured'));
const ours = { name: 'ours', role: 'ours', what: 'what we do', measure: never } as const;
const rival = { name: 'rival', role: 'rival', what: 'what they do', measure: never } as const;
const limit = { name: 'limit', role: 'limit', what: 'what is possible', measure: never } as const;
const samples = (...values: number[]): Sample[] => values.map((value) => ({ value }));

describe('summing up', () => {
  test('a spread is the median with the extremes, for odd and even counts', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(() => spread([])).toThrow('no values');
  });

  test('ratios compare neighbours of one round, not medians', () => {
    // The machine slowed down by half after the first round: both did, and the ratio does not show it.
    const figures = summarise(group([ours, rival]), [samples(300, 150, 150), samples(100, 50, 50)]);
    expect(figures.ratios).toEqual([
      {
        ours: 'ours',
        against: 'rival',
        perRound: [3, 3, 3],
        median: 3,
        min: 3,
        max: 3,
        target: { atLeast: 2, met: true },
      },
    ]);
  });

  test('a target is missed when the median ratio is below it, and a limit without a target has none', () => {
    const figures = summarise(group([ours, rival, limit]), [samples(3, 3, 9), samples(2, 2, 2), samples(9, 9, 9)]);
    expect(targetsOf([figures])).toMatchObject([{ against: 'rival', median: 1.5, target: { met: false } }]);
    expect(figures.ratios[1]).not.toHaveProperty('target');
    expect(figures.skipped).toEqual([{ name: 'absent', reason: 'not installed' }]);
  });

  test('where less is better the median ratio is to be at most the target', () => {
    const targets = [{ ours: 'ours', against: 'rival', atMost: 1.1 }];
    const metWith = (...values: number[]) =>
      summarise({ ...group([ours, rival]), targets }, [samples(...values), samples(1, 1, 1)]).ratios[0]?.target;
    expect(metWith(1.1, 0.5, 9)).toEqual({ atMost: 1.1, met: true });
    expect(metWith(1.2, 0.5, 9)).toEqual({ atMost: 1.1, met: false });
  });

  test('latencies are medians over the rounds, and absent where nothing measured them', () => {
    const rounds = [1, 9, 2].map((p99Ms) => ({ value: 1, p50Ms: 0.5, p99Ms }));
    const figures = summarise(group([ours, rival]), [rounds, samples(1, 1, 1)]);
    expect(figures.subjects[0]).toMatchObject({ p50Ms: 0.5, p99Ms: 2 });
    expect(figures.subjects[1]).not.toHaveProperty('p50Ms');
  });
});

test('subjects are measured in turns, after a warm-up of each that does not count', async () => {
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const order: string[] = [];
  const subject = (name: string, role: 'ours' | 'rival') => ({
    name,
    role,
    what: '',
    async measure(seconds: number) {
      order.push(`${name} ${seconds} s`);
      return { value: order.length };
    },
  });
  const figures = await measureInTurns(group([subject('a', 'ours'), subject('b', 'rival')]), {
    rounds: 2,
    secondsPerRound: 5,
    warmSeconds: 1,
  });
  expect(order).toEqual(['a 1 s', 'b 1 s', 'a 5 s', 'b 5 s', 'a 5 s', 'b 5 s']);
  expect(figures.subjects.map(({ values }) => values)).toEqual([
    [3, 5],
    [4, 6],
  ]);
});

test('at once are only those that are independent, and each value stays with its subject', async () => {
  const order: string[] = [];
  const subject = (name: string, role: 'ours' | 'rival', turns: number) => ({
    name,
    role,
    what: '',
    async measure() {
      order.push(`${name} begins`);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      order.push(`${name} ends`);
      return { value: turns };
    },
  });
  const subjects = [subject('slow', 'ours', 20), subject('quick', 'rival', 10)];
  const plan = { rounds: 1, secondsPerRound: 1, warmSeconds: 0, atOnce: true };
  const { subjects: both } = await measureInTurns({ ...group(subjects), targets: [], independent: true }, plan);
  expect(order.splice(0)).toEqual(['slow begins', 'quick begins', 'quick ends', 'slow ends']);
  expect(both.map(({ name, values }) => [name, values])).toEqual([
    ['slow', [20]],
    ['quick', [10]],
  ]);
  await measureInTurns({ ...group(subjects), targets: [] }, plan);
  expect(order).toEqual(['slow begins', 'slow ends', 'quick begins', 'quick ends']);
});
