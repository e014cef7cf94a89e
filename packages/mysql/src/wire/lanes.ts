import { isVitess } from './connection.js';
import type { PrimaryPool } from './primary-pool.js';

/**
 * The ways to the rows of a database: one where it is one server, and one a shard where it is a keyspace, each a range of buckets with connections and a
 * breaker of its own, so that a shard that is away stops what lies on it and nothing else.
 */
export interface Lanes {
  readonly all: readonly PrimaryPool[];
  /** Of a keyspace id by its first byte: a bucket, or that of a key's hash. */
  of(byte: number): PrimaryPool;
}

export function oneLane(pool: PrimaryPool): Lanes {
  return { all: [pool], of: () => pool };
}

/** A lane's pool, to be closed with it. */
export interface LanePool extends PrimaryPool {
  /** Told now and then whether its shard has replicas that serve. */
  replicasServe?(doThey: boolean): void;
  close(): void;
}

export interface ShardLanesOptions {
  /** What all of the database is reached by; the only lane until more are known. */
  readonly whole: PrimaryPool;
  readonly keyspace: string;
  /** Connects to nothing yet. `range` as Vitess writes it, `40-80`; `count`: how many there are to be. */
  readonly open: (range: string, count: number) => LanePool;
}

const BYTES = 256;
/** A split is as good as never, and until it is known lanes have two shards each. */
const ASK_EVERY_MS = 10_000;
/** Until the shards are known for the first time. */
const FIRST_ASK_EVERY_MS = 500;

/** What a vtgate says of a keyspace. */
interface Shards {
  readonly ranges: readonly string[];
  /** Those with a replica that serves. */
  readonly replicated: ReadonlySet<string>;
}

/** Lanes that follow the shards of a keyspace; one for ever where it is none. */
export class ShardLanes implements Lanes {
  readonly #options: ShardLanesOptions;
  #byRange = new Map<string, LanePool>();
  #byByte: readonly PrimaryPool[] = [];
  #all: readonly PrimaryPool[];
  #timer: NodeJS.Timeout | undefined;
  #isFollowing = false;
  #isClosed = false;

  constructor(options: ShardLanesOptions) {
    this.#options = options;
    this.#all = [options.whole];
  }

  get all(): readonly PrimaryPool[] {
    return this.#all;
  }

  of(byte: number): PrimaryPool {
    return this.#byByte[byte] ?? this.#options.whole;
  }

  /** Asks for the shards, now and then until it is closed or known that there are none. Once is enough. */
  follow(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    void this.ask();
  }

  /** Resolves when the lanes are those that there were at the call, as far as that could be found out. */
  async ask(): Promise<void> {
    clearTimeout(this.#timer);
    let shards: Shards | undefined;
    try {
      shards = await this.#ask();
    } catch {
      this.#askAgain(this.#byRange.size === 0 ? FIRST_ASK_EVERY_MS : ASK_EVERY_MS);
      return; // told of by the pool; what was known stays
    }
    if (shards === undefined || this.#isClosed) return;
    this.#take(shards.ranges);
    for (const [range, lane] of this.#byRange) lane.replicasServe?.(shards.replicated.has(range));
    this.#askAgain(ASK_EVERY_MS);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const lane of this.#byRange.values()) lane.close();
  }

  #askAgain(inMs: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.ask(), inMs);
    this.#timer.unref();
  }

  /** Undefined: it is no keyspace. */
  #ask(): Promise<Shards | undefined> {
    const { whole, keyspace } = this.#options;
    return whole.read(async (session) => {
      if (!isVitess(session.facts.version)) return undefined;
      const shards = await session.query('SHOW VITESS_SHARDS');
      const tablets = await session.query('SHOW VITESS_TABLETS');
      const prefix = `${keyspace}/`;
      return {
        ranges: shards.rows
          .map(([name]) => String(name))
          .flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : [])),
        replicated: new Set(
          tablets.rows.flatMap(([, ofKeyspace, shard, type, state]) =>
            ofKeyspace === keyspace && type === 'REPLICA' && state === 'SERVING' ? [String(shard)] : [],
          ),
        ),
      };
    });
  }

  #take(ranges: readonly string[]): void {
    const isSame = ranges.length === this.#byRange.size && ranges.every((range) => this.#byRange.has(range));
    if (isSame) return;
    const rangeOf = rangesByByte(ranges);
    if (rangeOf === undefined) return; // in between: what is known stays, and is asked for again
    const { open, whole } = this.#options;
    const before = this.#byRange;
    this.#byRange = new Map(ranges.map((range) => [range, before.get(range) ?? open(range, ranges.length)]));
    this.#byByte = rangeOf.map((range) => this.#byRange.get(range) as LanePool);
    this.#all = [...this.#byRange.values()];
    const gone = [...before].filter(([range]) => !this.#byRange.has(range)).map(([, lane]) => lane);
    // What is under way there, or waits, has its answer by then.
    setTimeout(() => {
      for (const lane of gone) lane.close();
    }, 2 * whole.deadlineMs).unref();
  }
}

/** Of keyspace ids, whose digits are compared from the first on: `40-80`, `-80`, `80-`. */
export function isInRange(range: string, byte: number): boolean {
  const id = byte.toString(16).padStart(2, '0');
  const [start = '', end = ''] = range.split('-');
  return start <= id && (end === '' || id < end);
}

/** Which range each byte lies in; undefined where they leave out one, or have one twice. */
export function rangesByByte(ranges: readonly string[]): readonly string[] | undefined {
  const found: string[] = [];
  for (let byte = 0; byte < BYTES; byte += 1) {
    const [range, ...more] = ranges.filter((each) => isInRange(each, byte));
    if (range === undefined || more.length > 0) return undefined;
    found.push(range);
  }
  return found;
}
