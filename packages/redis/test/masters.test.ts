import { until } from '@lakh/testkit';
import { Deadlines, type Master, Masters, type MastersOptions, parseRedisUrl, slotOf } from '../src/index.js';
import { array, bulk, FakeNode, integer, OK, replication } from './fake-node.js';

let nodes: FakeNode[];
let opened: Masters[];

beforeEach(() => {
  nodes = [];
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((masters) => masters.close()));
  await Promise.all(nodes.map((node) => node.close()));
});

async function fake(answers: FakeNode['answers'] = () => undefined): Promise<FakeNode> {
  const node = new FakeNode();
  node.answers = answers;
  nodes.push(node);
  await node.listen();
  return node;
}

function open(url: string, options: Omit<MastersOptions, 'target'> = {}) {
  const masters = new Masters({ target: parseRedisUrl(url), deadlineMs: 1_000, ...options });
  opened.push(masters);
  const came: Master[] = [];
  const ended: [Master, string][] = [];
  masters.watch({
    came: (master) => void came.push(master),
    ended: (master, error) => void ended.push([master, error.message]),
  });
  return { masters, came, ended };
}

async function openOne(answers?: FakeNode['answers'], options?: Omit<MastersOptions, 'target'>) {
  const node = await fake(answers);
  const one = open(`redis://127.0.0.1:${node.port}`, options);
  await until(() => one.masters.isWhole, 'there is a master');
  return { node, ...one, master: one.masters.of('any') as Master };
}

test('the one server is master of everything, by a connection with a name and a generation', async () => {
  const { masters, master, came, node } = await openOne(([command, key]) =>
    command === 'GETRANGE' ? bulk(`value of ${key}`) : undefined,
  );
  expect(masters.of(16_383)).toBe(master);
  expect(masters.all()).toEqual([master]);
  expect(came).toEqual([master]);
  expect([master.name, master.generation, master.isEnded]).toEqual([`127.0.0.1:${node.port}`, 1, false]);
  expect(await master.get('a', 100)).toBe('value of a');
  await master.confirm();
});

test.each<[string, string | undefined, RegExp]>([
  ['slots that moved', '-MOVED 1 127.0.0.1:1\r\n', /MOVED/],
  ['a replica', "-READONLY You can't write against a read only replica.\r\n", /READONLY/],
  ['a snapshot that is being loaded', '-LOADING Redis is loading the dataset in memory\r\n', /LOADING/],
])('a refusal of %s ends a master and rejects all that waits; the next one is another', async (_, refusal, why) => {
  const { masters, master, ended, came } = await openOne(([command]) =>
    command === 'GETRANGE' ? '' : command === 'SET' ? refusal : undefined,
  );
  const refused = expect(master.send(['SET', 'b', ''])).rejects.toThrow(why);
  const waiting = expect(master.get('a', 100)).rejects.toMatchObject({ code: 'redis_master_ended' });
  await refused;
  expect(master.isEnded).toBe(true);
  expect(masters.of('a')).toBeUndefined();
  expect(masters.isWhole).toBe(false);
  await waiting;
  await expect(master.get('a', 100)).rejects.toMatchObject({ code: 'redis_master_ended' });
  await expect(master.confirm()).rejects.toMatchObject({ code: 'redis_master_ended' });
  expect(ended).toEqual([[master, expect.stringMatching(why)]]);
  await until(() => masters.isWhole, 'there is a master again');
  expect(masters.of('a')).toBe(came[1]);
  expect(masters.of('a')?.generation).toBe(2);
});

test.each([
  '-ASK 1 127.0.0.1:1\r\n',
  '-TRYAGAIN Multiple keys request during rehashing of slot\r\n',
  '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n',
  "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
])('a refusal of one command is its sender’s alone: %j', async (refusal) => {
  const { master } = await openOne(([command]) => (command === 'GETRANGE' ? refusal : undefined));
  for (let i = 0; i < 10; i += 1) await expect(master.get('a', 100)).rejects.toThrow(refusal.slice(1, 5).trim());
  expect(master.isEnded).toBe(false);
});

test('a connection that is lost ends a master', async () => {
  const { node, masters, master, ended } = await openOne(([command]) => (command === 'GETRANGE' ? '' : undefined));
  const waiting = expect(master.get('a', 100)).rejects.toMatchObject({ code: 'redis_master_ended' });
  node.cut();
  await waiting;
  expect(ended).toHaveLength(1);
  await until(() => masters.isWhole, 'there is a master again');
});

test.each([
  ['is a replica now', () => replication('slave'), 'it is a replica now'],
  ['goes on from another history', () => replication('master', 'b'.repeat(40)), 'another history'],
])('a master that %s is found out by asking, also when nobody asks', async (_, becomes, why) => {
  let info: string | undefined;
  const { node, masters, master, ended } = await openOne(([command]) => (command === 'INFO' ? info : undefined));
  info = becomes();
  await expect(master.confirm()).rejects.toThrow(why);
  info = undefined;
  await until(() => masters.isWhole, 'there is a master again');
  const second = masters.of(0) as Master;
  info = becomes();
  await until(() => second.isEnded, 'it is found out');
  expect(ended.map(([, message]) => message)).toEqual([expect.stringContaining(why), expect.stringContaining(why)]);
  expect(node.asked.filter((asked) => asked === 'INFO replication').length).toBeGreaterThanOrEqual(4);
});

