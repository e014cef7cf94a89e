import { setTimeout as sleep } from 'node:timers/promises';
import { parseSealedKeys, sealed } from '@lakh/short-code';
import { until } from '@lakh/testkit';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Audit } from '../../packages/operations/src/audit';
import { lakh } from './operations/harness';
import { ask } from './support/ask';
import { CreatedLinks, problemOf } from './support/created-links';
import { DegradedStack, drained, type ExtraServer, readinessOf } from './support/degraded-stack';

/** A sealed key is added to a running system, server after server, while links are created: docs/runbooks/rotate_sealed_key.md. */
jest.setTimeout(240_000);

const RANGE_SIZE = 40;
const MOST_HELD = 4 * RANGE_SIZE;
const CREATE_EVERY_MS = 15;
/**
 * Of the new key's start above the mark: far more than is leased while the first server starts with it. Whether the roll is over
 * when the start is reached makes no difference here.
 */
const ROOM = 1000;

const hex = (digit: string): string => `${digit.repeat(31)}7`;
const KEY_A = `A:${hex('a')}:100000`;

let system: DegradedStack;
let root: Connection;
let startOfB: number;
const created = new CreatedLinks();
/** The servers that are asked for links; those that restart are not answered. */
const servers: ExtraServer[] = [];
let isOver = false;
let load: Promise<unknown>;

beforeAll(async () => {
  system = await DegradedStack.up(
    { shorten: 1, redirect: 1 },
    {
      LAKH_CODEC: 'sealed',
      LAKH_SEALED_KEYS: KEY_A,
      LAKH_RANGE_SIZE: String(RANGE_SIZE),
      LAKH_RANGES_MAX_HELD: '2',
      LAKH_RUNWAY_S: '1',
      // No create may fail because the machine is busy with other things.
      LAKH_STORE_DEADLINE_MS: '10000',
    },
  );
  root = await system.databaseRoot();
  // Those below take its place, for their settings change.
  await system.stack.kill('shorten-1', 'SIGTERM');
  for (const name of ['first', 'second', 'left behind']) servers.push(await start(name, KEY_A));
  const create = async (slot: number): Promise<void> => {
    while (!isOver) {
      await created.create((servers[slot] as ExtraServer).url).catch(() => {});
      await sleep(CREATE_EVERY_MS);
    }
  };
  load = Promise.all(servers.map((_, slot) => create(slot)));
}, 60_000);

afterAll(async () => {
  isOver = true;
  await load;
  await root?.end();
  await system?.down();
});

afterEach(() => {
  expect(created.repeated).toEqual([]);
});

function start(name: string, keys: string): Promise<ExtraServer> {
  return system.startShorten({ LAKH_SERVER_ID: name.replace(' ', '-'), LAKH_SEALED_KEYS: keys });
}

async function rows<T>(sql: string): Promise<(RowDataPacket & T)[]> {
  return (await root.query<(RowDataPacket & T)[]>(sql))[0];
}
const head = async (): Promise<number> =>
  Number((await rows<{ head: number }>('SELECT head FROM lakh.id_heads'))[0]?.head);
const bothKeys = (): string => `${KEY_A} B:${hex('b')}:${startOfB}`;
/** Of any key that this test knows. */
const KEY_MATERIAL = /([abcd])\1{15}/;

/** Starts a server that has to refuse, and returns what it wrote. */
async function refusal(keys: string): Promise<string> {
  const before = await rows<{ n: number }>(`SELECT COUNT(*) AS n FROM lakh.id_leases WHERE server_id='refused'`);
  const server = await system.spawnShorten({ LAKH_SERVER_ID: 'refused', LAKH_SEALED_KEYS: keys });
  await until(() => server.child.exitCode !== null, 'it refuses to start', 15_000);
  expect(await server.end).toBe(1);
  expect(server.log()).not.toMatch(KEY_MATERIAL);
  expect(await rows(`SELECT COUNT(*) AS n FROM lakh.id_leases WHERE server_id='refused'`)).toEqual(before);
  return server.log();
}

test('a new key that starts below what is leased is refused, with the counter from which it may start', async () => {
  await until(() => created.all.length > MOST_HELD, 'links are created');
  const leased = await head();
  const log = await refusal(`${KEY_A} B:${hex('b')}:${leased - RANGE_SIZE}`);
  expect(log).toMatch(/the new key B must start at 10\d{4} or later/);
  expect(Number(/must start at (\d+)/.exec(log)?.[1])).toBeGreaterThanOrEqual(leased);
});

test('servers are restarted with a further key one after another; codes are under it from its start on', async () => {
  startOfB = (await head()) + ROOM;
  for (const slot of [0, 1]) {
    await drained(servers[slot] as ExtraServer);
    servers[slot] = await start(slot === 0 ? 'first' : 'second', bothKeys());
  }
  await until(async () => (await head()) > startOfB + 10 * RANGE_SIZE, 'counters pass the start of the new key');
});

