import { SECRET_FACT } from '@lakh/facts';
import { StoreUnavailableError } from '@lakh/links';
import { MemoryFactStore } from '@lakh/testkit';
import { loadKeys } from '../src/cluster/prepare-database.js';
import { SharedKeys } from '../src/index.js';

const COOKIE = 'read-your-writes cookie';
const CACHE = 'values in the shared cache';

test('servers of one database come to the same keys, one for each purpose; those of another to others', async () => {
  const facts = new MemoryFactStore();
  const servers = [new SharedKeys(facts), new SharedKeys(facts), new SharedKeys(new MemoryFactStore())];
  await Promise.all(servers.map((server) => server.load()));
  const [one, two, other] = servers.map((server) => [server.get(COOKIE), server.get(CACHE)]);
  expect(two).toEqual(one);
  expect(one?.map((key) => key.length)).toEqual([32, 32]);
  expect(new Set([...(one ?? []), ...(other ?? [])].map((key) => Buffer.from(key).toString('hex'))).size).toBe(4);
});

test('keys outlast a restart, and there are none before they are loaded', async () => {
  const facts = new MemoryFactStore();
  const before = new SharedKeys(facts);
  expect([before.known, before.find(COOKIE)]).toEqual([false, undefined]);
  expect(() => before.get(COOKIE)).toThrow('not loaded');
  await before.load();
  const after = new SharedKeys(facts);
  await after.load();
  expect(after.get(COOKIE)).toEqual(before.get(COOKIE));
  expect(after.known).toBe(true);
});

test('a key tells nothing of the secret on record', async () => {
  const facts = new MemoryFactStore();
  const keys = new SharedKeys(facts);
  await keys.load();
  const secret = (await facts.read(SECRET_FACT)) as string;
  expect(Buffer.from(keys.get(COOKIE)).toString('base64url')).not.toBe(secret);
  expect(JSON.stringify(keys)).not.toContain(secret);
});

test('a database that is away is asked again until it answers, and no log has the secret', async () => {
  const facts = new MemoryFactStore();
  const recordOnce = facts.recordOnce.bind(facts);
  const proposed: string[] = [];
  jest.spyOn(facts, 'recordOnce').mockImplementation(async (name, value) => {
    proposed.push(value);
    if (proposed.length < 3) throw new StoreUnavailableError('away');
    return recordOnce(name, value);
  });
  const keys = new SharedKeys(facts);
  const lines: unknown[] = [];
  const log = { info: (...line: unknown[]) => lines.push(line), warn: (...line: unknown[]) => lines.push(line) };
  await loadKeys({ keys, log: log as never, signal: new AbortController().signal });
  expect(keys.known).toBe(true);
  expect(lines).toHaveLength(2);
  for (const secret of proposed) expect(JSON.stringify(lines)).not.toContain(secret);
});

test('a server that is told to stop asks no more', async () => {
  const facts = { recordOnce: () => Promise.reject(new StoreUnavailableError('away')) };
  const stopped = new AbortController();
  const loading = loadKeys({ keys: new SharedKeys(facts), log: undefined, signal: stopped.signal });
  stopped.abort();
  await loading;
});
