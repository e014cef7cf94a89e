import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Link } from '@lakh/links';
import { freePorts, type LocalServer, launch, redisPlan, type ServerPlan } from '@lakh/local';
import { createClient } from 'redis';
import { openCache, until } from './harness.js';

jest.setTimeout(40_000);

let dir: string;
let servers: LocalServer[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-redis-'));
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(dir, { recursive: true });
});

async function start(plans: readonly ServerPlan[]): Promise<void> {
  servers.push(...(await Promise.all(plans.map((plan) => launch(plan)))));
}

async function command(port: number, ...args: string[]): Promise<unknown> {
  const client = createClient({ socket: { host: '127.0.0.1', port } });
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
}

const link = (code: string, version = 1): Link => ({
  state: 'live',
  domainId: 0,
  code,
  kind: 'generated',
  counter: 100_000,
  longUrl: `https://example.com/${code}`,
  createdAtMs: 1_790_000_000_000,
  expiresAtMs: null,
  redirectStatus: null,
  version,
});

const codes = Array.from({ length: 60 }, (_, index) => `code${index}`);

test('a cluster of three masters holds links on each of them; one frozen is bounded, and comes back by itself', async () => {
  const ports = await freePorts(6);
  const nodes = ports.slice(0, 3).map((port, index) => ({ port, busPort: ports[index + 3]!, name: `node-${index}` }));
  await start(
    nodes.map(({ port, busPort, name }) => {
      const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000'];
      return redisPlan({ name, dir: join(dir, name), port, args });
    }),
  );
  const slots = [0, 5_461, 10_923, 16_384];
  for (const [index, { port }] of nodes.entries()) {
    await command(port, 'CLUSTER', 'ADDSLOTSRANGE', String(slots[index]), String(slots[index + 1]! - 1));
    await command(port, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }
  for (const { port, busPort } of nodes.slice(1)) {
    await command(nodes[0]!.port, 'CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort));
  }
  for (const { port } of nodes) {
    await until(
      async () => String(await command(port, 'CLUSTER', 'INFO')).includes('cluster_state:ok'),
      'the cluster is up',
    );
  }

  const url = `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  const cache = openCache({ url, ttlS: 60, quarantineMs: 100 });
  expect(await cache.whenAvailable(10_000)).toBe(true);
  // The connections to the other masters are made by the first calls to them, which may take longer than these have.
  const putAll = () => Promise.all(codes.map((code) => cache.put(link(code))));
  await until(async () => (await putAll()).every(Boolean), 'every master takes its links', 10_000);
  expect(await Promise.all(codes.map((code) => cache.get(0, code)))).toEqual(codes.map((code) => link(code)));
  await cache.put(link('code0', 3));
  await cache.put(link('code0', 2));
  expect(await cache.get(0, 'code0')).toMatchObject({ version: 3 });
  for (const { port } of nodes) expect(Number(await command(port, 'DBSIZE'))).toBeGreaterThan(5);

  await servers[1]!.signal('SIGSTOP');
  const started = performance.now();
  await Promise.all(codes.map((code) => cache.get(0, code)));
  expect(performance.now() - started).toBeLessThan(500);
  await until(() => !cache.available, 'the breaker opens', 3_000);
  await servers[1]!.signal('SIGCONT');
  expect(await cache.whenAvailable(10_000)).toBe(true);
  await cache.close();
});

test('Sentinel: the cache follows its master through a failover', async () => {
  const [port, replicaPort, sentinelPort] = (await freePorts(3)) as [number, number, number];
  const atOnce = ['--repl-diskless-sync-delay', '0'];
  await start([redisPlan({ name: 'master', dir: join(dir, 'master'), port, args: atOnce })]);
  const args = ['--replicaof', `127.0.0.1 ${port}`];
  await start([redisPlan({ name: 'replica', dir: join(dir, 'replica'), port: replicaPort, args })]);
  await until(
    async () => String(await command(replicaPort, 'INFO', 'replication')).includes('master_link_status:up'),
    'the replica follows',
  );
  const sentinelDir = join(dir, 'sentinel');
  mkdirSync(sentinelDir);
  const file = join(sentinelDir, 'sentinel.conf');
  const settings = [
    `port ${sentinelPort}`,
    'bind 127.0.0.1',
    `dir ${sentinelDir}`,
    `sentinel monitor main 127.0.0.1 ${port} 1`,
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 5000',
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  const plan = redisPlan({ name: 'sentinel', dir: sentinelDir, port: sentinelPort });
  // It keeps what it learns in its configuration, which belongs to whoever wrote it.
  await start([{ ...plan, owner: undefined, command: ['redis-server', file, '--sentinel'] }]);
  await until(
    async () => String(await command(sentinelPort, 'INFO', 'sentinel')).includes('slaves=1'),
    'the sentinel knows the replica',
  );

  const url = `redis+sentinel://127.0.0.1:${sentinelPort}/main`;
  const cache = openCache({ url, ttlS: 60, quarantineMs: 100 });
  expect(await cache.whenAvailable(10_000)).toBe(true);
  expect(await cache.put(link('kept'))).toBe(true);
  expect(await cache.get(0, 'kept')).toEqual(link('kept'));
  await command(port, 'WAIT', '1', '1000');

  await servers[0]!.signal('SIGKILL');
  await until(() => !cache.available, 'the breaker opens', 5_000);
  const started = performance.now();
  expect(await cache.get(0, 'kept')).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(50);
  expect(await cache.whenAvailable(20_000)).toBe(true);
  expect(await cache.get(0, 'kept')).toEqual(link('kept'));
  expect(await cache.put(link('after'))).toBe(true);
  await cache.close();
});
