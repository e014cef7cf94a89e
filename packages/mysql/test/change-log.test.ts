import { createMysqlChangeLog, type Session, SqlFailure } from '../src/index.js';
import type { Lanes } from '../src/wire/lanes.js';
import type { PrimaryPool } from '../src/wire/primary-pool.js';

const NONCE = '0123456789abcdef';
const HALF = 128;

/** One shard of two, whose heads all stand at 7. */
function shard(name: string) {
  const state = { isAway: false };
  const query = async (sql: string) => ({
    rows: [...sql.matchAll(/x'(\w\w)'/g)].map(([, bucket]) => [bucket, 7, NONCE]),
    affectedRows: 0,
  });
  const pool = {
    name,
    read: async (work: (session: Session) => Promise<unknown>) => {
      if (state.isAway) throw new SqlFailure('unsent', `${name} is away`);
      return work({ query } as unknown as Session);
    },
  } as unknown as PrimaryPool;
  return { state, pool };
}

test('a shard that is away keeps nobody from what the log has of buckets of another', async () => {
  const [low, high] = [shard('low'), shard('high')];
  const lanes: Lanes = { all: [low.pool, high.pool], of: (byte) => (byte < HALF ? low.pool : high.pool) };
  const log = createMysqlChangeLog({ pool: low.pool, lanes });
  const asked = [200, 3, 129, 4].map((bucket) => ({ bucket, after: { seq: 7, nonce: NONCE } }));
  const bucketsRead = async () => (await log.read(asked, 10)).map(({ bucket }) => bucket);
  expect(await bucketsRead()).toEqual([200, 3, 129, 4]);
  high.state.isAway = true;
  expect(await bucketsRead()).toEqual([3, 4]);
  low.state.isAway = true;
  await expect(bucketsRead()).rejects.toThrow('away');
});

test('old rows are forgotten shard by shard, each asked for its own buckets, and one that is away keeps no other from it', async () => {
  const deletes: string[] = [];
  const shardOf = (name: string, rows: number) => {
    const state = { isAway: false, rows };
    const query = async (sql: string) => {
      const limit = Number(/LIMIT (\d+)/.exec(sql)?.[1]);
      const affectedRows = Math.min(limit, state.rows);
      state.rows -= affectedRows;
      deletes.push(`${name} ${[...sql.matchAll(/x'(\w\w)'/g)].map(([, bucket]) => bucket).join('')}`);
      return { rows: [], affectedRows };
    };
    const run = async (work: (session: Session) => Promise<unknown>) => {
      if (state.isAway) throw new SqlFailure('unsent', `${name} is away`);
      return work({ query } as unknown as Session);
    };
    return { state, pool: { name, run } as unknown as PrimaryPool };
  };
  const [low, high] = [shardOf('low', 5), shardOf('high', 9)];
  const lanes: Lanes = { all: [low.pool, high.pool], of: (byte) => (byte < HALF ? low.pool : high.pool) };
  const log = createMysqlChangeLog({ pool: low.pool, lanes });
  const hex = (from: number) => Buffer.from(Array.from({ length: HALF }, (_, i) => from + i)).toString('hex');
  expect(await log.forget(1, 8)).toBe(8);
  expect(deletes).toEqual([`low ${hex(0)}`, `high ${hex(HALF)}`]);
  low.state.isAway = true;
  expect(await log.forget(1, 8)).toBe(6);
  await expect(log.forget(1, 8)).rejects.toThrow('away');
});
