import { apply, type MigrationProgress } from '../src/schema/apply.js';
import { bucketsAndChanges } from '../src/schema/migrations/0004-buckets-and-changes.js';
import type { Session } from '../src/wire/connection.js';
import { SqlFailure } from '../src/wire/errors.js';

const refused = (errno: number) => new SqlFailure('refused', `errno ${errno}`, { errno });

/** Answers statements by the first pattern that fits; each answer is rows, how many rows were changed, or a failure. */
function sessionOf(answers: readonly (readonly [RegExp, (sql: string) => unknown[][] | number | Error])[]) {
  const sent: string[] = [];
  const query = async (sql: string) => {
    sent.push(sql);
    const answer = answers.find(([pattern]) => pattern.test(sql))?.[1](sql);
    if (answer instanceof Error) throw answer;
    return Array.isArray(answer) ? { rows: answer, affectedRows: 0 } : { rows: [], affectedRows: answer ?? 0 };
  };
  return { sent, session: { query, destroy: () => {}, usable: true } as unknown as Session };
}

afterEach(() => jest.useRealTimers());

test('an update in pieces goes through every domain by the primary key, and tells how far it is', async () => {
  const codes: Record<string, string[]> = { 0: ["a'b", 'c'], 7: [], 9: ['x'] };
  const { sent, session } = sessionOf([
    [/TABLE_ROWS/, () => [[5_000]]],
    [/MIN\(domain_id\)/, (sql) => [[{ '': 0, 0: 7, 7: 9, 9: null }[/domain_id>(\d+)/.exec(sql)?.[1] ?? ''] ?? null]]],
    [
      /OFFSET 999/,
      (sql) => [[codes[/domain_id=(\d+)/.exec(sql)![1]!]!.shift()]].filter(([code]) => code !== undefined),
    ],
    [/^UPDATE/, () => 1_000],
  ]);
  const clock = jest.spyOn(performance, 'now');
  let nowMs = 0;
  clock.mockImplementation(() => {
    nowMs += 900;
    return nowMs;
  });
  const told: MigrationProgress[] = [];
  try {
    await apply(session, { sql: 'UPDATE links SET x=1 WHERE x IS NULL', piecesOf: 'links' }, (each) => told.push(each));
  } finally {
    clock.mockRestore();
  }
  const pieces = sent.filter((sql) => sql.startsWith('UPDATE')).map((sql) => sql.replace(/^.*NULL AND /, ''));
  expect(pieces).toEqual([
    "domain_id=0 AND code>'' AND code<='a''b'",
    "domain_id=0 AND code>'a''b' AND code<='c'",
    "domain_id=0 AND code>'c'",
    "domain_id=7 AND code>''",
    "domain_id=9 AND code>'' AND code<='x'",
    "domain_id=9 AND code>'x'",
  ]);
  expect(told.length).toBeGreaterThan(0);
  expect(told.length).toBeLessThan(4);
  for (const each of told) expect(each).toEqual({ table: 'links', rows: expect.any(Number), ofAbout: 5_000 });
});

test('a statement waits for whoever holds its locks, and does nothing where it was done before', async () => {
  jest.useFakeTimers();
  const failures = [refused(1205), refused(1213), refused(1060)];
  const { sent, session } = sessionOf([[/ALTER/, () => failures.shift() as Error]]);
  const applied = apply(session, { sql: 'ALTER TABLE t ADD COLUMN c INT', unless: 1060 });
  await jest.advanceTimersByTimeAsync(5_000);
  await applied;
  expect(sent).toHaveLength(3);
  failures.push(refused(1142));
  await expect(apply(session, { sql: 'ALTER TABLE t ADD COLUMN c INT', unless: 1060 })).rejects.toThrow('1142');
});

test('heads are made whole, also where another server or an engine in front of several has made some', async () => {
  const made = new Set<string>();
  const { sent, session } = sessionOf([
    [/^SELECT/, () => [...made].map((bucket) => [bucket])],
    [
      /^INSERT/,
      (sql) => {
        const buckets = [...sql.matchAll(/\(x'([0-9a-f]{2})',0,x'[0-9a-f]{16}'\)/g)].map((match) => match[1]!);
        const isFirst = made.size === 0;
        for (const bucket of isFirst ? buckets.slice(0, 100) : buckets) made.add(bucket.toUpperCase());
        return isFirst ? refused(1062) : buckets.length;
      },
    ],
  ]);
  const heads = bucketsAndChanges.statements.find((each) => typeof each === 'object' && 'run' in each);
  await apply(session, heads!);
  expect(made.size).toBe(256);
  expect(sent).toHaveLength(5);
});
