import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIRST_MARK, type Remainder, type RemainderStore, UnknownOutcomeError } from '@lakh/id-range';
import { type LocalServer, launch, zookeeperEnsemble } from '@lakh/local';
import { createFaultProxy, describeRemainderStore } from '@lakh/testkit';
import {
  createZookeeperMarkStore,
  createZookeeperRemainderStore,
  createZookeeperSession,
  parseZookeeperAddress,
  type ZookeeperSession,
  type ZookeeperSessionOptions,
} from '../src/index';
import { createNode, nodeAcl, setDataAt } from '../src/nodes';

/** One standalone server; a chroot of its own for each test. */
jest.setTimeout(20_000);
const FIRST = { next: FIRST_MARK, ledgered: FIRST_MARK };

let dir: string;
let server: LocalServer;
let address: string;
let chroots = 0;
const sessions: ZookeeperSession[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-remainders-'));
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
  const parsed = parseZookeeperAddress(`${address}/test-${chroots}`);
  const session = createZookeeperSession({ ...parsed, sessionTimeoutMs: 4_000, deadlineMs: 1_500, ...options });
  sessions.push(session);
  await session.whenConnected(5_000);
  return session;
}

describeRemainderStore('ZooKeeper', async () => {
  const session = await connect();
  const folder = `${session.chroot}/ranges/links/released`;
  await createZookeeperMarkStore(session, { namespace: 'links' }).create(FIRST, 'cluster-1');
  return {
    store: createZookeeperRemainderStore(session, { namespace: 'links' }),
    another: async () => createZookeeperRemainderStore(await connect(), { namespace: 'links' }),
    addName: async (name) => {
      await createNode(session.connection(), `${folder}/${name}`, Buffer.alloc(0), nodeAcl(false));
    },
    dispose: async () => {},
  };
});

describe('remainders in ZooKeeper', () => {
  const range = { start: 150_000, end: 200_000 };
  const listOne = async (store: RemainderStore): Promise<Remainder> => (await store.list(1)).remainders[0]!;

  test('one that was listed on another connection is not claimed, not even at the version that it has', async () => {
    const [first, second] = [await connect(), await connect()];
    await createZookeeperRemainderStore(first, { namespace: 'links' }).publish(range);
    const listed = await listOne(createZookeeperRemainderStore(first, { namespace: 'links' }));
    const store = createZookeeperRemainderStore(second, { namespace: 'links' });
    expect(await store.claim(listed)).toBe('gone');
    expect(await store.claim(await listOne(store))).toBe('claimed');
  });

  test('a node that somebody wrote to is not what was published: it is not claimed', async () => {
    const session = await connect();
    const store = createZookeeperRemainderStore(session, { namespace: 'links' });
    await store.publish(range);
    const listed = await listOne(store);
    const path = `${session.chroot}/ranges/links/released/150000-200000`;
    await setDataAt(session.connection(), path, Buffer.from('x'), 0);
    expect(await store.claim(listed)).toBe('gone');
    expect((await store.list(1)).remainders).toHaveLength(1);
  });

  test('the folder is made where it is missing, and read as empty', async () => {
    const store = createZookeeperRemainderStore(await connect(), { namespace: 'rebuilt' });
    expect(await store.list(10)).toEqual({ remainders: [], malformed: 0 });
    expect(await store.publish(range)).toBe('published');
    expect((await store.list(10)).remainders.map((remainder) => remainder.range)).toEqual([range]);
  });

  test.each([
    ['swallowed', { kind: 'drop-answers' }],
    ['cut off at its first byte', { kind: 'cut', direction: 'answers', afterBytes: 0 }],
  ] as const)(
    'an answer that is %s: publish and claim are of unknown outcome, and each was done once',
    async (_, fault) => {
      const proxy = await createFaultProxy({ host: '127.0.0.1', port: server.plan.port });
      try {
        const direct = createZookeeperRemainderStore(await connect(), { namespace: 'links' });
        await direct.publish({ start: 300_000, end: 400_000 });
        const session = await connect({ servers: [proxy], deadlineMs: 300 });
        const store = createZookeeperRemainderStore(session, { namespace: 'links', connectWaitMs: 5_000 });
        const listed = await listOne(store);
        proxy.set(fault);
        await expect(store.claim(listed)).rejects.toBeInstanceOf(UnknownOutcomeError);
        proxy.set({ kind: 'pass' });
        expect((await store.list(10)).remainders).toEqual([]);
        proxy.set(fault);
        await expect(store.publish(range)).rejects.toBeInstanceOf(UnknownOutcomeError);
        expect((await direct.list(10)).remainders.map((remainder) => remainder.range)).toEqual([range]);
      } finally {
        await proxy.close();
      }
    },
  );
});
