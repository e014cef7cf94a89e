import { join } from 'node:path';
import { makeFolder, makeOwnFolder, ownerOf, writeAsOwn } from './owner.js';
import { answersPing, askRedis, asLines, awaitRedis, followsMaster, type RedisPlanSpec, redisPlan } from './redis.js';
import type { ServerPlan } from './server.js';

export const SENTINEL_MASTER = 'main';
/** Long enough for a machine that is busy, short enough to wait for. */
const DOWN_AFTER_MS = 2_000;
const FAILOVER_TIMEOUT_MS = 10_000;
const CONFIG = 'sentinel.conf';
const DATA = 'data';

/** One Redis and the others that are to take its place, watched by sentinels; what any of them is told when it starts. */
export interface Watched {
  /** Of the servers: the first is the master where no sentinel says otherwise. */
  readonly ports: readonly number[];
  readonly sentinelPorts: readonly number[];
  /** Of the servers and of the sentinels. */
  readonly password: string;
}

type Place = Pick<RedisPlanSpec, 'name' | 'dir' | 'port'>;

/** Starts as a replica of whom the sentinels name; a master that nobody has replaced yet starts as one. */
export function watchedRedisPlan({ name, dir, port }: Place, watched: Watched): ServerPlan {
  return redisPlan({
    ...{ name, dir, port, password: watched.password },
    args: ['--repl-diskless-sync-delay', '0'],
    async lines() {
      const master = await masterPort(watched);
      return master === port ? [] : [`replicaof 127.0.0.1 ${master}`];
    },
  });
}

/** Begins with what the others know. It keeps what it learns in its configuration, which therefore is its own. */
export function sentinelPlan({ name, dir, port }: Place, watched: Watched): ServerPlan {
  const { sentinelPorts, password } = watched;
  const plan = redisPlan({ name, dir, port });
  const owner = ownerOf(dir, 'redis');
  return {
    ...plan,
    logFile: join(dir, 'sentinel.log'),
    command: ['redis-server', `/proc/self/cwd/${DATA}/${CONFIG}`, '--sentinel'],
    async prepare() {
      makeFolder(dir, owner);
      makeOwnFolder(join(dir, DATA), owner);
      const lines = [
        ...[`port ${port}`, 'bind 127.0.0.1', 'daemonize no'],
        ...[`requirepass ${password}`, `sentinel sentinel-pass ${password}`],
        `sentinel monitor ${SENTINEL_MASTER} 127.0.0.1 ${await masterPort(watched)} ${majorityOf(sentinelPorts.length)}`,
        `sentinel auth-pass ${SENTINEL_MASTER} ${password}`,
        `sentinel down-after-milliseconds ${SENTINEL_MASTER} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${SENTINEL_MASTER} ${FAILOVER_TIMEOUT_MS}`,
      ];
      await writeAsOwn(owner, join(dir, DATA, CONFIG), asLines(lines));
    },
    ready: () => answersPing(port),
  };
}

/** Resolves once the others follow the first: a sentinel that begins finds them then at once. */
export async function awaitFollowers({ ports, password }: Watched, signal?: AbortSignal): Promise<void> {
  const follow = ports.slice(1).map((port) => () => followsMaster(port, password));
  await Promise.all(follow.map((follows) => awaitRedis('the replicas follow', follows, signal)));
}

/** Resolves once every sentinel knows all the others, and who could take the master's place. */
export async function awaitSentinels(watched: Watched, signal?: AbortSignal): Promise<void> {
  const know = watched.sentinelPorts.map((port) => () => knowsAll(port, watched));
  await Promise.all(know.map((knows) => awaitRedis('the sentinels know each other', knows, signal)));
}

async function knowsAll(port: number, { ports, sentinelPorts, password }: Watched): Promise<boolean> {
  const answer = (await askRedis(port, password, `SENTINEL MASTER ${SENTINEL_MASTER}`)) ?? '';
  const count = (field: string) =>
    Number(new RegExp(`\\r\\n${field}\\r\\n\\$\\d+\\r\\n(\\d+)\\r\\n`).exec(answer)?.[1]);
  return count('num-slaves') === ports.length - 1 && count('num-other-sentinels') === sentinelPorts.length - 1;
}

function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** Where the master is: as a sentinel says that answers, or else the first. */
async function masterPort({ ports, sentinelPorts, password }: Watched): Promise<number> {
  const question = `SENTINEL GET-MASTER-ADDR-BY-NAME ${SENTINEL_MASTER}`;
  const answers = await Promise.all(
    sentinelPorts.map((port) => askRedis(port, password, question).catch(() => undefined)),
  );
  const named = answers.map((answer) => Number(/\r\n(\d+)\r\n$/.exec(answer ?? '')?.[1]));
  return named.find((port) => ports.includes(port)) ?? (ports[0] as number);
}
