import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ClusterMismatchError,
  FIRST_MARK,
  type MarkSnapshot,
  type MarkStore,
  UnknownOutcomeError,
  WitnessCorruptError,
} from '@lakh/id-range';
import { type LocalServer, launch, zookeeperEnsemble } from '@lakh/local';
import { CORRUPT_MARK_TEXTS, createFaultProxy, describeMarkStore, type FaultProxy } from '@lakh/testkit';
import zookeeper, { type ZkClient } from 'node-zookeeper-client';
import {
  createZookeeperMarkStore,
  createZookeeperSession,
  parseZookeeperAddress,
  registerServer,
  WitnessForbiddenError,
  type ZookeeperSession,
  type ZookeeperSessionOptions,
} from '../src/index';
import { getData, removeAnyVersion } from '../src/nodes';

/** One standalone server; a chroot of its own for each test. */
jest.setTimeout(20_000);
const DEADLINE_MS = 1_500;
const CLUSTER = '00000000-0000-4000-8000-000000000001';
const FIRST = { next: FIRST_MARK, ledgered: FIRST_MARK };

let dir: string;
let server: LocalServer;
let address: string;
let chroots = 0;
const sessions: ZookeeperSession[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-zookeeper-'));
  const ensemble = await zookeeperEnsemble({ dir, nodes: 1 });
  address = ensemble.connectString;
  server = await launch(ensemble.plans[0]!);
});
afterAll(async () => {
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(() => {
  chroots += 1;
});
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

async function connect(options: Partial<ZookeeperSessionOptions> = {}): Promise<ZookeeperSession> {
  const parsed = parseZookeeperAddress(`${address}/deep/test-${chroots}`);
  const session = createZookeeperSession({ ...parsed, sessionTimeoutMs: 4_000, deadlineMs: DEADLINE_MS, ...options });
  sessions.push(session);
  await session.whenConnected(5_000);
  return session;
}

async function connectStore(options: Partial<ZookeeperSessionOptions> = {}, namespace = 'links'): Promise<MarkStore> {
  return createZookeeperMarkStore(await connect(options), { namespace });
}

async function readMark(store: MarkStore): Promise<MarkSnapshot> {
  const snapshot = await store.read();
  if (snapshot === 'missing') throw new Error('the mark is missing');
  return snapshot;
}

/** The library's own client, for what the adapter never does. */
function raw<T>(session: ZookeeperSession, run: (client: ZkClient, done: (error: unknown, result: T) => void) => void) {
  return session.connection().call<T>('write', 'raw', run as never);
}

describeMarkStore(
  'ZooKeeper',
  async () => {
    const session = await connect();
    return {
      store: createZookeeperMarkStore(session, { namespace: 'links' }),
      another: () => connectStore(),
      corrupt: (text) =>
        raw<void>(session, (client, done) =>
          client.setData(`${session.chroot}/ranges/links/next`, Buffer.from(text), -1, (error) =>
            done(error, undefined),
          ),
        ),
      dispose: async () => {},
    };
  },
  { corruptTexts: CORRUPT_MARK_TEXTS },
);

test('two clients that race for 200 ranges get disjoint ones that leave no gap', async () => {
  const stores = [await connectStore(), await connectStore()];
  await stores[0]!.create(FIRST, CLUSTER);
  const size = 1_000;
  const starts = await Promise.all(
    stores.map(async (store) => {
      const mine: number[] = [];
      // Each stale answer is another's success, and there are 200 of those.
      for (let attempt = 0; mine.length < 100 && attempt < 1_000; attempt += 1) {
        const { mark, version } = await readMark(store);
        const write = await store.write(version, { next: mark.next + size, ledgered: mark.ledgered });
        if (write.outcome === 'written') mine.push(mark.next);
      }
      return mine;
    }),
  );
  const all = starts.flat().sort((a, b) => a - b);
  expect(all).toEqual(Array.from({ length: 200 }, (_, i) => FIRST_MARK + size * i));
});

describe('cluster id', () => {
  test('a second namespace under the same chroot shares it', async () => {
    const session = await connect();
    const links = createZookeeperMarkStore(session, { namespace: 'links' });
    const orders = createZookeeperMarkStore(session, { namespace: 'orders' });
    expect(await links.create(FIRST, CLUSTER)).toBe('created');
    expect(await orders.read()).toBe('missing');
    expect(await orders.create(FIRST, CLUSTER)).toBe('created');
    expect(await orders.read()).toMatchObject({ mark: FIRST, clusterId: CLUSTER });
  });

  test("a namespace of another system is refused a place beside the first one's", async () => {
    const session = await connect();
    await createZookeeperMarkStore(session, { namespace: 'links' }).create(FIRST, CLUSTER);
    const foreign = createZookeeperMarkStore(session, { namespace: 'orders' });
    await expect(foreign.create(FIRST, 'another-system')).rejects.toThrow(ClusterMismatchError);
    expect(await foreign.read()).toBe('missing');
  });

  test('a mark without a cluster id is corrupt, and a create does not mend it', async () => {
    const session = await connect();
    const store = createZookeeperMarkStore(session, { namespace: 'links' });
    await store.create(FIRST, CLUSTER);
    await removeAnyVersion(session.connection(), `${session.chroot}/cluster`);
    await expect(store.read()).rejects.toThrow(WitnessCorruptError);
    expect(await store.create(FIRST, CLUSTER)).toBe('exists');
    await expect(store.read()).rejects.toThrow(/cluster is missing/);
  });
});

test('a mark that was removed makes a write at its version stale, and the next read says missing', async () => {
  const session = await connect();
  const store = createZookeeperMarkStore(session, { namespace: 'links' });
  await store.create(FIRST, CLUSTER);
  const { version } = await readMark(store);
  await removeAnyVersion(session.connection(), `${session.chroot}/ranges/links/next`);
  expect(await store.write(version, FIRST)).toEqual({ outcome: 'stale' });
  expect(await store.read()).toBe('missing');
});

test('a version is good for its own node only', async () => {
  const session = await connect();
  const links = createZookeeperMarkStore(session, { namespace: 'links' });
  const orders = createZookeeperMarkStore(session, { namespace: 'orders' });
  await links.create(FIRST, CLUSTER);
  await orders.create(FIRST, CLUSTER);
  const { version } = await readMark(links);
  await expect(orders.write(version, FIRST)).rejects.toThrow(TypeError);
  await expect(links.write(0, FIRST)).rejects.toThrow(TypeError);
});

test('a session that ZooKeeper ends is followed by a new one, on which the old version is stale', async () => {
  const session = await connect();
  const store = createZookeeperMarkStore(session, { namespace: 'links' });
  await store.create(FIRST, CLUSTER);
  const { version } = await readMark(store);
  const before = session.connection().sessionId;
  await endSession(session);
  expect(session.connection().sessionId).not.toBe(before);
  // At the very version that the node still has: ZooKeeper alone would take it.
  expect(await store.write(version, { next: 200_000, ledgered: FIRST_MARK })).toEqual({ outcome: 'stale' });
  const again = await readMark(store);
  expect(again.mark).toEqual(FIRST);
  expect((await store.write(again.version, { next: 200_000, ledgered: FIRST_MARK })).outcome).toBe('written');
});

/** As an expiry does: ZooKeeper ends the session on the server, by order of a second client with the same id and password. */
async function endSession(session: ZookeeperSession): Promise<void> {
  const client = await new Promise<ZkClient>((resolve) => {
    void session.connection().call<void>('read', 'grab', (own, done) => {
      resolve(own);
      done(null, undefined);
    });
  });
  const withPassword = client as ZkClient & { getSessionPassword(): Buffer };
  const gone = new Promise<void>((resolve) => {
    const off = session.onConnected(() => {
      off();
      resolve();
    });
  });
  const thief = zookeeper.createClient(address, {
    sessionTimeout: 4_000,
    spinDelay: 0,
    retries: 0,
    sessionId: client.getSessionId(),
    sessionPassword: withPassword.getSessionPassword(),
  } as never);
  thief.once('connected', () => thief.close());
  thief.connect();
  await gone;
  thief.close();
}

describe('an answer that is lost after the write was applied', () => {
  let proxy: FaultProxy;
  let store: MarkStore;
  let direct: MarkStore;

  beforeEach(async () => {
    proxy = await createFaultProxy({ host: '127.0.0.1', port: server.plan.port });
    store = await connectStore({ servers: [proxy], deadlineMs: 300 });
    direct = await connectStore();
    await direct.create(FIRST, CLUSTER);
  });
  afterEach(() => proxy.close());

  test.each([
    ['swallowed', { kind: 'drop-answers' }],
    ['cut off at its first byte', { kind: 'cut', direction: 'answers', afterBytes: 0 }],
    ['cut in the middle', { kind: 'cut', direction: 'answers', afterBytes: 11 }],
  ] as const)('%s: unknown outcome, the mark did move, and the next lease works', async (_, fault) => {
    const { version } = await readMark(store);
    proxy.set(fault);
    const startMs = performance.now();
    await expect(store.write(version, { next: 200_000, ledgered: FIRST_MARK })).rejects.toThrow(UnknownOutcomeError);
    expect(performance.now() - startMs).toBeLessThan(600);
    expect((await readMark(direct)).mark.next).toBe(200_000);
    proxy.set({ kind: 'pass' });
    const next = await eventually(() => readMark(store), 5_000);
    expect((await store.write(next.version, { next: 300_000, ledgered: FIRST_MARK })).outcome).toBe('written');
  });

  test('a request that was lost: unknown outcome, and the mark did not move', async () => {
    const { version } = await readMark(store);
    proxy.set({ kind: 'drop-requests' });
    await expect(store.write(version, { next: 200_000, ledgered: FIRST_MARK })).rejects.toThrow(UnknownOutcomeError);
    expect((await readMark(direct)).mark).toEqual(FIRST);
  });

  test('a frozen way is noticed by silence, before a call has to wait for it', async () => {
    const quiet = await connect({ servers: [proxy], sessionTimeoutMs: 1_000 });
    const dropped = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (quiet.state === 'connected') return;
        clearInterval(timer);
        resolve();
      }, 5);
    });
    const startMs = performance.now();
    proxy.set({ kind: 'freeze' });
    await dropped;
    expect(performance.now() - startMs).toBeLessThan(1_300);
    proxy.set({ kind: 'pass' });
    await quiet.whenConnected(3_000);
  });

  test('an idle session stays: the pings are answered', async () => {
    const idle = await connect({ sessionTimeoutMs: 600 });
    const { sessionId } = idle.connection();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(idle.connection().sessionId).toBe(sessionId);
  });
});

