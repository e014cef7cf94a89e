import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterNodePlan, formCluster, freePorts, type LocalServer, launch } from '../src/index';
import { askRedis } from '../src/servers/redis';

jest.setTimeout(30_000);

const PASSWORD = 'secret';
let dir: string;
let servers: LocalServer[] = [];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakh-cluster-'));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(dir, { recursive: true });
});

async function roleOf({ plan }: LocalServer): Promise<string | undefined> {
  const answer = await askRedis(plan.port, PASSWORD, 'ROLE');
  return /\r\n(master|slave)\r\n/.exec(answer ?? '')?.[1];
}

test('a Redis Cluster of three masters with a replica each: one that is killed is succeeded, and comes back to follow', async () => {
  const ports = await freePorts(12);
  const nodes = ports
    .slice(0, 6)
    .map((port, i) => ({ name: `redis-${i + 1}`, dir: join(dir, `redis-${i + 1}`), port, busPort: ports[6 + i]! }));
  servers = await Promise.all(nodes.map((node) => launch(clusterNodePlan(node, PASSWORD))));
  await formCluster(nodes, PASSWORD);
  expect(await Promise.all(servers.map(roleOf))).toEqual([...Array(3).fill('master'), ...Array(3).fill('slave')]);

  await servers[0]!.signal('SIGKILL');
  while ((await roleOf(servers[3]!)) !== 'master') await sleep(50);
  await servers[0]!.restart();
  while ((await roleOf(servers[0]!)) !== 'slave') await sleep(50);
  await expect(askRedis(nodes[0]!.port, PASSWORD, 'CLUSTER NONSENSE')).rejects.toThrow(
    'redis refuses CLUSTER NONSENSE',
  );
  expect(await askRedis(nodes[0]!.port, 'guess', 'ROLE')).toBeUndefined();
});