test('a server that answers too little of what it is asked is not asked, until it answers a new connection', async () => {
  let isFrozen = false;
  const answers: FakeNode['answers'] = ([command]) => (isFrozen || command === 'GETRANGE' ? '' : undefined);
  const { masters, master } = await openOne(answers, { deadlineMs: 20 });
  isFrozen = true;
  const waiting = Promise.allSettled(Array.from({ length: 5 }, () => master.get('a', 100)));
  await until(() => master.isEnded, 'it is given up');
  for (const { status } of await waiting) expect(status).toBe('rejected');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(masters.of('a')).toBeUndefined();
  isFrozen = false;
  await until(() => masters.isWhole, 'there is a master again');
});

test('one late answer of many costs its sender alone', async () => {
  const { master } = await openOne(
    ([command, key]) => (command === 'GETRANGE' ? (key === 'late' ? '' : bulk('x')) : undefined),
    {
      deadlineMs: 20,
    },
  );
  const patient = new Deadlines(10_000);
  for (let i = 0; i < 100; i += 1) await master.send(['GETRANGE', 'x', '0', '9'], patient);
  await expect(master.get('late', 100)).rejects.toMatchObject({ code: 'redis_deadline' });
  expect(master.isEnded).toBe(false);
});

test('more than can be answered in time is refused at once', async () => {
  const { master } = await openOne(([command]) => (command === 'GETRANGE' ? '' : undefined));
  const waiting = Promise.allSettled(Array.from({ length: 4_096 }, () => master.get('a', 100)));
  await expect(master.get('a', 100)).rejects.toMatchObject({ code: 'redis_busy' });
  master.end(new Error('enough'));
  await waiting;
});

test('a server that is no master, or loads a snapshot, is waited for', async () => {
  let answer: string | undefined = replication('slave');
  const node = await fake(([command]) => (command === 'INFO' ? answer : undefined));
  const told: string[] = [];
  const log = { info: () => {}, warn: (fields: object) => void told.push(String((fields as { err: unknown }).err)) };
  const { masters, came } = open(`redis://127.0.0.1:${node.port}`, { log });
  await until(() => node.asked.filter((asked) => asked === 'INFO replication').length > 2, 'it is asked again');
  expect(came).toEqual([]);
  expect(told).toEqual([expect.stringContaining('is a replica, and no master')]);
  answer = undefined;
  node.answers = ([command]) => (command === 'PING' ? '-LOADING Redis is loading\r\n' : undefined);
  const before = node.asked.length;
  await until(() => node.asked.length > before + 12, 'it is asked again');
  expect(came).toEqual([]);
  node.answers = () => undefined;
  await until(() => masters.isWhole, 'there is a master');
});

test('a script is sent once', async () => {
  const known = new Set<string>();
  const { master, node } = await openOne(([command, script]) => {
    if (command === 'EVALSHA') return known.has(script as string) ? integer(1) : '-NOSCRIPT No matching script.\r\n';
    if (command === 'EVAL') known.add('sha');
    return command === 'EVAL' ? integer(1) : undefined;
  });
  const script = { text: 'return 1', sha1: 'sha' };
  expect(await master.run(script, ['k'], ['a'])).toBe(1);
  expect(await master.run(script, ['k'], ['b'])).toBe(1);
  expect(node.asked.filter((asked) => asked.startsWith('EVAL'))).toEqual([
    'EVALSHA sha 1 k a',
    'EVAL return 1 1 k a',
    'EVALSHA sha 1 k b',
  ]);
});

test('Sentinel: the master that they name; another name ends the one before, and who does not answer is passed over', async () => {
  const [first, second] = await Promise.all([fake(), fake()]);
  let named = first;
  const sentinel = await fake(([command]) =>
    command === 'SENTINEL' ? array(bulk('127.0.0.1'), bulk(String(named.port))) : undefined,
  );
  const ignorant = await fake(([command]) => (command === 'SENTINEL' ? '*-1\r\n' : undefined));
  const { masters, ended } = open(
    `redis+sentinel://127.0.0.1:1,127.0.0.1:${ignorant.port},127.0.0.1:${sentinel.port}/main`,
  );
  await until(() => masters.isWhole, 'there is a master');
  const master = masters.of('any') as Master;
  expect(master.name).toBe(`127.0.0.1:${first.port}`);
  expect(sentinel.asked).toContain('SENTINEL GET-MASTER-ADDR-BY-NAME main');
  await master.confirm();
  named = second;
  await until(() => masters.of('any')?.name === `127.0.0.1:${second.port}`, 'it follows');
  expect(ended).toEqual([[master, expect.stringContaining('no master any more')]]);
});

