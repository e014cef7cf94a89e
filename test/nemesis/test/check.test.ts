import { base62 } from '@lakh/short-code';
import { checkHistory } from '../src/check/check';
import { REASON } from '../src/check/counters';
import type { HistoryEvent } from '../src/history';
import {
  create,
  database,
  FIRST,
  failure,
  heights,
  history,
  lease,
  look,
  loss,
  nowMs,
  PID,
  pass,
  read,
  remove,
  row,
  withoutKills,
} from './histories';

const [A, B, C] = [0, 1, 2].map((offset) => base62().encode(FIRST + offset)) as [string, string, string];

const violationsOf = async (events: readonly HistoryEvent[]): Promise<readonly string[]> =>
  (await checkHistory(events)).violations;

/** Two links in one range of ten whose server was killed. */
const whole = (...more: readonly HistoryEvent[]): HistoryEvent[] =>
  history(
    create(A),
    create(B),
    ...more,
    look(A),
    look(B),
    lease(FIRST, FIRST + 10, PID.killed),
    row(FIRST, A),
    row(FIRST + 1, B),
    heights(FIRST + 10),
  );

/** `whole` with one event changed. */
const changed = (change: (event: HistoryEvent) => HistoryEvent | undefined): HistoryEvent[] =>
  whole().flatMap((event) => change(event) ?? []);

describe('a server of several processes that was killed', () => {
  const D = base62().encode(FIRST + 4);
  const events = history(
    ...[create(A), create(D), look(A), look(D)],
    ...[lease(FIRST, FIRST + 10, PID.killed), row(FIRST, A), row(FIRST + 4, D), heights(FIRST + 10)],
  );

  test('takes with it what lies below counters that others of its workers issued', async () => {
    expect(await violationsOf(events)).toEqual([
      '3 counters vanished and 0 links were stored that nobody was told of, but only 0 creates failed',
    ]);
    const [run, ...rest] = events as [Extract<HistoryEvent, { type: 'run' }>, ...HistoryEvent[]];
    expect(await violationsOf([{ ...run, withWorkers: ['shorten-1'] }, ...rest])).toEqual([]);
    expect(await violationsOf([{ ...run, withWorkers: ['shorten-2'] }, ...rest])).toHaveLength(1);
  });
});

describe('a whole history', () => {
  test('has no violation, and every counter is a link or lost for a reason', async () => {
    const verdict = await checkHistory(whole(read(A)));
    expect(verdict.violations).toEqual([]);
    expect(verdict.links).toEqual({ links: 2, lostLinks: 0, deleted: 0 });
    expect(verdict.counters).toEqual({
      used: 2,
      leased: 10,
      lost: [{ reason: REASON.killed, counters: 8, ranges: [{ start: FIRST + 2, end: FIRST + 10 }] }],
    });
  });

  test('gives the same verdict again', async () => {
    const events = whole();
    expect(await checkHistory(events)).toEqual(await checkHistory(events));
  });

  test('counts each fault, how long it lasted, and the creates meanwhile', async () => {
    const events = history(
      { type: 'fault', fault: 'kill-redis', phase: 'begin', atMs: nowMs() },
      create(A),
      failure(),
      { type: 'fault', fault: 'kill-redis', phase: 'end', atMs: nowMs() + 1 },
    );
    const { faults } = await checkHistory(events);
    expect(faults).toEqual([
      { fault: 'kill-redis', times: 1, seconds: expect.closeTo(0.005), acknowledged: 1, failed: 1 },
    ]);
  });
});

