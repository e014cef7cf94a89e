import type { Clock, LinkStore, RemoveOutcome } from '@lakh/links';
import type { MysqlObserver } from '../wire/observer.js';
import type { PrimaryPool } from '../wire/primary-pool.js';
import { observed, settling } from '../wire/timing.js';
import { bury, edit } from './changes.js';
import { changing } from './changing.js';
import { FindQueue } from './find-queue.js';
import { forgetOld } from './forget.js';
import { InsertQueue } from './insert-queue.js';
import { isStorableCode } from './rows.js';

export interface StoreLimits {
  /** Insert statements under way; default 2. */
  readonly insertsInFlight?: number;
  /** Rows of one insert statement; default 1,000. */
  readonly insertRows?: number;
  /** Bytes of one insert statement; default 512 KiB, half of the lowest max_allowed_packet that is accepted. */
  readonly insertBytes?: number;
  /** Rows waiting; default 10,000. */
  readonly insertsQueued?: number;
  /** Alias inserts under way (one row a statement); default 2. */
  readonly aliasesInFlight?: number;
  /** Default 1,000. */
  readonly aliasesQueued?: number;
  /** Read statements under way; default 4. */
  readonly findsInFlight?: number;
  /** Codes of one read statement; default 256. */
  readonly findCodes?: number;
  /** Codes waiting; default 10,000. */
  readonly findsQueued?: number;
}

export interface MysqlLinkStoreOptions {
  readonly pool: PrimaryPool;
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
  const { pool, clock, limits = {}, observer } = options;
  const timer = observed(observer);
  const maxBytes = limits.insertBytes ?? 512 * 1024;
  const generated = new InsertQueue({
    kind: 'insert',
    pool,
    timer,
    maxBytes,
    maxInFlight: limits.insertsInFlight ?? 2,
    maxRows: limits.insertRows ?? 1_000,
    maxQueued: limits.insertsQueued ?? 10_000,
  });
  // A row each: an alias that is taken must not send the batch of generated ones round again.
  const aliases = new InsertQueue({
    kind: 'insert_alias',
    pool,
    timer,
    maxBytes,
    maxInFlight: limits.aliasesInFlight ?? 2,
    maxRows: 1,
    maxQueued: limits.aliasesQueued ?? 1_000,
  });
  const findsOf = (fromReplicas: boolean) => ({
    pool,
    fromReplicas,
    timer,
    maxInFlight: limits.findsInFlight ?? 4,
    maxCodes: limits.findCodes ?? 256,
    maxQueued: limits.findsQueued ?? 10_000,
  });
  const finds = new FindQueue(findsOf(true));
  // Where there are no replicas, every answer is the primary's.
  const freshFinds = pool.reader === undefined ? finds : new FindQueue(findsOf(false));
  const sight: MysqlLinkStore['sight'] = (domainId, code, { fresh = false } = {}) =>
    (fresh ? freshFinds : finds).sight(domainId, code);

  const editing = settling(timer, 'edit');
  const removing = settling(timer, 'remove');

  return {
    insert: (link) => (link.kind === 'alias' ? aliases : generated).insert(link),

    sight,
    find: async (domainId, code, asked) => (await sight(domainId, code, asked))?.link,

    async edit(domainId, code, changes, ifVersions, receipt) {
      if (!isStorableCode(code)) return { outcome: 'missing' };
      return editing(() =>
        changing(pool, (session) => edit(session, { domainId, code, ifVersions }, changes, clock.nowMs(), receipt)),
      );
    },

    forgetReceipts: (beforeMs, limit) => editing(() => forgetOld(pool, 'edit_receipts', beforeMs, limit)),

    async remove(domainId, code, ifVersions) {
      if (!isStorableCode(code)) return { outcome: 'missing' };
      const [outcome] = await removing(() =>
        changing(pool, (session) => bury(session, [{ domainId, code, ifVersions }], clock.nowMs())),
      );
      return outcome as RemoveOutcome;
    },

    get available() {
      return pool.available && pool.writeRefusal === '';
    },

    get queued() {
      return {
        insert: generated.queued,
        insert_alias: aliases.queued,
        find: finds.queued + (freshFinds === finds ? 0 : freshFinds.queued),
      };
    },
  };
}
