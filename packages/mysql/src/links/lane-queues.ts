import { bucketOf, Turns } from '@lakh/links';
import type { Lanes } from '../wire/lanes.js';
import type { PrimaryPool } from '../wire/primary-pool.js';
import type { StatementTimer } from '../wire/timing.js';
import { FindQueue } from './find-queue.js';
import { InsertQueue } from './insert-queue.js';

/** Of each lane. */
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

/** What waits for one lane. */
export interface LaneQueues {
  readonly pool: PrimaryPool;
  readonly generated: InsertQueue;
  readonly aliases: InsertQueue;
  readonly finds: FindQueue;
  /** The same as `finds` where every answer is the primary's. */
  readonly freshFinds: FindQueue;
  /** Of clicks, each of which has a connection for as long as it waits for its row. */
  readonly clicks: Turns;
}

/** Others must find a connection however many click at once on one link, or whatever holds its row. */
const CLICKS = { atOnce: 4, queuedMax: 1_000, waitMs: 1_000 } as const;

/** Queues for each lane, made when the first needs them, and forgotten with it. */
export class QueuesOfLanes {
  readonly #lanes: Lanes;
  readonly #open: (pool: PrimaryPool) => LaneQueues;
  readonly #byPool = new Map<PrimaryPool, LaneQueues>();

  constructor(lanes: Lanes, timer: StatementTimer, limits: StoreLimits) {
    this.#lanes = lanes;
    this.#open = (pool) => openQueues(pool, timer, limits);
  }

  /** Of a code's bucket. */
  of(domainId: number, code: string): LaneQueues {
    const { all } = this.#lanes;
    const pool = all.length === 1 ? (all[0] as PrimaryPool) : this.#lanes.of(bucketOf(domainId, code));
    return this.#byPool.get(pool) ?? this.#opened(pool);
  }

  queued(): { readonly insert: number; readonly insert_alias: number; readonly find: number } {
    const total = { insert: 0, insert_alias: 0, find: 0 };
    for (const { generated, aliases, finds, freshFinds } of this.#byPool.values()) {
      total.insert += generated.queued;
      total.insert_alias += aliases.queued;
      total.find += finds.queued + (freshFinds === finds ? 0 : freshFinds.queued);
    }
    return total;
  }

  #opened(pool: PrimaryPool): LaneQueues {
    const { all } = this.#lanes;
    // Those of lanes that are no more end what they have by themselves.
    for (const known of this.#byPool.keys()) if (!all.includes(known)) this.#byPool.delete(known);
    const queues = this.#open(pool);
    this.#byPool.set(pool, queues);
    return queues;
  }
}

function openQueues(pool: PrimaryPool, timer: StatementTimer, limits: StoreLimits): LaneQueues {
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
  const freshFinds = pool.reader === undefined ? finds : new FindQueue(findsOf(false));
  return { pool, generated, aliases, finds, freshFinds, clicks: new Turns(CLICKS) };
}