const slots = (...shards: readonly (readonly [first: number, last: number, node: FakeNode])[]) =>
  array(
    ...shards.map(([first, last, node]) =>
      array(integer(first), integer(last), array(bulk('127.0.0.1'), integer(node.port), bulk('id'), array())),
    ),
  );

test('Cluster: each key has the master of its slot; one that slots are taken from is another one then', async () => {
  const [first, second] = await Promise.all([fake(), fake()]);
  let answer = slots([0, 8_191, first], [8_192, 16_383, second]);
  for (const node of [first, second]) {
    node.answers = ([command]) => (command === 'CLUSTER' ? answer : command === 'SET' ? OK : undefined);
  }
  const { masters, came, ended } = open(`redis+cluster://127.0.0.1:${first.port}`);
  await until(() => masters.isWhole, 'there are masters');
  // As `CLUSTER KEYSLOT` says.
  expect([slotOf('foo'), slotOf('{user1000}.following'), slotOf('foo{{bar}}zap')]).toEqual([12_182, 3_443, 4_015]);
  const [a, b] = [masters.of(0) as Master, masters.of('foo') as Master];
  expect([a.name, b.name]).toEqual([first, second].map(({ port }) => `127.0.0.1:${port}`));
  expect(masters.of('{user1000}.following')).toBe(a);

  answer = slots([0, 8_190, first], [8_191, 16_383, second]);
  await until(() => came.length === 3 && masters.isWhole, 'the first is another one');
  expect(ended).toEqual([[a, expect.stringContaining('have another master')]]);
  expect([masters.of(8_191), masters.of(8_192)]).toEqual([b, b]);
  expect(masters.of(0)).toBe(came[2]);
  expect(came[2]?.name).toBe(a.name);
});

test('Cluster: a slot of which nothing is known moves without ending anybody', async () => {
  const [first, second] = await Promise.all([fake(), fake()]);
  let answer = slots([0, 8_191, first], [8_192, 16_383, second]);
  const cluster: FakeNode['answers'] = ([command]) => (command === 'CLUSTER' ? answer : undefined);
  first.answers = (args) => (args[0] === 'GETRANGE' ? `-MOVED ${args[1]} 127.0.0.1:${second.port}\r\n` : cluster(args));
  second.answers = cluster;
  const { masters, came } = open(`redis+cluster://127.0.0.1:${first.port}`, { bound: new Set([0, 9_000]) });
  await until(() => masters.isWhole, 'there are masters');
  const a = masters.of(0) as Master;
  answer = slots([0, 8_190, first], [8_191, 16_383, second]);
  await expect(a.get('8191')).rejects.toThrow('MOVED');
  await until(() => masters.of(8_191) === masters.of(9_000), 'it is followed');
  expect([a.isEnded, came.length]).toEqual([false, 2]);
  await expect(a.get('0')).rejects.toThrow('MOVED');
  expect(a.isEnded).toBe(true);
});

test('Cluster: what one node says and does not fit is asked of the next', async () => {
  const [stale, second] = await Promise.all([fake(), fake()]);
  let isMoved = false;
  stale.answers = ([command]) => {
    if (command === 'GETRANGE' && isMoved) return `-MOVED 0 127.0.0.1:${second.port}\r\n`;
    return command === 'CLUSTER' ? slots([0, 16_383, stale]) : undefined;
  };
  second.answers = ([command]) => (command === 'CLUSTER' ? slots([0, 16_383, second]) : undefined);
  const { masters } = open(`redis+cluster://127.0.0.1:${stale.port},127.0.0.1:${second.port}`);
  await until(() => masters.of(0)?.name === `127.0.0.1:${stale.port}`, 'there is a master');
  isMoved = true;
  await expect(masters.of(0)?.get('a')).rejects.toThrow('MOVED');
  await until(() => masters.of(0)?.name === `127.0.0.1:${second.port}`, 'the other is asked');
});

test('a server that takes connections and says nothing is told of, and tried again', async () => {
  const silent = await fake(() => '');
  const told: string[] = [];
  const log = { info: () => {}, warn: (fields: object) => void told.push(String((fields as { err: unknown }).err)) };
  const { masters } = open(`redis://127.0.0.1:${silent.port}`, { log });
  await until(() => told.length > 0, 'it is told of');
  expect(told).toEqual([expect.stringContaining('says nothing')]);
  silent.answers = () => undefined;
  await until(() => masters.isWhole, 'there is a master');
});

test('is closed at once, also while it connects to servers that say nothing', async () => {
  const silent = await fake(() => '');
  const addresses = [`redis://127.0.0.1:${silent.port}`, `redis+cluster://127.0.0.1:${silent.port}`];
  for (const url of addresses) {
    const { masters, came } = open(url);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const startedMs = performance.now();
    await masters.close();
    expect(performance.now() - startedMs).toBeLessThan(500);
    expect(came).toEqual([]);
  }
});
