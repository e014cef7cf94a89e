import { join } from 'node:path';
import { redisPlan } from '../servers/redis.js';
import { type ClusterNode, clusterNodePlan } from '../servers/redis-cluster.js';
import { SENTINEL_MASTER, sentinelPlan, type Watched, watchedRedisPlan } from '../servers/redis-sentinel.js';
import type { ServerPlan } from '../servers/server.js';
import { stackPasswords } from './secrets.js';
import { extraPort, isSentinel, type ProcessRecord, recordsOf, redisKind, type StackState } from './state.js';

/** One server of the stack's Redis, as it would be started now. */
export function redisPlanOf(stackDir: string, state: StackState, record: ProcessRecord): ServerPlan {
  const place = placeOf(stackDir, record);
  const { redis: password } = stackPasswords(stackDir);
  switch (redisKind(state)) {
    case 'single':
      return redisPlan({ ...place, password });
    case 'sentinel': {
      const watched = watchedOf(stackDir, state);
      return isSentinel(record) ? sentinelPlan(place, watched) : watchedRedisPlan(place, watched);
    }
    case 'cluster':
      return clusterNodePlan(nodeOf(stackDir, record), password);
  }
}

/** As LAKH_REDIS takes it, with its password. Detours lead to the one server; the others tell by themselves where they are. */
export function redisAddress(
  stackDir: string,
  state: StackState,
  portOf: (name: string, port: number) => number = (_, port) => port,
): string {
  const { redis: password } = stackPasswords(stackDir);
  const records = recordsOf(state, 'redis');
  const at = (chosen: readonly ProcessRecord[]) => chosen.map(({ port }) => `127.0.0.1:${port}`).join(',');
  switch (redisKind(state)) {
    case 'single':
      return `redis://:${password}@${at(records.map((record) => ({ ...record, port: portOf(record.name, record.port) })))}`;
    case 'sentinel':
      return `redis+sentinel://:${password}@${at(records.filter(isSentinel))}/${SENTINEL_MASTER}?sentinel-password=${password}`;
    case 'cluster':
      return `redis+cluster://:${password}@${at(records)}`;
  }
}

export function placeOf(stackDir: string, { name, port }: ProcessRecord) {
  return { name, dir: join(stackDir, name), port };
}

export function nodeOf(stackDir: string, record: ProcessRecord): ClusterNode {
  return { ...placeOf(stackDir, record), busPort: extraPort(record, 0) };
}

export function watchedOf(stackDir: string, state: StackState): Watched {
  const ports = (chosen: boolean) =>
    recordsOf(state, 'redis')
      .filter((record) => isSentinel(record) === chosen)
      .map(({ port }) => port);
  return { ports: ports(false), sentinelPorts: ports(true), password: stackPasswords(stackDir).redis };
}
