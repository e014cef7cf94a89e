import { hostname } from 'node:os';
import { systemClock, TwoWitnessLease } from '@lakh/id-range';
import { freePorts } from '@lakh/local';
import { base62, type Codec, parseSealedKeys, recordOfCodec, sealed } from '@lakh/short-code';
import { SampleLinks, until } from '@lakh/testkit';
import type { ZookeeperSession } from '@lakh/zookeeper';
import {
  connect,
  NAMESPACE,
  NEXT,
  type RealWitnesses,
  readNode,
  removeNode,
  setNode,
  startWitnesses,
} from './operations/real-witnesses';
import { ask } from './support/ask';
import { type ServerProcess, spawnShorten } from './support/shorten-process';

/** What the built shorten server does when it is started on witnesses that cannot be true: it says so, and issues nothing. */
jest.setTimeout(240_000);

const KEY = '0123456789abcdef'.repeat(4);
const OTHER_KEY = 'fedcba9876543210'.repeat(4);
const AUTH = 'owner:secret-of-the-owner';

let witnesses: RealWitnesses;
let address: string;
let session: ZookeeperSession;
let clusters = 0;
const running: ServerProcess[] = [];

beforeAll(async () => {
  witnesses = await startWitnesses({ nodes: 1 });
}, 60_000);
afterAll(() => witnesses?.stop());
afterEach(async () => {
  for (const { child, end } of running.splice(0)) {
    child.kill('SIGKILL');
    await end;
  }
});

function startShorten(env: Readonly<Record<string, string>>): ServerProcess {
  const server = spawnShorten({
    LAKH_ZOOKEEPER: address,
    LAKH_DATABASE: witnesses.databaseSetting,
    LAKH_MIGRATE: 'never',
    LAKH_RANGE_SIZE: '1000',
    LAKH_SERVER_ID: 'started-on-it',
    ...env,
  });
  running.push(server);
  return server;
}

/** Two ranges, [100000, 102000), of a server that is gone, a link from the first, and what every first start records. */
async function makeUsed(auth?: string, codec: Codec = base62()): Promise<void> {
  session = await connect(address, auth === undefined ? {} : { auth: { scheme: 'digest' as const, credential: auth } });
  clusters += 1;
  const backend = await witnesses.open(address, auth);
  const { facts, links } = backend;
  await facts.recordOnce('links_namespace', NAMESPACE);
  await facts.recordOnce('codec', recordOfCodec(codec));
  const lease = new TwoWitnessLease({
    ...backend.witnesses(),
    clock: systemClock,
    random: Math.random,
    holder: { serverId: 'gone', host: 'host', processStartMs: 1, codec: codec.name },
    newClusterId: () => `cluster-${clusters}`,
  });
  await lease.lease(1_000);
  await lease.lease(1_000);
  await links.insert(new SampleLinks().generated({ code: codec.encode(100_001), counter: 100_001 }));
}

const sql = (statements: string): Promise<string> => witnesses.database.sql(statements);

/** Everything that a server writes when it leases or creates. */
const written = (): Promise<string> =>
  sql('SELECT * FROM id_heads; SELECT * FROM id_leases ORDER BY start_counter; SELECT code FROM links ORDER BY code');

interface State {
  readonly what: string;
  readonly code: string;
  readonly damage: () => Promise<unknown>;
  /** Of the server that is started. */
  readonly env?: () => Record<string, string>;
  readonly auth?: string;
  readonly codec?: Codec;
}