describe('links: the checker finds', () => {
  test('a code that was given twice, with both origins', async () => {
    const again = create(A, { url: 'https://example.com/other', client: 'b', target: 'shorten-3' });
    const found = await violationsOf(whole(again));
    expect(found).toEqual([
      expect.stringMatching(
        new RegExp(
          `^code ${A} twice: create of https://example.com/${A} by a .* and create of .*other by b at shorten-3`,
        ),
      ),
    ]);
  });

  test('a code that was given again for a link that was lost with a database', async () => {
    const first = create(A);
    const copied = database('copied', first.sentMs - 2, first.sentMs - 1);
    pass(10);
    const restored = database('restored', nowMs(), nowMs() + 1);
    pass(10);
    const second = create(A, { url: 'https://example.com/second' });
    const found = await violationsOf(history(first, copied, restored, second, look(A)));
    expect(found).toContainEqual(expect.stringContaining(`code ${A} twice`));
  });

  test.each([
    ['leads elsewhere', read(A, { location: 'https://example.com/else' }), 'leads to https://example.com/else'],
    ['is not found', read(A, { status: 404 }), '404, though the link was acknowledged'],
    ['is gone, though nobody deleted it', read(A, { status: 410 }), '410, though nobody deleted the link'],
    ['is refused', read(A, { status: 403 }), ': 403'],
    ['is refused to who deletes it', remove(B, { status: 403 }), 'refused with 403'],
    ['is not found by who deletes it', remove(B, { status: 404 }), '404, though the link was acknowledged'],
    ['was refused when it was to be created', create('x', { status: 422 }), 'refused with 422'],
    ['has a code that nobody was given', read(C), 'nobody was ever given that code'],
  ])('a link that %s', async (_, request, text) => {
    const link = create(A);
    // Made before the link: what was asked only after it was acknowledged is what counts.
    const later = { ...request, sentMs: link.doneMs + 1000, doneMs: link.doneMs + 1001 };
    expect(await violationsOf(whole(later))).toEqual([expect.stringContaining(text)]);
  });

  test('no fault in a read that came before the link, or had no answer', async () => {
    const early = read(A, { status: 404 });
    expect(await violationsOf(whole({ ...early, sentMs: 0, doneMs: 1 }, read(A, { status: 503 })))).toEqual([]);
  });

  test('a link that nobody could follow at the end', async () => {
    const found = await violationsOf(
      changed((event) =>
        event.type === 'request' && event.client === 'check' && event.code === A ? undefined : event,
      ),
    );
    expect(found).toEqual([expect.stringMatching(new RegExp(`^${A} .* had no answer at the end$`))]);
  });

  test('a link that is not in the store, or with another URL, or deleted by nobody', async () => {
    const isRow = (event: HistoryEvent): boolean => event.type === 'row' && event.code === A;
    expect(await violationsOf(changed((event) => (isRow(event) ? undefined : event)))).toEqual([
      expect.stringContaining('is not in the store'),
    ]);
    const other = row(FIRST, A, { url: 'https://example.com/other' });
    expect(await violationsOf(changed((event) => (isRow(event) ? other : event)))).toEqual([
      expect.stringContaining('the store has https://example.com/other'),
    ]);
    const deleted = row(FIRST, A, { kind: 3, url: '' });
    expect(await violationsOf(changed((event) => (isRow(event) ? deleted : event)))).toEqual([
      expect.stringContaining('a row of kind 3'),
    ]);
  });
});

describe('deletions', () => {
  /** One link, deleted, and then `after`. */
  const deleted = (after: readonly HistoryEvent[], kind = 3): HistoryEvent[] => {
    const link = create(A);
    const gone = remove(A);
    pass(2000);
    const later = after.map((event) =>
      event.type === 'request' ? { ...event, sentMs: nowMs(), doneMs: nowMs() + 1 } : event,
    );
    const url = kind === 1 ? { url: link.url as string } : { url: '' };
    return history(link, gone, ...later, lease(FIRST, FIRST + 1), row(FIRST, A, { kind, ...url }), heights(FIRST + 1));
  };

  test('stay 410', async () => {
    expect(await violationsOf(deleted([look(A, { status: 410 })]))).toEqual([]);
  });

  test.each([
    ['followed by a reader long after', [read(A), look(A, { status: 410 })], 3, 'still leads somewhere'],
    ['followed at the end', [look(A)], 3, 'still leads somewhere'],
    ['forgotten by the store', [look(A, { status: 410 })], 1, 'the store still has its link'],
    ['taken for a code that never was', [look(A, { status: 404 })], 3, '404, though the link was acknowledged'],
  ])('%s: found', async (_, after, kind, text) => {
    expect(await violationsOf(deleted(after, kind))).toEqual([expect.stringContaining(text)]);
  });

  test('may be followed for the time that copies in memory last', async () => {
    const link = create(A);
    const gone = remove(A);
    const soon = read(A);
    const events = history(link, gone, soon, look(A, { status: 410 }), lease(FIRST, FIRST + 1));
    expect(await violationsOf([...events, row(FIRST, A, { kind: 3, url: '' }), heights(FIRST + 1)])).toEqual([]);
  });

  test('that had no answer may have happened', async () => {
    const { status: _, ...unanswered } = remove(A);
    for (const end of [look(A, { status: 410 }), look(A)]) {
      const link = create(A, { sentMs: 0, doneMs: 1 });
      const events = history(link, unanswered, end, lease(FIRST, FIRST + 1), row(FIRST, A), heights(FIRST + 1));
      expect(await violationsOf(events)).toEqual([]);
    }
  });
});

