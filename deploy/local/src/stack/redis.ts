import { askRedis } from '../servers/redis.js';
import { forgetCluster, formCluster } from '../servers/redis-cluster.js';
import { awaitFollowers, awaitSentinels } from '../servers/redis-sentinel.js';
import { nodeOf, placeOf, watchedOf } from './redis-plan.js';
import { stackPasswords } from './secrets.js';
import type { Session } from './session.js';
import { isSentinel, type ProcessRecord, recordsOf, redisKind } from './state.js';
import { type StartStep, together } from './together.js';

/** What starts the stack's Redis whole. Nothing that it held before is left, and so nothing of who was master. */
export function redisSteps(session: Session): readonly StartStep[] {
  const { dir } = session.context;
  const state = session.read();
  const [first, ...others] = recordsOf(state, 'redis').filter((record) => !isSentinel(record));
  const sentinels = recordsOf(state, 'redis').filter(isSentinel);
  if (first === undefined) throw new Error('a stack without a Redis');
  const steps = (records: readonly ProcessRecord[]) => records.map((record) => ({ record }));
  if (redisKind(state) === 'cluster') for (const record of [first, ...others]) forgetCluster(placeOf(dir, record));
  return [
    {
      record: first,
      async whenReady(signal) {
        await together(session, steps(others), signal);
        if (redisKind(state) === 'cluster') {
          const nodes = [first, ...others].map((record) => nodeOf(dir, record));
          await formCluster(nodes, stackPasswords(dir).redis, signal);
        }
        if (sentinels.length > 0) {
          await awaitFollowers(watchedOf(dir, state), signal);
          await together(session, steps(sentinels), signal);
          await awaitSentinels(watchedOf(dir, state), signal);
        }
      },
    },
  ];
}

export type RedisRole = 'master' | 'replica' | 'sentinel';

/** What a server says that it is; undefined where it says nothing. */
export async function redisRoleOf({ context }: Session, record: ProcessRecord): Promise<RedisRole | undefined> {
  if (isSentinel(record)) return 'sentinel';
  const answer = await askRedis(record.port, stackPasswords(context.dir).redis, 'ROLE').catch(() => undefined);
  const role = /\r\n(master|slave)\r\n/.exec(answer ?? '')?.[1];
  return role === 'slave' ? 'replica' : role === 'master' ? 'master' : undefined;
}
