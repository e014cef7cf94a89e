import type { Session } from '../wire/connection.js';
import type { LanePool } from '../wire/lanes.js';
import type { PrimaryPool, ReplicaReader } from '../wire/primary-pool.js';
import { DEADLINE_PART, MOST_LAG_MS } from '../wire/readers.js';
import { KnownHeads } from './known-heads.js';
import type { LinkKey } from './rows.js';

export interface ReplicatedLaneOptions {
  /** To the shard's primary. */
  readonly primary: LanePool;
  /** To its replicas, whichever answers. Connects to nothing before it is used. */
  readonly replicas: LanePool;
  readonly buckets: readonly number[];
}

/** A lane whose shard may have replicas: what they answer is believed where the log of the link's bucket proves it. */
export class ReplicatedLane implements LanePool {
  readonly #primary: LanePool;
  readonly #replicas: LanePool;
  readonly #heads: KnownHeads;
  #doReplicasServe = false;

  constructor({ primary, replicas, buckets }: ReplicatedLaneOptions) {
    this.#primary = primary;
    this.#replicas = replicas;
    this.#heads = new KnownHeads(primary, buckets);
  }

  get name(): string {
    return this.#primary.name;
  }

  get deadlineMs(): number {
    return this.#primary.deadlineMs;
  }

  get available(): boolean {
    return this.#primary.available;
  }

  get unavailableReason(): string {
    return this.#primary.unavailableReason;
  }

  get writeRefusal(): string {
    return this.#primary.writeRefusal;
  }

  run: PrimaryPool['run'] = (work, deadlineMs) => this.#primary.run(work, deadlineMs);
  read: PrimaryPool['read'] = (work, deadlineMs) => this.#primary.read(work, deadlineMs);
  transaction: PrimaryPool['transaction'] = (work, deadlineMs) => this.#primary.transaction(work, deadlineMs);
  proveWritable: PrimaryPool['proveWritable'] = () => this.#primary.proveWritable();

  reader(): ReplicaReader | undefined {
    if (!this.#doReplicasServe || !this.#replicas.available) return undefined;
    const ageMs = this.#heads.want();
    return ageMs <= MOST_LAG_MS || !this.#primary.available ? this.#readerNow() : undefined;
  }

  replicasServe(doThey: boolean): void {
    this.#doReplicasServe = doThey;
  }

  close(): void {
    this.#heads.close();
    this.#replicas.close();
    this.#primary.close();
  }

  #readerNow(): ReplicaReader {
    let askedAtMs = performance.now();
    return {
      name: this.#replicas.name,
      lagMs: Number.POSITIVE_INFINITY,
      lagOf: (link: LinkKey, shown) => {
        const lagMs = this.#heads.lagOf(link, shown, askedAtMs);
        if (lagMs !== undefined && lagMs <= MOST_LAG_MS) return lagMs;
        // An old answer is better than none.
        return this.#primary.available ? undefined : Number.POSITIVE_INFINITY;
      },
      read: <T>(work: (session: Session) => Promise<T>, deadlineMs: number) =>
        this.#replicas.run((session) => {
          askedAtMs = performance.now();
          return work(session);
        }, deadlineMs * DEADLINE_PART),
    };
  }
}
