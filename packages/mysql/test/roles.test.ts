import { type MemberState, Roles } from '../src/wire/roles.js';

const writable: MemberState = { kind: 'plain', isReadOnly: false };
const readOnly: MemberState = { kind: 'plain', isReadOnly: true };
const away: MemberState = { kind: 'away', reason: 'no answer' };
const unknown: MemberState = { kind: 'unknown' };
const node: MemberState = { kind: 'galera', isReady: true };
const noNode: MemberState = { kind: 'galera', isReady: false };
const vtgate: MemberState = { kind: 'vtgate' };

/** Of members a, b, c: what is decided after each row of states. `refusing`: writes are refused although it says that it takes them. */
function decisions(...rows: readonly (readonly (MemberState | 'refusing')[])[]) {
  const roles = new Roles();
  return rows.map((states) => {
    const { primary, problem } = roles.judge(
      states.map((state, i) => ({
        name: 'abc'[i] as string,
        state: state === 'refusing' ? writable : state,
        refusal: state === 'refusing' ? 'the server answered 1114' : '',
      })),
    );
    return primary === undefined ? problem : 'abc'[primary] + (problem === '' ? '' : ` ${problem}`);
  });
}

describe('plain servers', () => {
  test.each([
    ['one that takes writes is the primary', [[readOnly, writable, readOnly]], 'b'],
    ['nobody is it before each was asked', [[writable, unknown, readOnly]], ''],
    ['one that does not answer is no rival', [[writable, away, readOnly]], 'a'],
    ['two: none is written to', [[writable, writable, readOnly]], /^two members take writes.*: a and b; all but/],
    ['three: none is written to', [[writable, writable, writable]], /^3 members take writes/],
    [
      'none',
      [[readOnly, readOnly, away]],
      'no member takes writes: a is read-only, b is read-only, c is away (no answer)',
    ],
    ['none answers', [[away, away, away]], /^no member answers: a is away/],
  ])('%s', (_, rows, expected) => {
    const last = decisions(...rows).at(-1);
    if (expected instanceof RegExp) expect(last).toMatch(expected);
    else expect(last).toBe(expected);
  });

  test('a promotion in order: demoted, then another takes writes', () => {
    const seen = decisions(
      [writable, readOnly, readOnly],
      [readOnly, readOnly, readOnly],
      [readOnly, writable, readOnly],
    );
    expect(seen).toEqual(['a', expect.stringMatching(/^a no member takes writes/), 'b']);
  });

  test('a primary that does not answer is waited for until another takes writes', () => {
    expect(decisions([writable, readOnly], [away, readOnly], [away, writable])).toEqual(['a', 'a', 'b']);
    expect(decisions([writable, readOnly], [away, readOnly], [writable, readOnly])).toEqual(['a', 'a', 'a']);
  });

  test('of two that take writes, the one that stays is followed', () => {
    expect(decisions([writable, readOnly], [writable, writable], [readOnly, writable]).at(-1)).toBe('b');
    expect(decisions([writable, readOnly], [writable, writable], [writable, readOnly]).at(-1)).toBe('a');
    expect(decisions([writable, writable], [writable, readOnly]).at(-1)).toBe('a');
  });

  test('an old primary that comes back and takes writes is a rival, and no primary when its successor is away', () => {
    const failover = [
      [writable, readOnly],
      [away, writable],
    ] as const;
    expect(decisions(...failover, [writable, writable]).at(-1)).toMatch(/^two members take writes/);
    expect(decisions(...failover, [writable, writable], [writable, away]).at(-1)).toMatch(
      /^b a takes writes, but b had taken its place, and does not answer/,
    );
    expect(decisions(...failover, [writable, away]).at(-1)).toMatch(/^b a takes writes, but b had taken/);
    // Its successor says itself that it is no primary any more.
    expect(decisions(...failover, [writable, readOnly]).at(-1)).toBe('a');
    // It was a replica in between.
    expect(decisions(...failover, [readOnly, writable], [readOnly, away], [writable, away]).at(-1)).toBe('a');
  });

  test('a primary that refuses writes gives way to another that takes them, and is no rival until it was read-only', () => {
    const full = [
      [writable, readOnly],
      ['refusing', readOnly],
      ['refusing', writable],
    ] as const;
    expect(decisions(...full)).toEqual(['a', 'a', 'b']);
    expect(decisions(...full, [writable, writable]).at(-1)).toBe('b');
    expect(decisions(...full, [readOnly, writable], [writable, writable]).at(-1)).toMatch(/^two members/);
  });

  test('of which all are read-only, the last primary has what the others have', () => {
    expect(decisions([writable, readOnly], [readOnly, readOnly]).at(-1)).toMatch(/^a no member takes writes/);
    expect(decisions([writable, readOnly], [readOnly, away]).at(-1)).toMatch(/^no member takes writes/);
    expect(decisions([readOnly, readOnly]).at(-1)).toMatch(/^no member takes writes/);
  });

  test('a plain server that is started as a Galera node is followed as one', () => {
    expect(decisions([writable, away], [node, away], [noNode, node])).toEqual(['a', 'a', 'b']);
  });
});

describe('peers', () => {
  test('any of them, and the same one as long as it is ready', () => {
    expect(decisions([node, node, node], [node, node, away], [away, node, node], [node, node, node])).toEqual([
      'a',
      'a',
      'b',
      'b',
    ]);
    expect(decisions([noNode, node, node], [node, node, node])).toEqual(['b', 'b']);
    expect(decisions([vtgate, vtgate], [away, vtgate], [vtgate, vtgate])).toEqual(['a', 'b', 'b']);
  });

  test('one that refuses writes gives way to the next', () => {
    expect(decisions([node, node], ['refusing', node]).at(-1)).toBe('b');
  });

  test('none that is ready', () => {
    expect(decisions([noNode, noNode]).at(-1)).toBe(
      'no member is ready: a is a Galera node that is not ready, b is a Galera node that is not ready',
    );
  });

  test('a plain server among Galera nodes is none of them', () => {
    expect(decisions([writable, node, noNode], [writable, noNode, noNode])).toEqual([
      'b',
      expect.stringMatching(/^b no member is ready: a takes writes/),
    ]);
  });
});
