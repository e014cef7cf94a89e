import { type Sighting, StoreUnavailableError } from '@lakh/links';
import { Coalescer } from '../wire/coalescer.js';
import { DatabaseUnsupportedError, SqlFailure, storeError } from '../wire/errors.js';
import type { PrimaryPool, ReplicaReader } from '../wire/primary-pool.js';
import type { StatementTimer } from '../wire/timing.js';
import { asStored, isStorableCode, keyOf, type LinkRow, positionOf, selectSightings } from './rows.js';

/** That are asked for one batch, the second where the first did not answer. */
const MOST_REPLICAS = 2;

export interface FindQueueOptions {
  readonly pool: PrimaryPool;
  /** Whether replicas may answer. What they do not have, the primary is asked for. */
  readonly fromReplicas: boolean;
  readonly timer: StatementTimer;
  readonly maxInFlight: number;
  /** Codes of one statement, at most. */
  readonly maxCodes: number;
  /** Codes that may wait beside those under way; one more is refused at once. */
  readonly maxQueued: number;
}

interface Asked {
  readonly domainId: number;
  readonly code: string;
  readonly answer: Promise<Sighting | undefined>;
  readonly resolve: (found: Sighting | undefined) => void;
  readonly reject: (error: unknown) => void;
}

class FindBatch {
  readonly openedAtMs = performance.now();
  readonly asked = new Map<string, Asked>();
  get size(): number {
    return this.asked.size;
  }
}

/**
 * Coalesces reads into `IN (…)`. Callers of one code share one question as long as it has not been sent; a question that
 * is under way is not joined, since its answer may be older than what the caller knows of.
 */
export class FindQueue {
  readonly #options: FindQueueOptions;
  readonly #coalescer: Coalescer<FindBatch>;
  /** Questions that no statement carries yet, by key. */
  readonly #unsent = new Map<string, Asked>();

  constructor(options: FindQueueOptions) {
    this.#options = options;
    this.#coalescer = new Coalescer({
      maxInFlight: options.maxInFlight,
      open: () => new FindBatch(),
      send: (batch) => this.#read(batch),
    });
  }

  get queued(): number {
    return this.#coalescer.queued;
  }

  sight(domainId: number, code: string): Promise<Sighting | undefined> {
    const { pool, maxQueued, maxCodes } = this.#options;
    if (!isStorableCode(code)) return Promise.resolve(undefined);
    if (!pool.available && this.#reader() === undefined)
      return Promise.reject(new StoreUnavailableError(`${pool.name} is away: ${pool.unavailableReason}`));
    const key = keyOf(domainId, code);
    const same = this.#unsent.get(key);
    if (same) return same.answer;
    if (this.queued >= maxQueued) {
      return Promise.reject(
        new StoreUnavailableError(`${this.queued} reads wait for ${pool.name} already`, { isBusy: true }),
      );
    }
    const { promise: answer, resolve, reject } = withResolvers<Sighting | undefined>();
    const asked: Asked = { domainId, code, answer, resolve, reject };
    this.#coalescer.batch((open) => open.size < maxCodes).asked.set(key, asked);
    this.#unsent.set(key, asked);
    this.#coalescer.added();
    return answer;
  }

  async #read(batch: FindBatch): Promise<void> {
    for (const key of batch.asked.keys()) this.#unsent.delete(key);
    const open = new Map(batch.asked);
    try {
      for (let tries = 0; tries < MOST_REPLICAS && open.size > 0; tries += 1) {
        const reader = this.#reader();
        if (reader === undefined) break;
        if (await this.#readFrom(reader, batch, open)) break;
      }
      if (open.size > 0) await this.#readPrimary(batch, open);
    } catch (error) {
      const told = storeError(error);
      for (const asked of open.values()) asked.reject(told);
    }
  }

  #reader(): ReplicaReader | undefined {
    return this.#options.fromReplicas ? this.#options.pool.reader?.() : undefined;
  }

  /** Settles what a replica has and is not too old, and takes it from `open`. False: it did not answer. */
  async #readFrom(reader: ReplicaReader, batch: FindBatch, open: Map<string, Asked>): Promise<boolean> {
    try {
      const found = await this.#options.timer('find', open.size, () =>
        reader.read((session) => selectSightings(session, open.values()), this.#remainingMs(batch)),
      );
      for (const [key, row] of found) {
        const asked = open.get(key);
        const lagMs = asked && reader.lagOf ? reader.lagOf(asked, positionOf(row)) : reader.lagMs;
        if (asked === undefined || lagMs === undefined) continue;
        open.delete(key);
        settle(asked, row, lagMs);
      }
      return true;
    } catch (error) {
      if (!(error instanceof SqlFailure || error instanceof DatabaseUnsupportedError)) throw error;
      return false;
    }
  }

  /** Settles all of `open`: what the primary does not have is not there. */
  async #readPrimary(batch: FindBatch, open: ReadonlyMap<string, Asked>): Promise<void> {
    const { pool, timer } = this.#options;
    const found = await timer('find', open.size, () =>
      pool.read((session) => selectSightings(session, open.values()), this.#remainingMs(batch)),
    );
    for (const [key, asked] of open) settle(asked, found.get(key), 0);
  }

  #remainingMs(batch: FindBatch): number {
    const remainingMs = batch.openedAtMs + this.#options.pool.deadlineMs - performance.now();
    if (remainingMs <= 0) throw new SqlFailure('unsent', 'the deadline passed before the codes could be asked for');
    return remainingMs;
  }
}

function settle({ resolve, reject }: Asked, row: LinkRow | undefined, lagMs: number): void {
  try {
    resolve(row && { link: asStored(row), position: positionOf(row), lagMs });
  } catch (error) {
    reject(error);
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}
