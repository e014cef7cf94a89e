import type { Session } from '../src/index.js';
import { Database, type DatabaseOptions, SqlFailure } from '../src/index.js';
import type { MemberAnswer } from '../src/wire/member-watch.js';
import type { ServerPool } from '../src/wire/primary-pool.js';
import type { MemberState } from '../src/wire/roles.js';

const writable: MemberState = { kind: 'plain', isReadOnly: false };
const readOnly: MemberState = { kind: 'plain', isReadOnly: true };

const LATENCY_MS = 1;

/** A server that says what it is told to say, and counts what it is sent. */
class FakeMember implements ServerPool {
  readonly name: string;
  readonly deadlineMs = 3_000;
  available = true;
  unavailableReason = '';
  writeRefusal = '';
  state: MemberState | 'frozen';
  beat: { readonly seq: number; readonly nonce: string } | undefined;
  readonly calls: string[] = [];
  abandoned = 0;
  asked = 0;
  /** What its calls fail with, where anything. */
  failure: SqlFailure | undefined;

  constructor(name: string, state: MemberState | 'frozen') {
    this.name = name;
    this.state = state;
  }
  async ask(): Promise<MemberAnswer> {
    this.asked += 1;
    await new Promise((resolve) => setTimeout(resolve, LATENCY_MS));
    if (this.state === 'frozen') {
      await new Promise((resolve) => setTimeout(resolve, 999));
      throw new SqlFailure('lost', 'no answer');
    }
    return { state: this.state, ...(this.beat && { beat: this.beat }) };
  }
  async #call<T>(kind: string, work: (session: Session) => Promise<T>): Promise<T> {
    this.calls.push(kind);
    if (this.failure) throw this.failure;
    return work(this as unknown as Session);
  }
  run<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#call('run', work);
  }
  read<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#call('read', work);
  }
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#call('transaction', work);
  }
  async proveWritable(): Promise<void> {
    this.calls.push('prove');
  }
  abandon(): void {
    this.abandoned += 1;
  }
  close(): void {}
}

let database: Database;
beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  database.close();
  jest.useRealTimers();
});

function open(members: readonly FakeMember[], options: Partial<DatabaseOptions> = {}) {
  const problems: string[] = [];
  const roles: string[] = [];
  database = new Database(
    members.map((pool) => ({ pool, ask: () => pool.ask(), close: () => {} })),
    {
      random: () => 0,
      observer: {
        primaryProblem: (problem) => problems.push(problem),
        role: (member, role) => roles.push(`${member} ${role}`),
      },
      ...options,
    },
  );
  return { problems, roles };
}

/** Who got the call. */
async function servedBy(members: readonly FakeMember[]): Promise<string> {
  for (const member of members) member.calls.length = 0;
  return database
    .run(async (session) => (session as unknown as FakeMember).name)
    .catch((error: Error) => error.message);
}
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

test('one member is never asked what it is, and takes every call', async () => {
  const a = new FakeMember('a', readOnly);
  open([a]);
  expect(await servedBy([a])).toBe('a');
  await database.proveWritable();
  await pass(10_000);
  expect([a.asked, a.calls, database.reader]).toEqual([0, ['run', 'prove'], undefined]);
});

test('calls that come before anybody is known wait for the answers of all, or for those that come in time', async () => {
  const [a, b] = [new FakeMember('a', 'frozen'), new FakeMember('b', writable)];
  open([a, b]);
  expect(database.available).toBe(true);
  const early = servedBy([a, b]);
  await pass(999);
  expect(b.calls).toEqual([]);
  await pass(1);
  expect(await early).toBe('b');
});

test('a promotion is followed within a quarter of a second, and what was under way is given up', async () => {
  const members = [new FakeMember('a', writable), new FakeMember('b', readOnly)] as const;
  const [a, b] = members;
  const { roles } = open(members);
  await pass(LATENCY_MS);
  expect(await servedBy(members)).toBe('a');
  a.state = readOnly;
  await pass(251);
  expect([database.writeRefusal, database.available, a.abandoned]).toEqual([
    'no member takes writes: a is read-only, b is read-only',
    true,
    0,
  ]);
  b.state = writable;
  await pass(251);
  expect(await servedBy(members)).toBe('b');
  expect([a.abandoned, database.writeRefusal]).toEqual([1, '']);
  expect(roles).toEqual(['a primary', 'b replica', 'a replica', 'b primary']);
});

test('a promotion is followed while the old primary is frozen', async () => {
  const members = [
    new FakeMember('a', writable),
    new FakeMember('b', readOnly),
    new FakeMember('c', readOnly),
  ] as const;
  const [a, b] = members;
  open(members);
  await pass(LATENCY_MS);
  a.state = 'frozen';
  await pass(1_500);
  expect(await servedBy(members)).toBe('a'); // whose own calls tell that it does not answer
  b.state = writable;
  await pass(251);
  expect(await servedBy(members)).toBe('b');
});

test('two that take writes: nobody is written to at once, and it is told when each has said so again', async () => {
  const members = [new FakeMember('a', writable), new FakeMember('b', readOnly)] as const;
  const [a, b] = members;
  const { problems } = open(members);
  await pass(LATENCY_MS);
  b.state = writable;
  await pass(251);
  expect(await servedBy(members)).toMatch(/^two members take writes/);
  expect([a.calls, b.calls, a.abandoned, database.available]).toEqual([[], [], 1, false]);
  await pass(10);
  expect(problems).toEqual([expect.stringMatching(/^two members take writes.*: a and b;/)]);
  b.state = readOnly;
  await pass(251);
  expect(await servedBy(members)).toBe('a');
  expect(problems.at(-1)).toBe('');
});

