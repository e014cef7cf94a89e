import { backoff } from '@lakh/base';
import { Guide } from './guide.js';
import { type Master, openMaster } from './master.js';
import { type Access, type NodeAddress, nameOf } from './node.js';
import { type Shard, SLOTS, shardOfAll, slotOf } from './slots.js';
import { askCluster, askSentinel } from './topology.js';
import type { RedisTarget } from './url.js';

/** The part of a pino logger that is used here. */
export interface RedisLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface MastersOptions {
  readonly target: RedisTarget;
  /** The longest that a command is waited for. Default 100. */
  readonly deadlineMs?: number | undefined;
  /** Slots of which something is known by their master, which ends when it loses one of them. All, where it is not said. */
  readonly bound?: ReadonlySet<number> | undefined;
  readonly log?: RedisLog | undefined;
  /** For metrics: whether every key has a master now. */
  readonly changed?: ((isWhole: boolean) => void) | undefined;
}

/** Called at once, in the turn of the event loop in which it happens. */
export interface MastersListener {
  came?(master: Master): void;
  ended?(master: Master, error: Error): void;
}

const DEFAULT_DEADLINE_MS = 100;
const AGAIN_FIRST_MS = 50;
const AGAIN_MOST_MS = 500;
/** A master that lasted longer than this did not fail like the one before it. */
const LASTING_MS = 5_000;

/**
 * The masters of one Redis, each by a connection of its own: the one server, the master that the sentinels name, or those of a Cluster. Connects in
 * the background, and goes on until it is closed.
 */
export class Masters {
  readonly #options: MastersOptions;
  readonly #access: Access;
  readonly #isCluster: boolean;
  readonly #listeners = new Set<MastersListener>();
  readonly #places = new Map<string, Place>();
  readonly #guide: Guide | undefined;
  #table: readonly (Place | undefined)[] = [];
  #generation = 0;
  #isWhole = false;
  #isLackTold = false;
  #isClosed = false;

  constructor(options: MastersOptions) {
    this.#options = options;
    const { target } = options;
    const { username, password, tls } = target;
    this.#isCluster = target.kind === 'cluster';
    const database = target.kind === 'cluster' ? 0 : target.database;
    this.#access = { username, password, database, tls };
    options.changed?.(false);
    this.#guide = this.#openGuide();
    if (target.kind === 'single') this.#learn([shardOfAll(target.node)]);
  }

  /** Whether every key has a master now. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The master of a key, or of a slot; undefined while it has none. */
  of(key: string | number): Master | undefined {
    const slot = typeof key === 'number' ? key : this.#isCluster ? slotOf(key) : 0;
    return this.#table[slot]?.master;
  }

  /** Those that are there now. */
  all(): readonly Master[] {
    return [...this.#places.values()].flatMap(({ master }) => master ?? []);
  }

  /** Calls `came` at once for those that are there. @returns what ends it */
  watch(listener: MastersListener): () => void {
    this.#listeners.add(listener);
    for (const master of this.all()) listener.came?.(master);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends the connections, also to a frozen server. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const closed = this.#guide?.close();
    this.#learn([]);
    await closed;
  }

  #openGuide(): Guide | undefined {
    const { target } = this.#options;
    if (target.kind === 'single') return undefined;
    return new Guide({
      seeds: target.nodes,
      access: target.kind === 'cluster' ? this.#access : { ...target.sentinel, tls: target.tls },
      ask: target.kind === 'cluster' ? askCluster : (node) => askSentinel(node, target.name),
      told: ({ shards }) => this.#learn(shards),
      failed: (error) => this.#lacks(error),
      isWell: () => this.#isWhole,
    });
  }

