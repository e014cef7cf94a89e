import { InvalidShardsError } from './errors.js';
import { Pool, type PoolOptions } from './pool.js';
import { routeToOne, type ShardRouter, type ShardSpec } from './shards.js';

/** Pools for the shards of {@link parseShards}; connects to nothing yet. Close each pool of `all`. */
export function openShards(specs: readonly ShardSpec[], options: PoolOptions = {}): ShardRouter<Pool> {
  const [members, ...more] = specs;
  const [member, ...replicas] = members ?? [];
  if (!member) throw new InvalidShardsError('no shard is given');
  if (more.length > 0) throw new InvalidShardsError(`${specs.length} shards are given; this release uses one`);
  if (replicas.length > 0) {
    throw new InvalidShardsError(`a shard of ${replicas.length + 1} members is given; this release uses one member`);
  }
  return routeToOne(new Pool(member, options));
}