describe('a database that was set back to an old copy', () => {
  /** A before the copy, B between copy and restore, C after it. */
  const setBack = (lost: string, ...more: readonly HistoryEvent[]): HistoryEvent[] => {
    const before = create(A);
    pass(10);
    const copied = database('copied', nowMs(), nowMs() + 5);
    pass(10);
    const between = create(B);
    pass(10);
    const restored = database('restored', nowMs(), nowMs() + 5);
    pass(10);
    const after = create(C);
    const links = [A, B, C];
    return history(
      before,
      copied,
      between,
      restored,
      after,
      ...more,
      ...links.map((code) => look(code, code === lost ? { status: 404 } : {})),
      lease(FIRST, FIRST + 3, 0, { state: 'hole', serverId: 'lakh' }),
      ...links.flatMap((code, i) => (code === lost ? [] : [row(FIRST + i, code)])),
      heights(FIRST + 3),
    );
  };

  test('may lose what was acknowledged since the copy, and that is counted; it may also have it', async () => {
    const verdict = await checkHistory(setBack(B));
    expect(verdict.violations).toEqual([]);
    expect(verdict.links.lostLinks).toBe(1);
    expect((await checkHistory(setBack('none'))).violations).toEqual([]);
  });

  test.each([
    ['before the copy', A],
    ['after the restore', C],
  ])('may not lose what was acknowledged %s', async (_, code) => {
    expect(await violationsOf(setBack(code))).toEqual([
      expect.stringContaining('404, though the link was acknowledged'),
      expect.stringContaining('is not in the store'),
    ]);
  });

  test('may not forget before it was set back', async () => {
    const events = setBack(B);
    const link = events.find((event) => event.type === 'request' && event.code === B) as ReturnType<typeof create>;
    const early = read(B, { status: 404, sentMs: link.doneMs + 1, doneMs: link.doneMs + 2 });
    expect(await violationsOf([...events, early])).toEqual([expect.stringContaining('404, though')]);
  });

  test('cannot have been set back to a copy that nobody made', async () => {
    await expect(checkHistory(history(database('restored', 1, 2)))).rejects.toThrow('which nobody made');
  });
});

