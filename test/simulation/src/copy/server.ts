/** One server: the real keeper of the copy with its relay and reader, the real resolver and L1, over simulated wires and a clock of its own. */
import {
  type ChangeLog,
  type CopyClock,
  type CopyKeeper,
  createAnnouncer,
  createCopyKeeper,
  createResolver,
  DEFAULT_DOMAIN_ID,
  type LinkCache,
  type LinkStore,
  type Resolver,
  type Sighting,
  StoreUnavailableError,
} from '@lakh/links';
import { createRenewals, L1Cache } from '@lakh/redirects';
import { SimulatedProcess } from '../process.js';
import { SimulatedLinkCopy } from './link-copy.js';
import { Wire } from './wire.js';
import { type CopyWorld, VALID_FOR_MS } from './world.js';

const DATABASE_DEADLINE_MS = 300;
/** Further behind, a replica is not asked. */
const MOST_LAG_MS = 400;
const REPLICA_READS = 0.5;
/** Clocks of two machines have nothing to do with each other. */
const CLOCKS_APART_MS = 1_000_000;
const LATE_MS = 300;
const L1_BYTES = 1_000_000;

type SightStore = Pick<LinkStore, 'sight'>;

export class CopyServer {
  readonly process: SimulatedProcess;
  readonly copy: SimulatedLinkCopy;
  readonly clock: CopyClock;
  readonly #world: CopyWorld;
  readonly #keeper: CopyKeeper;
  readonly #cache: LinkCache;
  readonly #resolver: Resolver;
  readonly #l1: L1Cache;
  #wire: Wire;
  /** How far behind the server was that answered last for a code, and whether the answer was nobody's proof. */
  readonly #lagMs = new Map<string, number>();
  readonly #unproven = new Set<string>();
  #ambushMs = 0;
  /** Requests that have not ended. */
  waiting = 0;

