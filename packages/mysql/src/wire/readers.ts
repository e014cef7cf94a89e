import { Beats } from './beats.js';
import { SqlFailure } from './errors.js';
import type { MemberAnswer } from './member-watch.js';
import type { ReplicaReader, ServerPool } from './primary-pool.js';

/** Further behind, a replica is not asked: what it says would hardly be kept. By far more than beats and questions are apart. */
export const MOST_LAG_MS = 2_000;
/** Of what its caller has left, a replica that does not answer takes no more. */
export const DEADLINE_PART = 1 / 3;

interface Replica {
  readonly pool: ServerPool;
  isReplica: boolean;
  /** Everything that was committed before this moment is there; `performance.now()` of this process. */
  completeUntilMs: number;
  /** Failed since it was last asked what it is. */
  isSuspect: boolean;
  outstanding: number;
}

/** Which replicas may be read from, and what is known of their lag. */
export class Readers {
  readonly #replicas: readonly Replica[];
  readonly #beats = new Beats();
  #turn: number;

  constructor(pools: readonly ServerPool[], random: () => number) {
    this.#replicas = pools.map((pool) => ({
      pool,
      isReplica: false,
      completeUntilMs: Number.NEGATIVE_INFINITY,
      isSuspect: false,
      outstanding: 0,
    }));
    this.#turn = Math.floor(random() * pools.length);
  }

  /** A member said what it is. */
  heard(member: number, isPrimary: boolean, { state, beat }: MemberAnswer, sentAtMs: number): void {
    const replica = this.#replicas[member] as Replica;
    const isReplica = !isPrimary && state.kind === 'plain' && state.isReadOnly;
    // What comes back may have been made anew meanwhile.
    if (!isReplica) replica.completeUntilMs = Number.NEGATIVE_INFINITY;
    replica.isReplica = isReplica;
    replica.isSuspect = false;
    if (beat === undefined) return;
    if (isPrimary) this.#beats.primaryShows(beat, sentAtMs);
    else if (isReplica) {
      replica.completeUntilMs = Math.max(
        replica.completeUntilMs,
        this.#beats.completeUntil(beat) ?? Number.NEGATIVE_INFINITY,
      );
    }
  }

  /** The primary is another, or nobody: nothing is known of lags any more. */
  forget(): void {
    this.#beats.forget();
    for (const replica of this.#replicas) replica.completeUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** The replica with the least under way, of those that are not far behind; in turn where several have as little. */
  next(): ReplicaReader | undefined {
    const now = performance.now();
    const best = this.#leastBusy(({ isReplica, completeUntilMs }) => isReplica && now - completeUntilMs <= MOST_LAG_MS);
    return best && readerOf(best, now - best.completeUntilMs);
  }

  /** The primary cannot be asked, and an old answer is better than none: any replica, or else `fallback`. */
  lastResort(fallback: number | undefined): ReplicaReader | undefined {
    const best = this.#leastBusy(({ isReplica }) => isReplica);
    const other = fallback === undefined ? undefined : this.#replicas[fallback];
    const chosen = best ?? (other && isUsable(other) ? other : undefined);
    return chosen && readerOf(chosen, Number.POSITIVE_INFINITY);
  }

  #leastBusy(isGood: (replica: Replica) => boolean): Replica | undefined {
    const count = this.#replicas.length;
    let best: Replica | undefined;
    for (let i = 0; i < count; i += 1) {
      const replica = this.#replicas[(this.#turn + i) % count] as Replica;
      if (!isUsable(replica) || !isGood(replica)) continue;
      if (best === undefined || replica.outstanding < best.outstanding) best = replica;
    }
    this.#turn = (this.#turn + 1) % count;
    return best;
  }

  lags(): ReadonlyMap<string, number> {
    const now = performance.now();
    const replicas = this.#replicas.filter(({ isReplica }) => isReplica);
    return new Map(replicas.map(({ pool, completeUntilMs }) => [pool.name, now - completeUntilMs]));
  }
}

function isUsable({ isSuspect, pool }: Replica): boolean {
  return !isSuspect && pool.available;
}

function readerOf(replica: Replica, lagMs: number): ReplicaReader {
  return {
    name: replica.pool.name,
    lagMs,
    async read(work, deadlineMs) {
      replica.outstanding += 1;
      try {
        return await replica.pool.run(work, deadlineMs * DEADLINE_PART);
      } catch (error) {
        if (error instanceof SqlFailure) replica.isSuspect = true; // until it answers what it is
        throw error;
      } finally {
        replica.outstanding -= 1;
      }
    },
  };
}
