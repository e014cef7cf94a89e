import type { IncomingMessage } from 'node:http';
import { createRateLimits, type RateLimits } from '@lakh/http';
import { createRedisCounters, Masters, parseRedisUrl } from '@lakh/redis';
import { until } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createClient } from 'redis';
import { type RunningRedis, startRedis } from '../../redis/test/harness.js';

jest.setTimeout(60_000);

const LIMIT = 100;

interface Server {
  readonly limits: RateLimits;
  readonly masters: Masters;
  readonly counted: string[];
}

let redis: RunningRedis;
let servers: Server[];

beforeAll(async () => {
  redis = await startRedis();
  servers = await Promise.all(
    [1, 2, 3].map(async () => {
      const masters = new Masters({ target: parseRedisUrl(redis.url) });
      const counted: string[] = [];
      const limits = createRateLimits({
        changesPerMin: LIMIT,
        missesPerMin: LIMIT,
        wrongTokensPerMin: LIMIT,
        clientOf: ({ url }: IncomingMessage) => url as string,
        registry: new Registry(),
      });
      limits.shareOver(createRedisCounters(masters, { counted: (outcome) => counted.push(outcome) }));
      await until(() => masters.isWhole, 'redis is asked');
      return { limits, masters, counted };
    }),
  );
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.masters.close()));
  await redis.dispose();
});

/** Whether a change of this client is let through by a server. */
function admits({ limits }: Server, client: string): boolean {
  try {
    limits.admit('changes', { url: client } as IncomingMessage, {} as never);
    return true;
  } catch {
    return false;
  }
}

/** All that all servers together let through, asked in turns, with time for what they tell each other. */
async function admitted(client: string, turns: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < turns; i += 1) {
    for (const server of servers) {
      const before = server.counted.length;
      if (!admits(server, client)) continue;
      count += 1;
      // Every second one is told: a fiftieth of the limit.
      if (i % 2 === 1) await until(() => server.counted.length > before, 'it is told');
    }
  }
  return count;
}

test('servers with one Redis let one client through as often as one server does, or a little more', async () => {
  const count = await admitted('client-a', 60);
  expect(count).toBeGreaterThanOrEqual(LIMIT);
  expect(count).toBeLessThanOrEqual(LIMIT + servers.length * 2);
  expect(servers.every((server) => !admits(server, 'client-a'))).toBe(true);
  expect(admits(servers[0] as Server, 'client-b')).toBe(true);
});

test('what they keep there ends with the minute', async () => {
  await admitted('client-c', 4);
  const admin = createClient({ url: redis.url });
  await admin.connect();
  const keys = await admin.keys('lakh:rate:*');
  expect(keys).toContain('lakh:rate:changes:client-c');
  for (const key of keys) {
    const endsInMs = await admin.pTTL(key);
    expect(endsInMs).toBeGreaterThan(0);
    expect(endsInMs).toBeLessThanOrEqual(60_000);
  }
  admin.destroy();
});

test('a Redis that is frozen or gone holds nobody up: each server goes on by its own count', async () => {
  await redis.server.signal('SIGSTOP');
  const startedMs = performance.now();
  const [first, second] = servers as [Server, Server];
  const counts = [first, second].map((server) => {
    let count = 0;
    while (admits(server, 'client-d')) count += 1;
    return count;
  });
  expect(counts).toEqual([LIMIT, LIMIT]);
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  await until(() => !first.masters.isWhole, 'it is given up');
  expect(admits(first, 'client-e')).toBe(true);
  expect(admits(first, 'client-e')).toBe(true);
  expect(first.counted.at(-1)).toBe('bypassed');
  await redis.server.signal('SIGCONT');
});
