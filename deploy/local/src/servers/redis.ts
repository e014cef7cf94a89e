import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartFailedError } from '../errors.js';
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
  /** Further lines of its configuration, found out when it is started. */
  readonly lines?: () => Promise<readonly string[]>;
}

const CONFIG = 'redis.conf';
/** Redis makes a relative name absolute, by a way that its user may not go. */
const CONFIG_FROM_INSIDE = `/proc/self/cwd/${CONFIG}`;
const DATA = 'data';
const AWAIT_MS = 30_000;
const POLL_MS = 50;

/** One Redis on 127.0.0.1, from Debian's package, that keeps nothing on disk: what it holds is a cache. */
export function redisPlan({ name, dir, port, password, args = [], lines }: RedisPlanSpec): ServerPlan {
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
      const passwords = password === undefined ? [] : [`requirepass ${password}`, `masterauth ${password}`];
      await writeFor(owner, join(dir, CONFIG), asLines([...passwords, ...((await lines?.()) ?? [])]));
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

export function asLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** Whether `PING` is answered by `PONG`, or by the demand for a password: both are a Redis that serves. */
export async function answersPing(port: number): Promise<boolean> {
  const answer = await portProbe(port, 'PING\r\n', (text) => text.includes('\r\n'));
  return answer !== undefined && /^(\+PONG|-NOAUTH)/.test(answer);
}

/**
 * The answer to one command, as it comes over the wire; undefined when there is none within a second, as where
 * the password is another. It must be one that needs no quotes.
 *
 * @throws StartFailedError where it is refused
 */
export async function askRedis(
  port: number,
  password: string | undefined,
  command: string,
): Promise<string | undefined> {
  const login = password === undefined ? [] : [`AUTH ${password}`];
  const answer = await portProbe(port, [...login, command, 'PING', ''].join('\r\n'), (text) => text.endsWith(PONG));
  const own = answer?.slice(password === undefined ? 0 : LOGGED_IN.length, -PONG.length);
  if (own?.startsWith('-'))
    throw new StartFailedError(`redis refuses ${command.split(' ', 2).join(' ')}: ${own.trim()}`);
  return own;
}

const LOGGED_IN = '+OK\r\n';
const PONG = '+PONG\r\n';

/** @throws StartFailedError where it does not come to hold within half a minute */
export async function awaitRedis(what: string, holds: () => Promise<boolean>, signal?: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + AWAIT_MS;
  while (!(await holds())) {
    signal?.throwIfAborted();
    if (performance.now() > deadlineMs) throw new StartFailedError(`redis: still not after ${AWAIT_MS} ms: ${what}`);
    await sleep(POLL_MS);
  }
}

/** Whether a replica has caught up with its master. */
export async function followsMaster(port: number, password: string): Promise<boolean> {
  return ((await askRedis(port, password, 'INFO replication')) ?? '').includes('master_link_status:up');
}