/** The damages that leave a server running: it answers 503, tells readiness why, and goes on trying. */
const REFUSED: readonly State[] = [
  {
    what: 'the mark is missing beside rows in the ledger',
    code: 'mark_missing',
    damage: () => removeNode(session, NEXT),
  },
  {
    what: 'ZooKeeper was wiped',
    code: 'mark_missing',
    damage: async () => {
      await removeNode(session, NEXT);
      await removeNode(session, '/cluster');
    },
  },
  {
    what: 'the chroot is another one',
    code: 'mark_missing',
    damage: async () => {},
    env: () => ({ LAKH_ZOOKEEPER: `${address}-elsewhere` }),
  },
  {
    what: 'there are links, an empty ledger and no mark',
    code: 'ledger_not_empty',
    damage: async () => {
      await removeNode(session, NEXT);
      await removeNode(session, '/cluster');
      await sql('DELETE FROM id_heads; DELETE FROM id_leases');
    },
  },
  {
    what: 'there are links and a mark, and an empty ledger',
    code: 'ledger_missing',
    damage: () => sql('DELETE FROM id_heads; DELETE FROM id_leases'),
  },
  {
    what: 'the database was wiped, links and all',
    code: 'ledger_missing',
    damage: () => sql('DELETE FROM id_heads; DELETE FROM id_leases; DELETE FROM links; DELETE FROM settings'),
  },
  { what: 'the mark is empty', code: 'witness_corrupt', damage: () => setNode(session, NEXT, '') },
  { what: 'the mark is not a number', code: 'witness_corrupt', damage: () => setNode(session, NEXT, 'a lakh') },
  { what: 'the mark is negative', code: 'witness_corrupt', damage: () => setNode(session, NEXT, '-5 -5') },
  {
    what: 'the mark is beyond the space',
    code: 'witness_corrupt',
    damage: () => setNode(session, NEXT, '3521614606209 102000'),
  },
  {
    what: 'the mark has shrunk below the first one',
    code: 'witness_corrupt',
    damage: () => setNode(session, NEXT, '7 0'),
  },
  {
    what: 'the mark has shrunk, and is behind the ledger',
    code: 'zookeeper_forgot',
    damage: () => setNode(session, NEXT, '101000 100000'),
  },
  {
    what: 'the ledger is behind what the mark remembers',
    code: 'ledger_forgot',
    damage: async () => {
      await setNode(session, NEXT, '102000 102000');
      await sql('UPDATE id_heads SET head=101000; DELETE FROM id_leases WHERE start_counter=101000');
    },
  },
  {
    what: "ZooKeeper's data are another cluster's",
    code: 'cluster_mismatch',
    // Started there once by mistake: a whole system of its own, and then the database that was meant.
    damage: async () => {
      const tables = 'id_heads id_leases links settings'.split(' ');
      await sql(
        tables.map((name) => `CREATE TABLE kept_${name} AS SELECT * FROM ${name}; DELETE FROM ${name};`).join(''),
      );
      address += '-other';
      await session.close();
      await makeUsed();
      await sql(
        tables
          .map(
            (name) => `DELETE FROM ${name}; INSERT INTO ${name} SELECT * FROM kept_${name}; DROP TABLE kept_${name};`,
          )
          .join(''),
      );
    },
  },
  {
    what: "the database is another cluster's",
    code: 'cluster_mismatch',
    damage: async () => {
      const first = address;
      address = await witnesses.fresh();
      await session.close();
      await makeUsed();
      address = first;
    },
  },
  {
    what: 'the credentials for ZooKeeper are missing',
    code: 'witness_forbidden',
    auth: AUTH,
    damage: async () => {},
  },
  {
    what: 'the credentials for ZooKeeper are wrong',
    code: 'witness_forbidden',
    auth: AUTH,
    damage: async () => {},
    env: () => ({ LAKH_ZOOKEEPER_AUTH: 'owner:guessed' }),
  },
];

test.each(REFUSED)('$what: not ready, $code with its runbook, creates answer 503, nothing is issued', async (state) => {
  address = await witnesses.fresh();
  await makeUsed(state.auth);
  await state.damage();
  const before = await written();
  const server = startShorten(state.env?.() ?? {});
  let detail = '';
  await until(async () => {
    const admin = server.url('admin');
    if (admin === undefined) return false;
    const { status, body } = await ask('GET', `${admin}/healthz/ready`);
    detail = JSON.parse(body).checks?.ids?.detail ?? '';
    return status === 503 && detail.includes(state.code) && server.url('public') !== undefined;
  }, `${state.code} in readiness`).catch((error: Error) => {
    throw new Error(`${error.message}; ids: ${detail}\n${server.log()}`);
  });
  expect(detail).toContain(`See docs/runbooks/${state.code}.md`);
  const created = await ask('POST', `${server.url('public')}/api/v1/urls`, '{"long_url":"https://example.com/new"}');
  expect([created.status, JSON.parse(created.body).code]).toEqual([503, 'ids_exhausted']);
  // Credentials are no contradiction between the witnesses: a warning like any other lease that fails.
  const level = state.code === 'witness_forbidden' ? 'warn' : 'error';
  expect(server.log()).toMatch(
    new RegExp(`"level":"${level}".*"code":"${state.code}".*docs/runbooks/${state.code}\\.md`),
  );
  expect(server.log()).not.toMatch(/range leased|secret-of-the-owner|guessed/);
  expect(await written()).toBe(before);
  server.child.kill('SIGTERM');
  expect(await server.end).toBe(0);
  expect(await written()).toBe(before);
  await session.close();
});

const sealedWith = (key: string): Codec => sealed(parseSealedKeys(`A:${key}:100000`));
const fingerprint = (key: string): string => sealedWith(key).describe().keys[0]?.fingerprint as string;

/** What no repair of the witnesses would mend ends the start. */
const ENDED: readonly (State & { readonly names: readonly string[] })[] = [
  {
    what: 'another codec than the database was started with',
    code: 'codec_mismatch',
    damage: async () => {},
    env: () => ({ LAKH_CODEC: 'sqids' }),
    names: ['base62', 'sqids'],
  },
  {
    what: 'another key for the sealed codec',
    code: 'codec_mismatch',
    codec: sealedWith(KEY),
    damage: async () => {},
    env: () => ({ LAKH_CODEC: 'sealed', LAKH_SEALED_KEYS: `A:${OTHER_KEY}:100000` }),
    names: ['key A was changed', fingerprint(KEY), fingerprint(OTHER_KEY)],
  },
  {
    what: 'another namespace than the one that feeds its links',
    code: 'namespace_mismatch',
    damage: async () => {},
    env: () => ({ LAKH_NAMESPACE: 'orders' }),
    names: [NAMESPACE, 'orders'],
  },
];