test('a server left behind with the old key alone ends there, says why, and goes on with the key', async () => {
  const left = servers[2] as ExtraServer;
  await until(
    async () => (await readinessOf(left.adminUrl)).checks.ids?.status === 'down',
    'it has issued the last of its counters',
  );
  const { checks } = await readinessOf(left.adminUrl);
  expect(checks.ids?.detail).toContain(`counters end at ${startOfB}: from there on codes are of key B (fingerprint `);
  const answer = await created.create(left.url);
  expect([answer.status, problemOf(answer).code]).toEqual([503, 'counter_space_ended']);
  expect(answer.headers['retry-after']).toBe('1');
  expect(left.log().match(/another server has a key that this one lacks/g)).toHaveLength(1);
  expect(left.log()).not.toMatch(KEY_MATERIAL);
  await drained(left);
  servers[2] = await start('left behind', bothKeys());
  for (let i = 0; i < MOST_HELD; i += 1) {
    expect((await created.mustCreate(servers[2].url)).code).toMatch(/^B/);
  }
});

test.each([
  ['without the new key', () => KEY_A, /key B is missing/],
  ['with another key of its id', () => `${KEY_A} B:${hex('c')}:${startOfB}`, /key B was changed/],
  ['with another start of it', () => `${KEY_A} B:${hex('b')}:${startOfB + 1}`, /key B was changed/],
  [
    'with a third that starts too early',
    () => `${bothKeys()} C:${hex('d')}:${startOfB + 1}`,
    /new key C must start at/,
  ],
])('a server %s refuses to start, and leases nothing', async (_, keys, message) => {
  const log = await refusal(keys());
  expect(log).toMatch(message);
  const fingerprints = sealed(parseSealedKeys(bothKeys()))
    .describe()
    .keys.map(({ fingerprint }) => fingerprint);
  for (const fingerprint of fingerprints) expect(log).toContain(fingerprint);
});

test('every link redirects; each code is what the key of its counter makes; an audit names key, counter, range and server', async () => {
  isOver = true;
  await load;
  const redirect = system.url('redirect-1');
  const links = [...created.all];
  for (let i = 0; i < links.length; i += 16) {
    await Promise.all(
      links.slice(i, i + 16).map(async ({ code, longUrl }) => {
        expect((await ask('GET', `${redirect}/${code}`)).headers.location).toBe(longUrl);
      }),
    );
  }

  const codec = sealed(parseSealedKeys(bothKeys()));
  const stored = await rows<{ code: string; counter: number }>('SELECT code, counter FROM lakh.links');
  expect(stored.filter(({ code, counter }) => codec.encode(Number(counter)) !== String(code))).toEqual([]);
  expect(stored.filter(({ code, counter }) => codec.decode(String(code)) !== Number(counter))).toEqual([]);
  const counters = stored.map(({ counter }) => Number(counter));
  expect(counters.filter((counter) => counter < startOfB).length).toBeGreaterThan(ROOM / 2);
  expect(counters.filter((counter) => counter >= startOfB).length).toBeGreaterThan(10 * RANGE_SIZE);

  const { zookeeper, zookeeperAuth, databaseFile } = system.stack.addresses();
  const env = {
    LAKH_ZOOKEEPER: zookeeper,
    LAKH_ZOOKEEPER_AUTH: zookeeperAuth,
    LAKH_DATABASE_FILE: databaseFile,
    LAKH_SEALED_KEYS: bothKeys(),
  };
  const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const startedMs = performance.now();
    return [await work(), performance.now() - startedMs];
  };
  // What the program takes to start and say nothing of any link, on this machine, now.
  const [, helpMs] = await timed(() => lakh(env, '--help'));
  const auditsMs: number[] = [];
  for (const key of codec.describe().keys) {
    const link = links.find(({ code }) => code.startsWith(key.id));
    const counter = codec.decode(link?.code ?? '') as number;
    const [ran, auditMs] = await timed(() => lakh(env, 'audit', link?.code ?? '', '--json'));
    auditsMs.push(auditMs);
    expect(ran.exitCode).toBe(0);
    const audit = ran.json<Audit>();
    expect(audit).toMatchObject({
      codec: 'sealed',
      key,
      counter,
      link: { longUrl: link?.longUrl },
      contradictions: [],
    });
    expect(audit.range?.start).toBeLessThanOrEqual(counter);
    expect(audit.range?.end).toBeGreaterThan(counter);
    expect(audit.range?.server).toMatch(/^(first|second|left-behind)$/);
  }
  // The least of them: other suites have the processors meanwhile, and not all the time.
  expect(Math.min(...auditsMs)).toBeLessThan(Math.max(1000, 8 * helpMs));
});
