import { UnknownOutcomeError, WitnessUnavailableError } from '@lakh/id-range';
import zookeeper from 'node-zookeeper-client';
import {
  createZookeeperSession,
  WitnessForbiddenError,
  type ZookeeperEvent,
  type ZookeeperSession,
} from '../src/index';
import { createNode, getData } from '../src/nodes';
import { type FakeBehaviour, type FakeZookeeper, frame, header, startFakeZookeeper } from './fake-zookeeper';

/** Answers that a real ensemble gives too seldom to wait for. What the library itself does with each is in connection.ts. */
const AUTH = 100;
const SESSION_MOVED = -118;
const AUTH_FAILED = -115;
const DEADLINE_MS = 150;

const fakes: FakeZookeeper[] = [];
const sessions: ZookeeperSession[] = [];
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  await Promise.all(fakes.splice(0).map((fake) => fake.close()));
});

async function start(behaviour: FakeBehaviour, auth?: { scheme: 'digest'; credential: string }) {
  const fake = await startFakeZookeeper(behaviour);
  fakes.push(fake);
  const events: ZookeeperEvent[] = [];
  const session = createZookeeperSession({
    servers: [{ host: '127.0.0.1', port: fake.port }],
    chroot: '',
    sessionTimeoutMs: 5_000,
    deadlineMs: DEADLINE_MS,
    auth,
    observe: (event) => events.push(event),
  });
  sessions.push(session);
  return { fake, session, events };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i += 1) {
    if (i === 1_000) throw new Error('the condition never came true');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function connectionNumber(session: ZookeeperSession, fake: FakeZookeeper, count: number): Promise<void> {
  await until(() => fake.accepted >= count);
  await session.whenConnected(2_000);
}

const create = (session: ZookeeperSession) =>
  createNode(session.connection(), '/x', Buffer.from('1'), zookeeper.ACL.OPEN_ACL_UNSAFE);
const read = (session: ZookeeperSession) => getData(session.connection(), '/x');

test('the pinned library has the internals that a connection of ours takes over', () => {
  const { connectionManager } = zookeeper.createClient('127.0.0.1:1', {
    sessionTimeout: 1_000,
    spinDelay: 0,
    retries: 0,
  });
  expect(connectionManager).toMatchObject({
    connect: expect.any(Function),
    findNextServer: expect.any(Function),
    onSocketData: expect.any(Function),
    connectTimeoutHandler: null,
  });
});

test.each(['', 'secret', ':secret', 'user:'])(
  'credentials %j are no user:password, and are not repeated',
  (credential) => {
    const make = () =>
      createZookeeperSession({
        servers: [{ host: '127.0.0.1', port: 1 }],
        chroot: '',
        auth: { scheme: 'digest', credential },
      });
    expect(make).toThrow(/^digest credentials are user:password$/);
  },
);

test('an error code that the library does not know ends the connection, not the process', async () => {
  const { fake, session } = await start({ grantMs: 5_000, onRequest: (reply) => reply.error(SESSION_MOVED) });
  await session.whenConnected(2_000);
  await expect(create(session)).rejects.toThrow(UnknownOutcomeError);
  await connectionNumber(session, fake, 2);
  await expect(read(session)).rejects.toThrow(WitnessUnavailableError);
});

test('an event that the library does not know ends the connection, and doubts the writes that waited', async () => {
  const event = Buffer.concat([header(-1, 0), Buffer.from([0, 0, 0, 99, 0, 0, 0, 3, 0, 0, 0, 2, 0x2f, 0x78])]);
  const { fake, session } = await start({ grantMs: 5_000, onRequest: ({ socket }) => socket.write(frame(event)) });
  await session.whenConnected(2_000);
  const [write, reading] = await Promise.allSettled([create(session), read(session)]);
  expect(write).toMatchObject({ status: 'rejected', reason: expect.any(UnknownOutcomeError) });
  expect(reading).toMatchObject({ status: 'rejected', reason: expect.any(WitnessUnavailableError) });
  await connectionNumber(session, fake, 2);
});

test('half an answer before a cut is not taken for the beginning of the next connection', async () => {
  const { fake, session } = await start({
    grantMs: 5_000,
    onRequest: (reply) => {
      if (reply.connection > 1) return reply.error(-101);
      reply.socket.end(frame(header(reply.xid, 0)).subarray(0, 11));
    },
  });
  await session.whenConnected(2_000);
  await expect(create(session)).rejects.toThrow(UnknownOutcomeError);
  await connectionNumber(session, fake, 2);
  await expect(read(session)).rejects.toMatchObject({ kind: 'NO_NODE' });
  expect(fake.accepted).toBe(2);
});

test('a call without an answer settles at its deadline, ends the connection and settles the others with it', async () => {
  const { fake, session, events } = await start({ grantMs: 5_000 });
  await session.whenConnected(2_000);
  const startMs = performance.now();
  const results = await Promise.allSettled([create(session), read(session), create(session)]);
  const tookMs = performance.now() - startMs;
  expect(results.map((result) => result.status === 'rejected' && result.reason.code)).toEqual([
    'unknown_outcome',
    'witness_unavailable',
    'unknown_outcome',
  ]);
  expect(tookMs).toBeGreaterThanOrEqual(DEADLINE_MS - 5);
  expect(tookMs).toBeLessThan(DEADLINE_MS + 150);
  expect(events.filter((event) => event.type === 'deadline-missed')).toEqual([
    { type: 'deadline-missed', server: `127.0.0.1:${fake.port}`, operation: 'create /x' },
  ]);
  await connectionNumber(session, fake, 2);
});

test('too many calls in flight are refused, and nothing of them is sent', async () => {
  const { session } = await start({ grantMs: 5_000 });
  await session.whenConnected(2_000);
  const results = await Promise.allSettled(Array.from({ length: 1_010 }, () => create(session)));
  const refused = results.slice(1_000);
  for (const result of refused) {
    expect(result).toMatchObject({ status: 'rejected', reason: expect.any(WitnessUnavailableError) });
  }
});

test('an expired session is followed by a new client', async () => {
  const { fake, session, events } = await start({ grantMs: 0 });
  await until(() => fake.accepted >= 3);
  expect(events).toContainEqual(expect.objectContaining({ type: 'disconnected', reason: 'the session has expired' }));
  expect(() => session.connection()).toThrow(/not connected to ZooKeeper \(the session has expired\)/);
});

test('refused credentials have an error of their own, and are tried again', async () => {
  const { fake, session } = await start(
    {
      grantMs: 5_000,
      onRequest: (reply) => {
        if (reply.type === AUTH) reply.error(AUTH_FAILED);
      },
    },
    { scheme: 'digest', credential: 'lakh:secret' },
  );
  const refusal = (): unknown => {
    try {
      return session.connection();
    } catch (error) {
      return error;
    }
  };
  await until(() => refusal() instanceof WitnessForbiddenError);
  expect(refusal()).toMatchObject({
    code: 'witness_forbidden',
    message: 'ZooKeeper refused the credentials. See docs/runbooks/witness_forbidden.md',
  });
  await until(() => fake.accepted >= 2);
});

test('a server that accepts and says nothing is given up after the deadline, again and again', async () => {
  const { fake, session } = await start({});
  await expect(session.whenConnected(3 * DEADLINE_MS)).rejects.toThrow(WitnessUnavailableError);
  expect(fake.accepted).toBeGreaterThanOrEqual(2);
  expect(() => session.connection()).toThrow(/no session within (38|75|150) ms/);
});

test('a close while disconnected stops for good', async () => {
  const { fake, session } = await start({ grantMs: 0 });
  await until(() => fake.accepted >= 2);
  await session.close();
  const accepted = fake.accepted;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(fake.accepted).toBe(accepted);
  expect(session.state).toBe('closed');
  expect(() => session.connection()).toThrow('the ZooKeeper session was closed');
  await expect(session.whenConnected(1_000)).rejects.toThrow(WitnessUnavailableError);
});

test('a close settles the calls that wait', async () => {
  const { session } = await start({ grantMs: 5_000 });
  await session.whenConnected(2_000);
  const write = expect(create(session)).rejects.toThrow(UnknownOutcomeError);
  await session.close();
  await write;
});

test('a server that drops every session is not asked in a hot loop', async () => {
  const { fake } = await start({ grantMs: 0 });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(fake.accepted).toBeLessThan(60);
});
