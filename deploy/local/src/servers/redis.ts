import { join } from 'node:path';
import { portProbe } from '../probe.js';
import { makeFolder, makeOwnFolder, ownerOf, writeFor } from './owner.js';
import type { ServerPlan } from './server.js';

export interface RedisPlanSpec {
  readonly name: string;
  readonly dir: string;
  readonly port: number;
  /** What clients must give; anybody of this machine is a client without one. */
  readonly password?: string;
  /** Further arguments of redis-server (`--cluster-enabled yes`, `--replicaof …`); a later one wins over the plan's own. */
  readonly args?: readonly string[];
}

const CONFIG = 'redis.conf';
/** Redis makes a relative name absolute, by a way that its user may not go. */
const CONFIG_FROM_INSIDE = `/proc/self/cwd/${CONFIG}`;
const DATA = 'data';

/** One Redis on 127.0.0.1, from Debian's package, that keeps nothing on disk: what it holds is a cache. */
export function redisPlan({ name, dir, port, password, args = [] }: RedisPlanSpec): ServerPlan {
  const owner = ownerOf(dir, 'redis');
  return {
    name,
    role: 'redis',
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, 'redis.log'),
    command: ['redis-server', CONFIG_FROM_INSIDE, ...redisArguments({ port }), ...args],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    owner,
    stopSignal: 'SIGTERM',
    async prepare() {
      makeFolder(dir, owner);
      makeOwnFolder(join(dir, DATA), owner);
      await writeFor(owner, join(dir, CONFIG), password === undefined ? '' : `requirepass ${password}\n`);
    },
    ready: () => answersPing(port),
  };
}

/** What `redis-server` is told. */
function redisArguments({ port }: Pick<RedisPlanSpec, 'port'>): string[] {
  return [
    ...['--port', String(port)],
    ...['--bind', '127.0.0.1'],
    ...['--dir', DATA],
    ...['--daemonize', 'no'],
    ...['--save', ''],
    ...['--appendonly', 'no'],
  ];
}

/** Whether `PING` is answered by `PONG`, or by the demand for a password: both are a Redis that serves. */
async function answersPing(port: number): Promise<boolean> {
  const answer = await portProbe(port, 'PING\r\n', (text) => text.includes('\r\n'));
  return answer !== undefined && /^(\+PONG|-NOAUTH)/.test(answer);
}