describe('counters: the checker finds', () => {
  const codeOf = (counter: number): string => base62().encode(counter);
  /** A link for each of `counters`, and what else is said. */
  const links = (counters: readonly number[], ...more: readonly HistoryEvent[]): HistoryEvent[] =>
    history(
      ...counters.map((counter) => create(codeOf(counter))),
      ...counters.map((counter) => look(codeOf(counter))),
      ...counters.map((counter) => row(counter, codeOf(counter))),
      ...more,
    );

  test('ranges that overlap', async () => {
    const events = links([FIRST], lease(FIRST, FIRST + 5, PID.killed), lease(FIRST + 4, FIRST + 9, PID.killed));
    expect(await violationsOf([...events, heights(FIRST + 9)])).toEqual([expect.stringContaining('overlaps')]);
  });

  test('a link whose counter is in no range, or above the mark', async () => {
    const outside = links([FIRST + 7], lease(FIRST, FIRST + 5, PID.killed), heights(FIRST + 9));
    expect(await violationsOf(outside)).toEqual([expect.stringContaining('is in no leased range')]);
    const beyond = links([FIRST + 7], lease(FIRST, FIRST + 5, PID.killed), heights(FIRST + 5));
    expect(await violationsOf(beyond)).toEqual([expect.stringContaining('outside of what the mark has given')]);
  });

  test('a row under another code than its counter', async () => {
    const events = history(create(A), look(A), lease(FIRST, FIRST + 2, PID.killed), row(FIRST + 1, A));
    expect(await violationsOf([...events, heights(FIRST + 2)])).toContainEqual(expect.stringContaining(`has ${A} for`));
  });

  test.each(['released', 'skipped', 'hole', 'retired'])('a link from a range that is %s', async (state) => {
    const entry: HistoryEvent = { type: 'entry', start: FIRST, end: FIRST + 5 };
    const events = links([FIRST], lease(FIRST, FIRST + 5, PID.stopped, { state }), entry, heights(FIRST + 5));
    expect(await violationsOf(events)).toEqual([expect.stringContaining(`its range is ${state}`)]);
  });

  test('more counters gone, or links untold, than creates that failed', async () => {
    const gaps = links([FIRST, FIRST + 3], lease(FIRST, FIRST + 4, PID.killed), heights(FIRST + 4));
    expect(await violationsOf(gaps)).toEqual([expect.stringContaining('2 counters vanished')]);
    expect(await violationsOf([...gaps, failure(), failure()])).toEqual([]);
    const untold = [...links([FIRST], lease(FIRST, FIRST + 2, PID.killed), heights(FIRST + 2)), row(FIRST + 1, B)];
    expect(await violationsOf(untold)).toEqual([
      expect.stringContaining('1 links were stored that nobody was told of'),
    ]);
    expect(await violationsOf([...untold, failure()])).toEqual([]);
  });

  test('a tail that a stopped server kept without a word', async () => {
    const events = links([FIRST], lease(FIRST, FIRST + 5), heights(FIRST + 5));
    expect(await violationsOf(events)).toEqual([expect.stringContaining('4 counters vanished')]);
    const told = [...events, loss(FIRST + 1, FIRST + 5, 'tail_too_short')];
    expect((await checkHistory(told)).counters.lost).toMatchObject([
      { reason: 'tail_too_short, as its server said', counters: 4 },
    ]);
    expect(await violationsOf(told)).toEqual([]);
    // What another server says of these counters is not about this lease.
    const others = [...events, loss(FIRST + 1, FIRST + 5, 'mark_write_unknown', 7)];
    expect(await violationsOf(others)).toHaveLength(1);
  });

  test('a hole in the ledger that nobody explains', async () => {
    const events = links([FIRST], lease(FIRST, FIRST + 1), heights(FIRST + 5, { head: FIRST + 1, ledgered: FIRST }));
    expect((await checkHistory(events)).counters.lost).toMatchObject([{ reason: REASON.inBetween, counters: 4 }]);
    expect(await violationsOf(withoutKills(events))).toEqual([expect.stringContaining('nobody says why')]);
    const told = withoutKills([...events, loss(FIRST + 1, FIRST + 5, 'mark_write_unknown', 7)]);
    expect(await violationsOf(told)).toEqual([]);
  });

  test('a range of a process that nobody saw end', async () => {
    const events = links([FIRST], lease(FIRST, FIRST + 1, 999), heights(FIRST + 1));
    expect(await violationsOf(events)).toEqual([expect.stringContaining('nobody who was seen holds')]);
  });

  test('a remainder that nobody offers, unless a witness was lost', async () => {
    const released = lease(FIRST + 1, FIRST + 5, PID.stopped, { state: 'released' });
    const events = links([FIRST], lease(FIRST, FIRST + 1), released, heights(FIRST + 5));
    expect(await violationsOf(events)).toEqual([expect.stringContaining('nobody offers')]);
    const entry: HistoryEvent = { type: 'entry', start: FIRST + 1, end: FIRST + 5 };
    expect((await checkHistory([...events, entry])).counters.lost).toMatchObject([{ reason: REASON.waiting }]);
    const repair: HistoryEvent = { type: 'repair', witness: 'zookeeper', how: '', atMs: 1 };
    expect(await violationsOf([...events, repair])).toEqual([]);
  });

  test('a link that one server gave from the range of another', async () => {
    const [start, end] = [FIRST, FIRST + 10];
    const by = (target: string): HistoryEvent[] =>
      history(create(A, { target }), look(A), lease(start, end, PID.killed), row(FIRST, A), heights(end));
    expect(await violationsOf(by('shorten-1'))).toEqual([]);
    expect(await violationsOf(by('gateway'))).toEqual([]);
    expect(await violationsOf(by('shorten-2'))).toEqual([
      `${A} was given by shorten-2, but counter ${FIRST} is of a range of shorten-1: [${start}, ${end})`,
    ]);
  });

  test('heights that contradict each other', async () => {
    const events = links([FIRST], lease(FIRST, FIRST + 1));
    expect(await violationsOf([...events, heights(FIRST)])).toContainEqual(expect.stringContaining('below the ledger'));
    const forgetful = heights(FIRST + 1, { head: FIRST, ledgered: FIRST + 1 });
    expect(await violationsOf([...events, forgetful])).toEqual([expect.stringContaining('remembers a ledger of')]);
  });

  test('what a log may not have, and a run that was not finished', async () => {
    const alarm: HistoryEvent = { type: 'alarm', server: 'shorten-1', message: 'a generated code met another' };
    expect(await violationsOf(whole(alarm))).toEqual(['shorten-1: a generated code met another']);
    expect(await violationsOf(history(create(A), row(FIRST, A)))).toEqual([
      'nobody followed the links at the end',
      'the run ended before anybody looked at the witnesses',
    ]);
  });

  test('no fault in a reserved word', async () => {
    const api = base62().decode('api') as number;
    const events = links([api - 1, api + 1], lease(api - 1, api + 2));
    const start = { ...(events[0] as Extract<HistoryEvent, { type: 'run' }>), firstMark: api - 1 };
    const verdict = await checkHistory([start, ...events.slice(1), heights(api + 2)]);
    expect(verdict.violations).toEqual([]);
    expect(verdict.counters.lost).toMatchObject([{ reason: REASON.reserved, counters: 1 }]);
  });
});
