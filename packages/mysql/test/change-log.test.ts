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
