import { BUCKETS } from '@lakh/links';
import { ReplicatedLane } from './links/replicated-lane.js';
import { proveLinksAreTaken } from './schema/proof.js';
import { nextBeat } from './wire/beat-row.js';
import { Database, type MemberLink } from './wire/database.js';
import { isInRange, type LanePool, ShardLanes } from './wire/lanes.js';
import type { Member } from './wire/member.js';
import { askMember } from './wire/member-watch.js';
import { Pool, type PoolOptions } from './wire/pool.js';
import { byteLiteral } from './wire/sql.js';
import type { SqlSession } from './wire/transaction.js';

export interface DatabaseSettings extends Omit<PoolOptions, 'maxWaiters' | 'idleCheckMs'> {
  readonly members: readonly Member[];
}

/** For one question what a member is: it takes a healthy server milliseconds. */
const ASK_DEADLINE_MS = 1_000;

/** The database of `LAKH_DATABASE`. `proof` is given by those who write: they keep the beats going, too. */
export function openDatabase({ members, ...settings }: DatabaseSettings): Database {
  const { observer = {}, proof, random } = settings;
  const options: PoolOptions = {
    ...settings,
    observer: {
      ...observer,
      writeRefused(member, errno) {
        observer.writeRefused?.(member, errno);
        database.doubt(member);
      },
      writability(member, isWritable, reason) {
        observer.writability?.(member, isWritable, reason);
        database.doubt(member);
      },
    },
  };
  const database: Database = new Database(
    members.map((member) => linkTo(member, options)),
    { observer, ...(proof && { beat: nextBeat }), ...(random && { random }) },
  );
  return database;
}

/** Of all lanes together, at most; a lane has some at least. */
const CONNECTIONS_OF_LANES = 24;
const LEAST_CONNECTIONS_OF_LANE = 4;

/** The lanes to what {@link openDatabase} has opened by the same settings. They follow its shards once `follow` is called. */
export function openLanes(whole: Database, settings: DatabaseSettings): ShardLanes {
  const [{ database = '' } = {}] = settings.members;
  // `lakh@primary` and `lakh:-80` are the same keyspace.
  const keyspace = database.replace(/[@:].*$/s, '');
  return new ShardLanes({ whole, keyspace, open: (range, count) => openLane(settings, keyspace, range, count) });
}

/** Of `count`; the replicas of its shard beside it. */
function openLane(settings: DatabaseSettings, keyspace: string, range: string, count: number): LanePool {
  const { members, maxConnections, proof, observer: _, ...others } = settings;
  const bucket = byteLiteral(Number.parseInt(range.split('-')[0] || '0', 16));
  const most = Math.max(LEAST_CONNECTIONS_OF_LANE, Math.floor(CONNECTIONS_OF_LANES / count));
  const ofLane = {
    maxConnections: Math.min(maxConnections ?? most, most),
    signOfLife: (session: SqlSession) => session.query(`SELECT 1 FROM heads WHERE bucket=${bucket}`),
  };
  const primary = openDatabase({
    ...settings,
    ...ofLane,
    part: range,
    ...(proof && { proof: (session) => proveLinksAreTaken(session, (bucket) => isInRange(range, bucket)) }),
  });
  // Told of by the engine's own means: what no replica answers the primary does.
  const replicas = openDatabase({
    ...others,
    ...ofLane,
    members: members.map((member) => ({ ...member, database: `${keyspace}@replica` })),
    part: `${range}@replica`,
  });
  const buckets = Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter((bucket) => isInRange(range, bucket));
  return new ReplicatedLane({ primary, replicas, buckets });
}

function linkTo(member: Member, options: PoolOptions): MemberLink {
  const pool = new Pool(member, options);
  // A connection of its own: what a member is has to be known also while all others are in use, or hang.
  const { random } = options;
  const limits = { maxConnections: 1, deadlineMs: ASK_DEADLINE_MS, connectDeadlineMs: ASK_DEADLINE_MS };
  const asking = new Pool(member, { ...limits, ...(random && { random }) });
  return { pool, ask: () => asking.run(askMember), close: () => asking.close() };
}
