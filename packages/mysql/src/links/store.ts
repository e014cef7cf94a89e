import { type Clock, type DeletedLinks, type LinkStore, type RemoveOutcome, StoreUnavailableError } from '@lakh/links';
import { type Lanes, oneLane } from '../wire/lanes.js';
import type { MysqlObserver } from '../wire/observer.js';
import type { PrimaryPool } from '../wire/primary-pool.js';
import { observed, type StatementTimer, settling } from '../wire/timing.js';
import { bury, edit } from './changes.js';
import { changing } from './changing.js';
import { clicksOf, countClick } from './clicks.js';
import { erase, readDeleted, restore, revive } from './deleted.js';
import { forgetOldByLanes } from './forget.js';
import { QueuesOfLanes, type StoreLimits } from './lane-queues.js';
import { asStoredRecord, isStorableCode, keyOf, type LinkKey, selectRows } from './rows.js';

export interface MysqlLinkStoreOptions {
  readonly pool: PrimaryPool;
  /** Where links lie on shards; without them `pool` is the way to all. */
  readonly lanes?: Lanes;
  readonly clock: Clock;
  readonly limits?: StoreLimits;
  readonly observer?: MysqlObserver;
}

export interface MysqlLinkStore extends LinkStore {
  /** What no statement carries yet; for metrics. */
  readonly queued: Readonly<Record<'insert' | 'insert_alias' | 'find', number>>;
}

/** The links, in MySQL or MariaDB. The pool is the caller's to close. */
export function createMysqlLinkStore(options: MysqlLinkStoreOptions): MysqlLinkStore {
  const { pool, lanes = oneLane(pool), clock, limits = {}, observer } = options;
  const timer = observed(observer);
  const queues = new QueuesOfLanes(lanes, timer, limits);
  const sight: MysqlLinkStore['sight'] = (domainId, code, { fresh = false } = {}) => {
    const { finds, freshFinds } = queues.of(domainId, code);
    return (fresh ? freshFinds : finds).sight(domainId, code);
  };

  const reading = settling(timer, 'find');
  const editing = settling(timer, 'edit');
  const removing = settling(timer, 'remove');

  return {
    insert(link) {
      const { aliases, generated } = queues.of(link.domainId, link.code);
      return (link.kind === 'alias' ? aliases : generated).insert(link);
    },

    sight,
    async read(domainId, code) {
      if (!isStorableCode(code)) return undefined;
      const { pool: lane } = queues.of(domainId, code);
      const rows = await reading(() => lane.read((session) => selectRows(session, [{ domainId, code }])));
      const row = rows.get(keyOf(domainId, code));
      return row && asStoredRecord(row);
    },

    find: async (domainId, code, asked) => (await sight(domainId, code, asked))?.link,

    async edit(domainId, code, changes, ifVersions, receipt) {
      if (!isStorableCode(code)) return { outcome: 'missing' };
      return editing(() =>
        changing(queues.of(domainId, code).pool, (session) =>
          edit(session, { domainId, code, ifVersions }, changes, clock.nowMs(), receipt),
        ),
      );
    },

    async click(link, most, isCounted) {
      if (!isStorableCode(link.code)) return 'changed';
      const { pool: lane, clicks: turns } = queues.of(link.domainId, link.code);
      if (!(await turns.enter())) {
        throw new StoreUnavailableError('Too many clicks are waiting to be counted.', { isBusy: true });
      }
      try {
        if (isCounted && (await editing(() => lane.run((session) => countClick(session, link, most)))))
          return 'counted';
        const clicks = await reading(() => lane.read((session) => clicksOf(session, link)));
        if (clicks === undefined) return 'changed';
        return !isCounted && clicks < most ? 'counted' : 'spent';
      } finally {
        turns.leave();
      }
    },

    forgetReceipts: (beforeMs, limit) => editing(() => forgetOldByLanes(lanes, 'edit_receipts', beforeMs, limit)),

    async remove(domainId, code, ifVersions, keptAtMs) {
      if (!isStorableCode(code)) return { outcome: 'missing' };
      const [outcome] = await removing(() =>
        changing(queues.of(domainId, code).pool, (session) =>
          bury(session, [{ domainId, code, ifVersions }], clock.nowMs(), keptAtMs),
        ),
      );
      return outcome as RemoveOutcome;
    },

    deleted: deletedLinks({ ...options, lanes, timer, laneOf: ({ domainId, code }) => queues.of(domainId, code).pool }),

    get available() {
      return lanes.all.some(takesRows);
    },

    ...(options.lanes && { takes: (domainId: number, code: string) => takesRows(queues.of(domainId, code).pool) }),

    get queued() {
      return queues.queued();
    },
  };
}

interface DeletedOptions extends Pick<MysqlLinkStoreOptions, 'clock'> {
  readonly lanes: Lanes;
  readonly timer: StatementTimer;
  readonly laneOf: (key: LinkKey) => PrimaryPool;
}

function deletedLinks({ clock, lanes, timer, laneOf }: DeletedOptions): DeletedLinks {
  const reading = settling(timer, 'find');
  const editing = settling(timer, 'edit');
  const removing = settling(timer, 'remove');
  return {
    async read(domainId, code) {
      if (!isStorableCode(code)) return undefined;
      const key = { domainId, code };
      return reading(() => laneOf(key).read((session) => readDeleted(session, key)));
    },
    restore: (tombstone, sinceMs) =>
      editing(() => changing(laneOf(tombstone), (session) => restore(session, tombstone, sinceMs, clock.nowMs()))),
    erase: (tombstone) => removing(() => changing(laneOf(tombstone), (session) => erase(session, tombstone))),
    revive: (link, sinceMs) =>
      editing(() => changing(laneOf(link), (session) => revive(session, link, sinceMs, clock.nowMs()))),
    forget: (beforeMs, limit) => removing(() => forgetOldByLanes(lanes, 'deleted_links', beforeMs, limit)),
  };
}

function takesRows(pool: PrimaryPool): boolean {
  return pool.available && pool.writeRefusal === '';
}
