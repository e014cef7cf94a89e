import { BUCKETS, type CopyHolder, type LinkCopy } from '@lakh/links';
import { type CopyHolderOptions, RedisCopyHolder } from './copy-holder.js';
import { slotOfBucket } from './copy-keys.js';
import type { Master } from './master.js';
import type { Masters } from './masters.js';
import { createSeal, type Seal } from './seal.js';

export interface RedisLinkCopyOptions {
  /** The caller's to close. */
  readonly masters: Masters;
  readonly isCluster: boolean;
  /** How long a value lives, ±10 %: what nobody asks for any more makes room, and nothing is served for longer when nobody can say whether it is true. */
  readonly ttlS: number;
  /**
   * 256 random bits that the servers of one database share: nothing is believed that was not put by who has them. Undefined while they are
   * not known, as where the database is away since the start: then a value is believed by its form, and nothing is put.
   */
  readonly sealKey: () => Uint8Array | undefined;
  /** For metrics; called synchronously on the hot path. */
  readonly onRead?: CopyHolderOptions['onRead'];
}

/** The copy of links in Redis: each master holds the buckets whose slots it has, for as long as it is one. */
export class RedisLinkCopy implements LinkCopy {
  readonly #options: RedisLinkCopyOptions;
  readonly #holders = new Map<Master, RedisCopyHolder[]>();
  readonly #byBucket: (RedisCopyHolder | undefined)[] = new Array(BUCKETS).fill(undefined);
  readonly #followers = new Set<(holder: CopyHolder) => void>();
  #seal: Seal | undefined;

  constructor(options: RedisLinkCopyOptions) {
    this.#options = options;
    options.masters.watch({
      came: () => this.#adopt(),
      ended: (master, error) => {
        for (const holder of this.#holders.get(master) ?? []) holder.end(error);
        this.#holders.delete(master);
        this.#adopt();
      },
    });
  }

  holderOf(bucket: number): CopyHolder | undefined {
    const holder = this.#byBucket[bucket];
    if (holder !== undefined && !holder.ended.aborted) return holder;
    // Slots that nobody had before may have come to a master that was there.
    if (this.#options.masters.of(slotOfBucket(bucket)) !== undefined) this.#adopt();
    return this.#byBucket[bucket];
  }

  follow(began: (holder: CopyHolder) => void): () => void {
    this.#followers.add(began);
    for (const holders of this.#holders.values()) for (const holder of holders) began(holder);
    return () => void this.#followers.delete(began);
  }

  /** Gives each bucket without a holder to the master of its slot. */
  #adopt(): void {
    const orphans = new Map<Master, number[]>();
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      if (this.#byBucket[bucket]?.ended.aborted === false) continue;
      this.#byBucket[bucket] = undefined;
      const master = this.#options.masters.of(slotOfBucket(bucket));
      if (master === undefined || master.isEnded) continue;
      const buckets = orphans.get(master);
      if (buckets) buckets.push(bucket);
      else orphans.set(master, [bucket]);
    }
    for (const [master, buckets] of orphans) this.#hold(master, buckets);
  }

  #hold(master: Master, buckets: readonly number[]): void {
    const { isCluster, ttlS, onRead } = this.#options;
    const holder = new RedisCopyHolder({
      master,
      buckets,
      isCluster,
      ttlMs: ttlS * 1_000,
      findSeal: () => this.#findSeal(),
      onRead,
    });
    for (const bucket of buckets) this.#byBucket[bucket] = holder;
    this.#holders.set(master, [...(this.#holders.get(master) ?? []), holder]);
    for (const began of this.#followers) began(holder);
  }

  #findSeal(): Seal | undefined {
    const key = this.#seal === undefined ? this.#options.sealKey() : undefined;
    if (key !== undefined) this.#seal = createSeal(key);
    return this.#seal;
  }
}
