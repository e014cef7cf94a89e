import { join } from 'node:path';
import { base62 } from '@lakh/short-code';
import { runCrowd } from './support/crowd';
import { FaultLog } from './support/fault-log';
import { IssuedLinks, overlaps } from './support/issued-links';
import { readUrlLines } from './support/urls';

const { encode } = base62();
const ranges = [
  { start: 100_000, end: 100_500, owner: 'shorten-1' },
  { start: 100_500, end: 101_000, owner: 'shorten-2' },
];

function issued(...counters: readonly number[]): IssuedLinks {
  const links = new IssuedLinks();
  counters.forEach((counter, i) => {
    links.add({ code: encode(counter), line: i + 1, longUrl: `https://example.com/${i + 1}` });
  });
  return links;
}

test('a code that comes twice is told with both origins, its neighbours and its range', () => {
  expect(issued(100_000, 100_001, 100_002).duplicates(ranges)).toEqual([]);
  expect(issued(100_000, 100_001, 100_002, 100_001).duplicates(ranges)).toEqual([
    'Q0v (counter 100001) was issued twice; first Q0v for line 2 (https://example.com/2); again for line 4; ' +
      'before it Q0u for line 1 (https://example.com/1); after it Q0w for line 3 (https://example.com/3); ' +
      'leased as [100000, 100500) of shorten-1',
  ]);
});

test('links outside of every range, of no counter or of a reserved word are found', () => {
  const links = issued(100_499, 100_500, 101_000, 141_590);
  links.add({ code: '0Q0u', line: 9, longUrl: 'https://example.com/' });
  expect(links.misfits([...ranges, { start: 141_500, end: 142_000, owner: 'shorten-3' }])).toEqual([
    "0Q0u of line 9 is no counter's code",
    'in no leased range: QH2 for line 3 (https://example.com/3)',
    'a reserved word: api for line 4 (https://example.com/4)',
  ]);
  expect(Object.fromEntries(links.countByOwner(ranges))).toMatchObject({ 'shorten-1': 1 });
});

test('counters that were passed over are found, reserved words and what was never reached are not', () => {
  expect(issued(100_000, 100_002, 100_500, 100_501).skipped(ranges)).toEqual([100_001]);
  expect(issued(141_589, 141_591).skipped([{ start: 141_589, end: 141_600, owner: 'shorten-1' }])).toEqual([]);
  expect(issued().skipped(ranges)).toEqual([]);
});

test('ranges that overlap are found, adjacent ones do not', () => {
  expect(overlaps(ranges)).toEqual([]);
  expect(overlaps([...ranges, { start: 100_499, end: 100_500, owner: 'shorten-3' }])).toEqual([
    '[100000, 100500) of shorten-1 and [100499, 100500) of shorten-3',
  ]);
});

test('a failure belongs to the fault during which its request was under way, or to none', async () => {
  const faults = new FaultLog();
  const [first, second] = [faults.begin(), faults.begin()];
  await faults.during('a kill', async () => {
    const third = faults.begin();
    first('reset');
    second();
    third('refused');
  });
  // A clock of milliseconds may not have moved.
  await new Promise((resolve) => setTimeout(resolve, 2));
  faults.begin()('later');
  const { byFault, unexplained } = faults.attributed();
  expect(byFault).toMatchObject([
    { fault: { name: 'a kill', inFlight: 3 }, failures: [{ why: 'reset' }, { why: 'refused' }] },
  ]);
  expect(unexplained).toEqual([
    expect.stringMatching(/^later: from \d+\.\d to \d+\.\d ms; a kill \(3 in flight\): from /),
  ]);
});

test('a crowd works on every item once, waits where it is told, and ends with its first failure', async () => {
  let release: () => void = () => {};
  const holdUntil = new Promise<void>((resolve) => {
    release = resolve;
  });
  const seen: number[] = [];
  const items = [0, 1, 2, 3, 4, 5];
  const run = runCrowd({
    items,
    concurrency: 3,
    holdAt: 4,
    holdUntil,
    async work(item) {
      seen.push(item);
      if (item === 3) setImmediate(release);
      if (item >= 4) expect(seen).toEqual(expect.arrayContaining([0, 1, 2, 3]));
    },
  });
  await run;
  expect(seen).toEqual(items);
  const worked: number[] = [];
  const failing = runCrowd({
    items,
    concurrency: 1,
    async work(item) {
      worked.push(item);
      if (item === 2) throw new Error('no');
    },
  });
  await expect(failing).rejects.toThrow('no');
  expect(worked).toEqual([0, 1, 2]);
});

test.each([
  ['beside the repository, or its substitute', join(__dirname, '..', '..')],
  ['made from the sample', '/nonexistent/root'],
])('the list %s has 47,940 distinct lines, of which one is no URL', (_, root) => {
  const { lines } = readUrlLines(root);
  expect(new Set(lines).size).toBe(47_940);
  expect(lines.filter((line) => !URL.canParse(line))).toEqual(['https://']);
});