async function eventually<T>(attempt: () => Promise<T>, withinMs: number): Promise<T> {
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

describe('digest credentials', () => {
  const auth = { scheme: 'digest', credential: 'lakh:secret' } as const;

  test('the holder leases; without them, or with others, every call is refused by name', async () => {
    const mine = await connectStore({ auth });
    expect(await mine.create(FIRST, CLUSTER)).toBe('created');
    const { version } = await readMark(mine);
    expect((await mine.write(version, { next: 200_000, ledgered: FIRST_MARK })).outcome).toBe('written');
    for (const other of [undefined, { ...auth, credential: 'lakh:guess' }]) {
      const session = await connect({ auth: other });
      const store = createZookeeperMarkStore(session, { namespace: 'links' });
      await expect(store.read()).rejects.toThrow(WitnessForbiddenError);
      await expect(store.create(FIRST, CLUSTER)).rejects.toThrow(WitnessForbiddenError);
      await expect(
        raw(session, (client, done) =>
          client.setData(`${session.chroot}/ranges/links/next`, Buffer.from('1 1'), -1, done),
        ),
      ).rejects.toMatchObject({ code: 'witness_forbidden' });
    }
    expect((await readMark(mine)).mark.next).toBe(200_000);
  });

  test('a server that serves nobody without them serves their holder, on each new connection', async () => {
    const strictDir = join(dir, 'strict');
    await mkdir(strictDir);
    const { connectString, plans } = await zookeeperEnsemble({ dir: strictDir, nodes: 1 });
    const [java, ...args] = plans[0]!.command;
    const demands = ['-Dzookeeper.enforce.auth.enabled=true', '-Dzookeeper.enforce.auth.schemes=digest'];
    const strict = await launch({ ...plans[0]!, command: [java, ...demands, ...args] });
    try {
      const place = parseZookeeperAddress(`${connectString}/lakh`);
      await createZookeeperMarkStore(await connect({ ...place, auth }), { namespace: 'links' }).create(FIRST, CLUSTER);
      const again = createZookeeperMarkStore(await connect({ ...place, auth }), { namespace: 'links' });
      expect((await readMark(again)).mark).toEqual(FIRST);
      const stranger = createZookeeperMarkStore(await connect(place), { namespace: 'links' });
      await expect(stranger.read()).rejects.toThrow('ZooKeeper serves nobody without credentials');
      await expect(stranger.read()).rejects.toThrow(WitnessForbiddenError);
      await Promise.all(sessions.splice(0).map((each) => each.close()));
    } finally {
      await strict.stop();
    }
  });

  test('they hold on each new connection', async () => {
    const session = await connect({ auth });
    const store = createZookeeperMarkStore(session, { namespace: 'links' });
    await store.create(FIRST, CLUSTER);
    await endSession(session);
    expect((await readMark(store)).mark).toEqual(FIRST);
  });
});

describe('registration of a server', () => {
  async function registered(watcher: ZookeeperSession, id: string): Promise<object> {
    const { data } = await eventually(() => getData(watcher.connection(), `${watcher.chroot}/servers/${id}`), 5_000);
    return JSON.parse(data?.toString() ?? '') as object;
  }

  test('shows it, again after a new session, and no longer after a close', async () => {
    const watcher = await connect();
    const session = await connect();
    registerServer(session, 'shorten-1', { host: 'a', pid: 1 });
    expect(await registered(watcher, 'shorten-1')).toEqual({ host: 'a', pid: 1 });
    await endSession(session);
    expect(await registered(watcher, 'shorten-1')).toEqual({ host: 'a', pid: 1 });
    await session.close();
    await eventually(async () => {
      const read = getData(watcher.connection(), `${watcher.chroot}/servers/shorten-1`);
      await expect(read).rejects.toMatchObject({ kind: 'NO_NODE' });
    }, 2_000);
  });

  test('takes the place of the node of its own last session, which is not over yet', async () => {
    const watcher = await connect();
    registerServer(await connect(), 'shorten-1', { process: 'old' });
    expect(await registered(watcher, 'shorten-1')).toEqual({ process: 'old' });
    registerServer(await connect(), 'shorten-1', { process: 'new' });
    await eventually(async () => expect(await registered(watcher, 'shorten-1')).toEqual({ process: 'new' }), 2_000);
  });

  test('a failure is a line in the log and nothing else', async () => {
    const owner = await connect({ auth: { scheme: 'digest', credential: 'a:b' } });
    await createZookeeperMarkStore(owner, { namespace: 'links' }).create(FIRST, CLUSTER);
    const lines: string[] = [];
    const write = (_: object, message: string) => lines.push(message);
    registerServer(await connect({ log: { info: write, warn: write, error: write } }), 'shorten-1', {});
    await eventually(async () => expect(lines).toContain('could not register this server in ZooKeeper'), 2_000);
  });
});