test.each(ENDED)(
  '$what: the start ends with exit code 1 and $code, which names both, and nothing is issued',
  async (state) => {
    address = await witnesses.fresh();
    await makeUsed(undefined, state.codec);
    const before = await written();
    const server = startShorten(state.env?.() ?? {});
    expect(await server.end).toBe(1);
    const fatal = server
      .log()
      .split('\n')
      .find((line) => line.includes('"level":"fatal"'));
    for (const part of [`"code":"${state.code}"`, `See docs/runbooks/${state.code}.md`, ...state.names]) {
      expect(fatal).toContain(part);
    }
    expect(server.log()).not.toContain(KEY);
    expect(server.log()).not.toContain(OTHER_KEY);
    expect(server.log()).not.toContain('range leased');
    expect(await written()).toBe(before);
    await session.close();
  },
);

test('a first start that died between its two writes is finished by the next, whose lease row is true', async () => {
  address = await witnesses.fresh();
  session = await connect(address);
  await (await witnesses.open(address)).witnesses().ledger.create(100_000, 'chosen-before');
  const startedMs = Date.now();
  const server = startShorten({});
  await until(async () => {
    const admin = server.url('admin');
    return admin !== undefined && (await ask('GET', `${admin}/healthz/ready`)).status === 200;
  }, 'it is ready');
  await until(async () => (await sql('SELECT COUNT(*) FROM id_leases')) === '2\n', 'it has a range to spare');
  expect((await readNode(session, '/cluster')).text).toBe('chosen-before');
  const rows = (await sql('SELECT * FROM id_leases ORDER BY start_counter')).trim().split('\n');
  expect(rows.map((row) => row.split('\t')).map((row) => [...row.slice(0, 5), ...row.slice(7)])).toEqual([
    [NAMESPACE, '100000', '101000', 'started-on-it', hostname(), '1', 'base62', 'leased'],
    [NAMESPACE, '101000', '102000', 'started-on-it', hostname(), '2', 'base62', 'leased'],
  ]);
  expect(await readNode(session, NEXT)).toEqual({ text: expect.stringMatching(/^102000 /), version: 2 });
  for (const row of rows) {
    const [processStartMs, leasedAtMs] = row.split('\t').slice(5, 7).map(Number) as [number, number];
    // The start of the process is known to a clock tick of the system.
    expect(processStartMs).toBeGreaterThan(startedMs - 100);
    expect(leasedAtMs).toBeGreaterThan(processStartMs);
    expect(leasedAtMs).toBeLessThanOrEqual(Date.now());
  }
  server.child.kill('SIGTERM');
  expect(await server.end).toBe(0);
  await session.close();
});

test('a database that is not there: the server says so, and refuses connections until it can serve', async () => {
  address = await witnesses.fresh();
  const [port] = (await freePorts(1)) as [number];
  const server = startShorten({ LAKH_LISTEN: `127.0.0.1:${port}`, LAKH_DATABASE: 'mysql://lakh:x@127.0.0.1:1/lakh' });
  await until(() => server.log().includes('the database cannot be asked yet'), 'it tries');
  const { status, body } = await ask('GET', `${server.url('admin')}/healthz/ready`);
  expect([status, JSON.parse(body).status]).toEqual([503, 'unready']);
  await expect(ask('GET', `http://127.0.0.1:${port}/`)).rejects.toThrow('ECONNREFUSED');
  server.child.kill('SIGTERM');
  expect(await server.end).toBe(0);

  const other = startShorten({ LAKH_LISTEN: `127.0.0.1:${port}` });
  await until(() => other.url('public') !== undefined, 'it listens');
  const created = await ask('POST', `${other.url('public')}/api/v1/urls`, '{"long_url":"https://example.com/"}');
  expect(created.status).toBe(201);
  other.child.kill('SIGTERM');
  expect(await other.end).toBe(0);
});

test('a chroot of / is the root of the ensemble', async () => {
  address = (await witnesses.fresh()).replace(/\/.*/, '/');
  session = await connect(address);
  const server = startShorten({});
  await until(async () => {
    const admin = server.url('admin');
    return admin !== undefined && (await ask('GET', `${admin}/healthz/ready`)).status === 200;
  }, 'it is ready');
  expect(session.chroot).toBe('');
  expect((await readNode(session, NEXT)).text).toMatch(/^10[12]000 /);
  expect(server.log()).not.toContain(witnesses.databaseSetting);
  server.child.kill('SIGTERM');
  expect(await server.end).toBe(0);
  await session.close();
});
