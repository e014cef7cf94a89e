import { bucketOf } from '@lakh/links';
import type { LogPlace, PrimaryPool } from '../wire/primary-pool.js';
import { readHeads } from './change-log.js';
import type { LinkKey } from './rows.js';

/** Between an answer of the primary and the next question: what a replica says is proven up to the last one. */
const PAUSE_MS = 250;
/** After a read of a replica: as long as there are some, the primary is asked. */
const WANTED_FOR_MS = 2_000;

/**
 * What proves how old a replica's answer may be where nobody can tell which of several replicas gave it: the row of a link comes with where the log of
 * its bucket stands, of one snapshot. If the primary, asked at some moment, has the log of that bucket at the very same place, no link of it was changed
 * in between, and the row is as it was at that moment. No clock of another machine is in it, and no server has to be told from another.
 */
export class KnownHeads {
  readonly #primary: Pick<PrimaryPool, 'read'>;
  readonly #asked: readonly { readonly bucket: number }[];
  #heads: ReadonlyMap<number, LogPlace> = new Map();
  /** As the question for `heads` was sent; by `performance.now()` of this process. */
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #wantedAtMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #isClosed = false;

  constructor(primary: Pick<PrimaryPool, 'read'>, buckets: readonly number[]) {
    this.#primary = primary;
    this.#asked = buckets.map((bucket) => ({ bucket }));
  }

  /** Keeps the primary being asked for some time. @returns how old the last answer is, in milliseconds; infinite where there is none */
  want(): number {
    const nowMs = performance.now();
    this.#wantedAtMs = nowMs;
    if (!this.#isAsking && !this.#isClosed) void this.#ask();
    return nowMs - this.#sentAtMs;
  }

  /** How far behind the primary that was which showed this place, by a question that it was asked at `askedAtMs`; undefined where nothing proves it. */
  lagOf({ domainId, code }: LinkKey, shown: LogPlace | undefined, askedAtMs: number): number | undefined {
    const head = this.#heads.get(bucketOf(domainId, code));
    // A place that is further on is newer, or of a history that has ended: only the primary knows.
    if (head === undefined || head.seq !== shown?.seq || head.nonce !== shown.nonce) return undefined;
    return Math.max(0, askedAtMs - this.#sentAtMs);
  }

  close(): void {
    this.#isClosed = true;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (!this.#isClosed && performance.now() - this.#wantedAtMs < WANTED_FOR_MS) {
      await this.#primary
        .read(async (session) => {
          const sentAtMs = performance.now();
          this.#heads = await readHeads(session, this.#asked);
          this.#sentAtMs = sentAtMs;
        })
        // The pool tells of it, and what is known grows too old.
        .catch(() => undefined);
      await new Promise<void>((resolve) => void setTimeout(resolve, PAUSE_MS).unref());
    }
    this.#isAsking = false;
  }
}
