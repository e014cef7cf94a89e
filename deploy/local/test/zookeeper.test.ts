import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../src/servers/ports';
import { zookeeperEnsemble, zookeeperFacts, zookeeperMode, zookeeperPlan } from '../src/servers/zookeeper';

const members = [
  { id: 1, clientPort: 2181, quorumPort: 2888, electionPort: 3888 },
  { id: 2, clientPort: 2182, quorumPort: 2889, electionPort: 3889 },
];

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lakh-plan-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a node knows itself and the others, and listens on loopback alone', async () => {
  const plan = zookeeperPlan({ name: 'zk-2', dir, id: 2, members });
  await plan.prepare();
  await plan.prepare();
  expect(plan).toMatchObject({ role: 'zookeeper', host: '127.0.0.1', port: 2182, stopSignal: 'SIGTERM' });
  expect(await readFile(join(dir, 'data', 'myid'), 'utf8')).toBe('2\n');
  const lines = (await readFile(join(dir, 'zoo.cfg'), 'utf8')).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'clientPort=2182',
      'clientPortAddress=127.0.0.1',
      'server.1=127.0.0.1:2888:3888',
      'server.2=127.0.0.1:2889:3889',
    ]),
  );
});

test('a single member is a standalone server', async () => {
  const plan = zookeeperPlan({ name: 'zk', dir, id: 1, members: members.slice(0, 1) });
  await plan.prepare();
  expect(await readFile(join(dir, 'zoo.cfg'), 'utf8')).not.toMatch(/^server\./m);
});

test('an id without a member is refused', () => {
  expect(() => zookeeperPlan({ name: 'zk', dir, id: 3, members })).toThrow('zk: no member has the id 3');
});

test('an ensemble has ports and folders of its own, and is not ready before it runs', async () => {
  const { plans, connectString } = await zookeeperEnsemble({ dir, nodes: 3 });
  expect(new Set(plans.map((plan) => plan.port)).size).toBe(3);
  expect(new Set(plans.map((plan) => plan.dir)).size).toBe(3);
  expect(connectString).toBe(plans.map((plan) => `127.0.0.1:${plan.port}`).join(','));
  expect(await plans[0]?.ready()).toBe(false);
  const [port] = await freePorts(1);
  expect(await zookeeperMode(port as number)).toBeUndefined();
  expect(await zookeeperFacts(port as number)).toBeUndefined();
});
