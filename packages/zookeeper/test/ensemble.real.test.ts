import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  FIRST_MARK,
  type MarkSnapshot,
  type MarkStore,
  UnknownOutcomeError,
  WitnessUnavailableError,
} from '@lakh/id-range';
import { type LocalServer, launch, zookeeperEnsemble, zookeeperMode } from '@lakh/local';
import {
  createZookeeperMarkStore,
  createZookeeperSession,
  type ZookeeperEvent,
  type ZookeeperSession,
} from '../src/index';
import { getData } from '../src/nodes';

/** Three nodes that are frozen, killed, stopped and wiped. Tests run in order; each leaves all nodes running. */
jest.setTimeout(40_000);
const DEADLINE_MS = 1_000;
/** Of a call that misses it: timers on a busy machine are late. */
const SLACK_MS = 400;
const CLUSTER = '00000000-0000-4000-8000-000000000001';
const FIRST = { next: FIRST_MARK, ledgered: FIRST_MARK };

let dir: string;
let nodes: LocalServer[];
const sessions: ZookeeperSession[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-ensemble-'));
  const { plans } = await zookeeperEnsemble({ dir, nodes: 3 });
  nodes = await Promise.all(plans.map(launch));
  await createZookeeperMarkStore(await connect(nodes), { namespace: 'links' }).create(FIRST, CLUSTER);
});
afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.stop()));
  await rm(dir, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

function open(order: readonly LocalServer[], observe?: (event: ZookeeperEvent) => void): ZookeeperSession {
  const session = createZookeeperSession({
    servers: order.map(({ plan }) => ({ host: plan.host, port: plan.port })),
    chroot: '/lakh',
    sessionTimeoutMs: 2_000,
    deadlineMs: DEADLINE_MS,
    // The largest there is: leaves the servers in the order given, and makes every backoff as long as it gets.
    random: () => 1 - Number.EPSILON,
    ...(observe && { observe }),
  });
  sessions.push(session);
  return session;
}

async function connect(order: readonly LocalServer[]): Promise<ZookeeperSession> {
  const session = open(order);
  await session.whenConnected(10_000);
  return session;
}

/** Followers first, the leader last. */
async function byRole(): Promise<LocalServer[]> {
  const modes = await eventually(async () => {
    const answers = await Promise.all(nodes.map(({ plan }) => zookeeperMode(plan.port)));
    expect([...answers].sort()).toEqual(['follower', 'follower', 'leader']);
    return answers;
  });
  return [...nodes].sort(
    (a, b) => Number(modes[nodes.indexOf(a)] === 'leader') - Number(modes[nodes.indexOf(b)] === 'leader'),
  );
}

async function readMark(store: MarkStore): Promise<MarkSnapshot> {
  const snapshot = await store.read();
  if (snapshot === 'missing') throw new Error('the mark is missing');
  return snapshot;
}

/** One range, as a lease takes it. */
async function lease(store: MarkStore): Promise<number> {
  const { mark, version } = await readMark(store);
  const write = await store.write(version, { next: mark.next + 1_000, ledgered: mark.ledgered });
  if (write.outcome !== 'written') throw new Error(write.outcome);
  return mark.next;
}

async function eventually<T>(attempt: () => Promise<T>, withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

test('the connected node freezes: the write settles at its deadline as unknown, the next lease works through another', async () => {
  const [follower, ...others] = await byRole();
  const store = createZookeeperMarkStore(await connect([follower!, ...others]), { namespace: 'links' });
  const { mark, version } = await readMark(store);
  await follower!.signal('SIGSTOP');
  try {
    const write = () =>
      expect(store.write(version, { next: mark.next + 1_000, ledgered: mark.ledgered })).rejects.toThrow(
        UnknownOutcomeError,
      );
    expect(await timed(write)).toBeLessThan(DEADLINE_MS + SLACK_MS);
    expect(await timed(() => eventually(() => lease(store)))).toBeLessThan(DEADLINE_MS);
  } finally {
    await follower!.signal('SIGCONT');
  }
});

test('the leader freezes: calls go on settling by their deadline, and leases work after an election', async () => {
  const order = await byRole();
  const leader = order[2]!;
  const store = createZookeeperMarkStore(await connect([leader, ...order.slice(0, 2)]), { namespace: 'links' });
  await lease(store);
  await leader.signal('SIGSTOP');
  try {
    let slowestMs = 0;
    const tookMs = await timed(() =>
      eventually(async () => {
        const startMs = performance.now();
        await lease(store).finally(() => {
          slowestMs = Math.max(slowestMs, performance.now() - startMs);
        });
      }),
    );
    // Two calls: the read and the write.
    expect(slowestMs).toBeLessThan(2 * (DEADLINE_MS + SLACK_MS));
    expect(tookMs).toBeLessThan(12_000);
  } finally {
    await leader.signal('SIGCONT');
  }
});

test('the leader is killed: the next lease works through the others', async () => {
  const order = await byRole();
  const store = createZookeeperMarkStore(await connect(order), { namespace: 'links' });
  const before = await lease(store);
  await order[2]!.signal('SIGKILL');
  const startMs = performance.now();
  const after = await eventually(() => lease(store));
  expect(performance.now() - startMs).toBeLessThan(8_000);
  expect(after).toBeGreaterThan(before);
  await order[2]!.restart();
});

test('a node that is cut off from the others does not answer for them, though it would show what it last knew', async () => {
  const [own, ...others] = await byRole();
  const store = createZookeeperMarkStore(await connect([own!]), { namespace: 'links' });
  const plainly = await connect([own!]);
  await store.read();
  await Promise.all(others.map((node) => node.signal('SIGSTOP')));
  try {
    const reading = expect(store.read()).rejects.toThrow(WitnessUnavailableError);
    // What a read without the barrier would be: answered at once, by a node that may know nothing of what came since.
    const { data } = await getData(plainly.connection(), '/lakh/ranges/links/next');
    expect(data?.toString()).toMatch(/^\d+ \d+$/);
    await reading;
  } finally {
    await Promise.all(others.map((node) => node.signal('SIGCONT')));
  }
});

test('all nodes freeze past the session timeout: calls settle, sessions are new, the old version is stale', async () => {
  const events: ZookeeperEvent[] = [];
  const session = open(await byRole(), (event) => events.push(event));
  await session.whenConnected(10_000);
  const store = createZookeeperMarkStore(session, { namespace: 'links' });
  const { mark, version } = await readMark(store);
  const { sessionId } = session.connection();
  await Promise.all(nodes.map((node) => node.signal('SIGSTOP')));
  try {
    expect(await timed(() => expect(store.read()).rejects.toThrow(WitnessUnavailableError))).toBeLessThan(
      DEADLINE_MS + SLACK_MS,
    );
    // From now on there is no connection: refused at once, not at a deadline.
    expect(await timed(() => expect(store.read()).rejects.toThrow(WitnessUnavailableError))).toBeLessThan(50);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  } finally {
    await Promise.all(nodes.map((node) => node.signal('SIGCONT')));
  }
  await session.whenConnected(15_000);
  expect(session.connection().sessionId).not.toBe(sessionId);
  expect(await store.write(version, { next: mark.next + 1_000, ledgered: mark.ledgered })).toEqual({
    outcome: 'stale',
  });
  expect(await eventually(() => lease(store))).toBe(mark.next);
  expect(events.some((event) => event.type === 'deadline-missed')).toBe(true);
});

test('all nodes are down: calls are refused at once and kept nowhere; back by itself; wiped: missing', async () => {
  const session = await connect(nodes);
  const store = createZookeeperMarkStore(session, { namespace: 'links' });
  const { mark, version } = await readMark(store);
  await Promise.all(nodes.map((node) => node.signal('SIGKILL')));
  await eventually(async () => expect(session.state).toBe('connecting'));

  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const refuse = async (calls: number) => {
    for (let i = 0; i < calls; i += 1) {
      const call = i % 2 === 0 ? store.read() : store.write(version, { next: mark.next + 1, ledgered: mark.ledgered });
      const error: unknown = await call.then(
        () => 'answered',
        (reason) => reason,
      );
      if (!(error instanceof WitnessUnavailableError)) throw new Error(`a call came to ${error}`);
    }
    gc();
    return process.memoryUsage().heapUsed;
  };
  const warm = await refuse(1_000);
  const startMs = performance.now();
  const grown = (await refuse(10_000)) - warm;
  expect(performance.now() - startMs).toBeLessThan(5_000);
  expect(grown).toBeLessThan(1024 * 1024);

  await Promise.all(nodes.map((node) => node.restart()));
  const back = await eventually(() => readMark(store));
  expect(back.mark).toEqual(mark);

  await Promise.all(nodes.map((node) => node.stop()));
  await Promise.all(nodes.map(({ plan }) => rm(join(plan.dir, 'data'), { recursive: true })));
  await Promise.all(nodes.map(({ plan }) => plan.prepare()));
  await Promise.all(nodes.map((node) => node.restart()));
  const startedMs = performance.now();
  expect(await eventually(() => store.read())).toBe('missing');
  expect(performance.now() - startedMs).toBeLessThan(6_000);
  // The new mark comes to the very version that was read on the old one: only the session tells the two apart.
  await store.create(FIRST, CLUSTER);
  const oldVersion = (back.version as { readonly node: number }).node;
  for (let version = 0; version < oldVersion; version += 1) await lease(store);
  expect((await readMark(store)).version).toMatchObject({ node: oldVersion });
  const stale = await store.write(back.version, { next: back.mark.next + 1, ledgered: back.mark.ledgered });
  expect(stale).toEqual({ outcome: 'stale' });
});