  constructor(world: CopyWorld, name: string) {
    const { time, random, faults, redis, buckets, sabotage } = world;
    this.#world = world;
    this.process = new SimulatedProcess(name, time);
    const apartMs = Math.floor(random() * CLOCKS_APART_MS);
    const { clock } = this.process;
    this.clock = { monotonicMs: () => clock.monotonicMs() + apartMs, schedule: clock.schedule };
    this.#wire = this.#newWire();
    this.copy = new SimulatedLinkCopy({
      ...{ redis, process: this.process, time, faults, buckets },
      lateMs: random() * LATE_MS,
    });
    this.#l1 = new L1Cache({
      domainId: DEFAULT_DOMAIN_ID,
      maxBytes: L1_BYTES,
      answerOf: ({ longUrl }) => ({ status: 301, location: longUrl, cacheControl: '' }),
      clock: { nowMs: clock.wallMs, monotonicMs: this.clock.monotonicMs },
      renew: createRenewals({
        resolve: (code) => this.#resolver.resolve(DEFAULT_DOMAIN_ID, code),
        later: (run) => void clock.schedule(0, run),
        schedule: clock.schedule,
        onBegan: () => world.coverage.add('renewed'),
      }),
    });
    const log = this.#log();
    const store = this.#store();
    this.#keeper = createCopyKeeper({
      ...(sabotage.copyAndLog?.(this.copy, log, this.clock) ?? { copy: this.copy, log }),
      clock: this.clock,
      random,
      newNonce: world.newNonce,
      validForMs: VALID_FOR_MS,
      observer: {
        round: (outcome) => world.coverage.add(`round: ${outcome}`),
        fill: (outcome) => world.coverage.add(`fill: ${outcome}`),
      },
    });
    this.#cache = sabotage.cache?.(this.#keeper.cache, this.clock) ?? this.#keeper.cache;
    this.#resolver = this.#makeResolver(sabotage.store?.(store) ?? store);
    this.process.atDeath(this.#keeper.start());
    this.copy.follow(() => this.#l1.missed());
  }

  /** A message of a change, which may be late or get lost. */
  hear(change: { readonly domainId: number; readonly code: string; readonly version: number }): void {
    const { time, random, messageLoss } = this.#world;
    if (random() < messageLoss) return;
    time.schedule(random() * LATE_MS, () => this.process.deliver(() => this.#l1.changed(change)));
  }

  follow(code: string): void {
    if (this.process.state !== 'running') return;
    const { truth, coverage } = this.#world;
    const path = `/${code}`;
    const nowMs = this.clock.monotonicMs();
    const hit = this.#l1.get(path, nowMs);
    const meant = hit
      ? truth.meant((link) => link.state === 'live' && link.longUrl === hit.location)
      : this.#l1.goneBy(path, nowMs) === 'delete'
        ? truth.meant((link) => link.state === 'deleted' && link.code === code)
        : undefined;
    if (meant !== undefined) {
      coverage.add('served by L1');
      truth.served(`${this.process.name} by L1`, meant, VALID_FOR_MS + (this.#lagMs.get(code) ?? 0));
      return;
    }
    this.#await(this.#resolver.resolve(DEFAULT_DOMAIN_ID, code), (link) => {
      if (link === undefined) return;
      if (this.#unproven.has(code))
        coverage.add(truth.isTrue(link) ? 'served unproven' : 'served unproven, and not true any more');
      else truth.served(this.process.name, link, VALID_FOR_MS + (this.#lagMs.get(code) ?? 0));
    });
  }

  followFresh(code: string): void {
    if (this.process.state !== 'running') return;
    const { truth, time } = this.#world;
    const sinceMs = time.monotonicMs();
    const found = this.#resolver.resolveFresh(DEFAULT_DOMAIN_ID, code);
    if (found) this.#await(found, (link) => link && truth.servedFresh(this.process.name, link, sinceMs));
  }

  change(what: 'edit' | 'remove' | 'undelete' | 'create', code: string): void {
    if (this.process.state !== 'running') return;
    const { coverage, database, withdraws, sabotage } = this.#world;
    const announce = createAnnouncer({
      hasten: (domainId, code, version) => this.#keeper.hasten(domainId, code, withdraws ? version : undefined),
      invalidate: (invalidation) => this.#l1.changed(invalidation),
    });
    if (sabotage.announcesFirst) {
      const before = database.find(code)?.link;
      if (before !== undefined) void announce({ ...before, version: before.version + 1 });
    }
    this.#await(
      this.#wire.request(what, () => database[what](code)),
      async (changed) => {
        if (changed === undefined) return;
        coverage.add(what);
        coverage.add((await announce(changed)) ? 'announced' : 'not announced in time');
      },
    );
  }

  /** For so long, once it has read the log again. */
  pauseInRound(ms: number): void {
    this.#ambushMs = ms;
  }

  cutOffFromDatabase(): void {
    this.#wire.cut();
  }

  reachDatabase(): void {
    if (this.#wire.isCut) this.#wire = this.#newWire();
  }

  /** For how much longer what the copy has may be served, and whether it has anything of the code. */
  async trustMs(code: string): Promise<number> {
    const cached = await this.#keeper.cache.get(DEFAULT_DOMAIN_ID, code);
    return cached === undefined ? Number.NEGATIVE_INFINITY : cached.validUntilMs - this.clock.monotonicMs();
  }

  #newWire(): Wire {
    const { time, faults, database } = this.#world;
    return new Wire({
      process: this.process,
      time,
      faults,
      deadlineMs: DATABASE_DEADLINE_MS,
      servedMs: (atMs) => Math.max(atMs, database.frozenUntilMs),
      name: 'database',
    });
  }

  async #sleepIfAmbushed(): Promise<void> {
    if (this.#ambushMs === 0 || this.process.state !== 'running') return;
    const { time, random, coverage } = this.#world;
    time.schedule(this.#ambushMs, () => this.process.wake(random() < 0.5));
    this.#ambushMs = 0;
    this.process.pause();
    coverage.add('a pause in a round');
    await new Promise<void>((resolve) => this.process.deliver(resolve));
  }

  #log(): ChangeLog {
    const { database, rowsAtOnce } = this.#world;
    return {
      read: async (asked, maxRows) => {
        const readings = await this.#asked('log', () => database.read(asked, Math.min(maxRows, rowsAtOnce)));
        await this.#sleepIfAmbushed();
        return readings;
      },
      forget: () => Promise.resolve(0),
    };
  }

  #store(): SightStore {
    const { database, random, coverage } = this.#world;
    return {
      sight: async (_domainId, code, { fresh = false } = {}): Promise<Sighting | undefined> => {
        const lagMs = database.replicaLagMs();
        if (!fresh && lagMs <= MOST_LAG_MS && random() < REPLICA_READS) {
          const found = await this.#asked('read of a replica', () => database.findOnReplica(code));
          if (found !== undefined) {
            coverage.add(lagMs > 0 ? 'read from a replica that lags' : 'read from a replica');
            return { ...found, lagMs };
          }
        }
        const found = await this.#asked('read', () => database.find(code));
        return found && { ...found, lagMs: 0 };
      },
    };
  }

  async #asked<T>(what: string, run: () => T): Promise<T> {
    try {
      return await this.#wire.request(what, run);
    } catch (error) {
      throw new StoreUnavailableError(String(error));
    }
  }

  #makeResolver(store: SightStore): Resolver {
    const { coverage, sabotage } = this.#world;
    return createResolver({
      store: {
        sight: async (domainId, code, options) => {
          const sighting = await store.sight(domainId, code, options);
          this.#lagMs.set(code, sighting?.lagMs ?? 0);
          return sighting;
        },
      },
      cache: this.#cache,
      clock: this.clock,
      validForMs: VALID_FOR_MS,
      onAnswered: (by) => coverage.add(`answered by ${by}`),
      beginRead: (domainId, code) => {
        const end = this.#l1.beginRead(domainId, code);
        return (found) => {
          const isUnproven = found?.validUntilMs === Number.NEGATIVE_INFINITY;
          if (isUnproven) this.#unproven.add(code);
          else this.#unproven.delete(code);
          end(found && (sabotage.kept?.(found, this.clock) ?? found));
        };
      },
      afterAnswer: (run) => void this.process.clock.schedule(0, run),
    });
  }

  #await<T>(asked: Promise<T>, answered: (result: T) => unknown): void {
    this.waiting += 1;
    void asked
      .then(answered, () => this.#world.coverage.add('failed'))
      .finally(() => {
        this.waiting -= 1;
      });
  }
}