test('a promotion that is heard of before the demotion is no conflict to tell of', async () => {
  const members = [new FakeMember('a', writable), new FakeMember('b', readOnly)] as const;
  const [a, b] = members;
  const { problems } = open(members);
  await pass(249);
  a.state = readOnly;
  b.state = writable;
  a.ask = () => Promise.resolve({ state: writable }); // its answer was on its way
  await pass(1);
  a.ask = FakeMember.prototype.ask;
  await pass(10);
  expect(await servedBy(members)).toBe('b');
  expect(problems.filter((problem) => problem.includes('two members'))).toEqual([]);
});

test('a refused write makes it ask at once', async () => {
  const members = [new FakeMember('a', writable), new FakeMember('b', readOnly)] as const;
  const [a, b] = members;
  open(members);
  await pass(LATENCY_MS);
  b.state = writable;
  a.writeRefusal = 'the server answered 1114';
  database.doubt('a');
  await pass(LATENCY_MS);
  expect(await servedBy(members)).toBe('b');
});

test('after a pause of the process nobody is written to before they were asked again', async () => {
  const members = [new FakeMember('a', writable), new FakeMember('b', readOnly)] as const;
  const [a, b] = members;
  open(members);
  await pass(LATENCY_MS);
  // Paused: time passes, and no timer runs.
  const now = performance.now();
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now + 60_000);
  [a.state, b.state] = [readOnly, writable];
  const first = servedBy(members);
  await pass(LATENCY_MS);
  expect(await first).toBe('b');
  expect(a.calls).toEqual([]);
  clock.mockRestore();
});

describe('replicas', () => {
  /** Beats of the primary that reach the replicas of `following`. */
  async function beatFor(ms: number, members: readonly FakeMember[], following: readonly FakeMember[]) {
    for (let passed = 0; passed < ms; passed += 50) {
      const [primary] = members;
      const seq = (primary?.beat?.seq ?? 0) + 1;
      if (primary) primary.beat = { seq, nonce: `n${seq}` };
      for (const member of following) member.beat = { seq, nonce: `n${seq}` };
      await pass(50);
    }
  }
  const trio = () =>
    [new FakeMember('a', writable), new FakeMember('b', readOnly), new FakeMember('c', readOnly)] as const;

  test('are asked in turn once their lag is proven, and left out beyond two seconds', async () => {
    const members = trio();
    const [, b] = members;
    open(members);
    await pass(LATENCY_MS);
    expect(database.reader?.()).toBeUndefined();
    await beatFor(2_000, members, members);
    const names = Array.from({ length: 4 }, () => database.reader?.()?.name);
    expect(new Set(names)).toEqual(new Set(['b', 'c']));
    const lagMs = database.reader?.()?.lagMs ?? Number.NaN;
    expect(lagMs).toBeGreaterThan(0);
    expect(lagMs).toBeLessThan(1_000);
    await beatFor(3_000, members, [b]);
    expect(Array.from({ length: 4 }, () => database.reader?.()?.name)).toEqual(['b', 'b', 'b', 'b']);
    expect(database.lags().get('c')).toBeGreaterThan(2_000);
    await beatFor(1_000, members, members);
    expect(new Set(Array.from({ length: 4 }, () => database.reader?.()?.name)).size).toBe(2);
  });

  test('one that fails is left out until it says again what it is', async () => {
    const members = trio();
    const [, b, c] = members;
    open(members);
    await beatFor(2_000, members, members);
    b.failure = new SqlFailure('lost', 'no answer');
    for (let i = 0; i < 2; i += 1)
      await database
        .reader?.()
        ?.read(async () => {}, 100)
        .catch(() => {});
    expect(Array.from({ length: 3 }, () => database.reader?.()?.name)).toEqual(['c', 'c', 'c']);
    expect(c.calls.length).toBe(1);
  });

  test('answer with a lag that nothing proves while the primary cannot be asked', async () => {
    const members = trio();
    const [a] = members;
    open(members);
    await beatFor(2_000, members, members);
    a.state = 'frozen';
    await pass(1_300);
    expect(database.reader?.()).toMatchObject({ lagMs: Number.POSITIVE_INFINITY });
  });

  test('after a promotion prove themselves anew', async () => {
    const members = trio();
    const [a, b] = members;
    open(members);
    await beatFor(2_000, members, members);
    [a.state, b.state] = [readOnly, writable];
    await pass(300);
    expect(database.reader?.()).toBeUndefined();
    await beatFor(2_000, [b, a], members);
    expect(database.reader?.()?.lagMs).toBeLessThan(1_000);
  });
});

test('those who write make the next beat when the last one stays, once at a time, and not where rows are refused', async () => {
  const members = [new FakeMember('a', writable), new FakeMember('b', readOnly)] as const;
  const [a] = members;
  const made: number[] = [];
  a.beat = { seq: 1, nonce: 'n1' };
  open(members, {
    beat: async (_session, last) => {
      made.push(last.seq);
      a.beat = { seq: last.seq + 1, nonce: `n${last.seq + 1}` };
    },
  });
  await pass(2_600);
  expect(made).toEqual([1, 2, 3, 4, 5]);
  a.writeRefusal = 'the server answered 1114';
  await pass(2_600);
  expect(made.length).toBe(5);
});