  #learn(shards: readonly Shard[]): void {
    const before = this.#table;
    const table: (Place | undefined)[] = new Array(SLOTS).fill(undefined);
    const stay = new Set<Place>();
    for (const { address, ranges } of shards) {
      const place = this.#placeOf(address);
      stay.add(place);
      for (const [first, last] of ranges) table.fill(place, first, last + 1);
    }
    this.#table = table;
    for (const [name, place] of this.#places) {
      if (stay.has(place)) continue;
      this.#places.delete(name);
      place.close();
    }
    const bereft = new Set(before.filter((place, slot) => place !== table[slot] && this.#isBound(slot)));
    for (const place of bereft) place?.master?.end(new Error('slots of it have another master'));
    this.#look();
  }

  #placeOf(address: NodeAddress): Place {
    const name = nameOf(address);
    const place =
      this.#places.get(name) ??
      new Place({
        open: (ended, signal) => {
          this.#generation += 1;
          return openMaster(
            {
              address,
              access: this.#access,
              generation: this.#generation,
              deadlineMs: this.#options.deadlineMs ?? DEFAULT_DEADLINE_MS,
              ended,
              isBound: (slot) => this.#isBound(slot),
              doubted: () => this.#guide?.doubt(),
            },
            signal,
          );
        },
        came: (master) => this.#came(master),
        ended: (master, error) => this.#ended(master, error),
        failed: (error) => this.#lacks(error),
      });
    this.#places.set(name, place);
    return place;
  }

  #isBound(slot: number): boolean {
    return this.#options.bound?.has(slot) ?? true;
  }

  #came(master: Master): void {
    this.#look();
    for (const { came } of this.#listeners) came?.(master);
  }

  #ended(master: Master, error: Error): void {
    this.#look();
    this.#guide?.doubt();
    this.#lacks(error);
    for (const { ended } of this.#listeners) ended?.(master, error);
  }

  /** Tells of the first failure since all was well. */
  #lacks(error: unknown): void {
    if (this.#isWhole || this.#isLackTold || this.#isClosed) return;
    this.#isLackTold = true;
    this.#options.log?.warn({ err: error }, 'redis is not asked');
  }

  #look(): void {
    const isWhole = this.#table.length > 0 && !this.#table.some((place) => place?.master === undefined);
    if (isWhole === this.#isWhole) return;
    this.#isWhole = isWhole;
    if (isWhole) {
      this.#isLackTold = false;
      this.#options.log?.info({ masters: this.all().map(({ name }) => name) }, 'redis is asked');
    }
    this.#options.changed?.(isWhole);
  }
}

interface PlaceOptions {
  readonly open: (ended: (master: Master, error: Error) => void, signal: AbortSignal) => Promise<Master>;
  readonly came: (master: Master) => void;
  readonly ended: (master: Master, error: Error) => void;
  readonly failed: (error: unknown) => void;
}

/** An address at which there is to be a master: makes one connection after the other. */
class Place {
  master: Master | undefined;
  readonly #options: PlaceOptions;
  readonly #closing = new AbortController();
  readonly #againMs = backoff({ firstMs: AGAIN_FIRST_MS, capMs: AGAIN_MOST_MS, random: Math.random });
  #timer: NodeJS.Timeout | undefined;
  #cameAtMs = 0;
  #failures = 0;

  constructor(options: PlaceOptions) {
    this.#options = options;
    void this.#open();
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.master?.end(new Error('it is no master any more'));
  }

  async #open(): Promise<void> {
    try {
      const master = await this.#options.open((...end) => this.#ended(...end), this.#closing.signal);
      if (this.#closing.signal.aborted) master.end(new Error('it is no master any more'));
      if (master.isEnded) return;
      this.#cameAtMs = performance.now();
      this.master = master;
      this.#options.came(master);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#options.failed(error);
      this.#again();
    }
  }

  #ended(master: Master, error: Error): void {
    this.master = undefined;
    if (performance.now() - this.#cameAtMs > LASTING_MS) this.#failures = 0;
    this.#options.ended(master, error);
    if (!this.#closing.signal.aborted) this.#again();
  }

  #again(): void {
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.#open(), this.#againMs(this.#failures));
    this.#timer.unref();
  }
}
