import { nextBeat } from './wire/beat-row.js';
import { Database, type MemberLink } from './wire/database.js';
import type { Member } from './wire/member.js';
import { askMember } from './wire/member-watch.js';
import { Pool, type PoolOptions } from './wire/pool.js';

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

function linkTo(member: Member, options: PoolOptions): MemberLink {
  const pool = new Pool(member, options);
  // A connection of its own: what a member is has to be known also while all others are in use, or hang.
  const { random } = options;
  const limits = { maxConnections: 1, deadlineMs: ASK_DEADLINE_MS, connectDeadlineMs: ASK_DEADLINE_MS };
  const asking = new Pool(member, { ...limits, ...(random && { random }) });
  return { pool, ask: () => asking.run(askMember), close: () => asking.close() };
}
