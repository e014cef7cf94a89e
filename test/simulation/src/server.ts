/** One simulated server: the real allocator, leases, adapters and use case, at the ends of simulated wires. */
import {
  type AllocatorSnapshot,
  type CounterRange,
  RangeAllocator,
  type RangeSource,
  ReclaimingLease,
  TwoWitnessLease,
} from '@lakh/id-range';
import { createInsertIds, createShortener, type LinkStore, type Shortener } from '@lakh/links';
import { createMysqlLedger } from '@lakh/mysql';
import { base62 } from '@lakh/short-code';
import { createZookeeperMarkStore, createZookeeperRemainderStore } from '@lakh/zookeeper';
import type { SimulatedDatabase } from './database/database.js';
import { SimulatedPool } from './database/pool.js';
import { simulatedLinkStore } from './link-store.js';
import type { Network } from './network.js';
import { SimulatedProcess } from './process.js';
import { type Sabotage, withoutRefusals, withoutVersionCheck } from './sabotage.js';
import type { Safety } from './safety.js';
import type { Setting } from './schedule.js';
import type { Ensemble } from './zookeeper/ensemble.js';
import { SimulatedZookeeperSession } from './zookeeper/session.js';

export const NAMESPACE = 'links';
/** Until this server gives up giving back. */
const RELEASE_DEADLINE_MS = 60_000;
const CONNECT_WAIT_MS = 3_000;

export interface World {
  readonly setting: Setting;
  readonly ensemble: Ensemble;
  readonly database: SimulatedDatabase;
  readonly network: Network;
  readonly safety: Safety;
  readonly sabotage: Sabotage;
  /** See `Inside`. */
  readonly shared: Map<string, unknown>;
}

const codec = base62();

export class SimulatedServer {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly zookeeper: SimulatedZookeeperSession;
  readonly #world: World;
  readonly #allocator: RangeAllocator;
  readonly #source: ReclaimingLease;
  readonly #shortener: Shortener;
  readonly #holder: { serverId: string; host: string; processStartMs: number; codec: string };
  /** Its mark has been moved, and its lease is not in the ledger yet. */
  isBetweenWitnesses = false;
  isLeasing = false;
  #metDuplicate: number | undefined;

  constructor(world: World, name: string, rangeSize: number) {
    const { database, ensemble, network, sabotage, setting, shared } = world;
    this.#world = world;
    this.name = name;
    this.process = new SimulatedProcess(name, network.time);
    const { clock } = this.process;
    const { random } = network;
    const inside = { clock, process: this.process, ensemble, database, shared };
    const ends = { database, network, process: this.process };
    this.zookeeper = new SimulatedZookeeperSession({ ensemble, network, process: this.process });
    const inZookeeper = { namespace: NAMESPACE, connectWaitMs: CONNECT_WAIT_MS };
    let marks = createZookeeperMarkStore(this.zookeeper, inZookeeper);
    let remainders = createZookeeperRemainderStore(this.zookeeper, inZookeeper);
    const feedsLinks = sabotage.ignoresLinks !== true;
    let ledger = createMysqlLedger({ pool: new SimulatedPool(ends), namespace: NAMESPACE, feedsLinks });
    if (setting === 'zookeeper-alone' || setting === 'last-line') ledger = withoutRefusals(ledger);
    if (setting === 'last-line') marks = withoutVersionCheck(marks);
    marks = sabotage.marks?.(marks, inside) ?? marks;
    ledger = sabotage.ledger?.(ledger, inside) ?? ledger;
    remainders = sabotage.remainders?.(remainders, inside) ?? remainders;
    const { attemptLimitMs } = sabotage;
    const limit = attemptLimitMs === undefined ? {} : { attemptLimitMs };

    this.#holder = { serverId: name, host: 'host', processStartMs: clock.wallMs(), codec: 'base62' };
    const common = { ledger, holder: this.#holder, clock, random, ...limit };
    const count = (what: string) => () => network.coverage.add(what);
    const lease = new TwoWitnessLease({
      ...common,
      marks,
      newClusterId: () => `cluster-of-${name.replaceAll(/\W+/g, '-')}`,
      observer: {
        leased: count('leased'),
        abandoned: (reason) => network.coverage.add(`abandoned: ${reason}`),
        refused: (error) => network.coverage.add(`refused: ${error.code}`),
      },
    });
    this.#source = new ReclaimingLease({
      ...common,
      lease,
      remainders,
      smallestTail: 1,
      observer: {
        published: count('published'),
        notPublished: (reason) => network.coverage.add(`not published: ${reason}`),
        claimed: count('claimed'),
        notClaimed: (reason) => network.coverage.add(`not claimed: ${reason}`),
        missed: count('a claim race'),
        implausible: count('implausible'),
        malformed: count('malformed'),
        unlisted: count('unlisted'),
      },
    });
    const source = this.#watched(sabotage.source?.(this.#source, inside) ?? this.#source);
    this.#allocator = new RangeAllocator({
      source,
      clock,
      random,
      rangeSize,
      maxHeld: 2,
      waitMs: 2_000,
    });
    this.#shortener = createShortener({
      store: this.#watchedLinks(simulatedLinkStore(ends)),
      codes: {
        nextOrWait: async () => {
          const counter = this.#took(await this.#allocator.nextOrWait());
          return { counter, code: codec.encode(counter) };
        },
        reportDuplicate: (counter) => this.#allocator.dropRange(counter),
        reportBurnt: count('burnt'),
      },
      clock: { nowMs: () => clock.wallMs() },
      // The simulated database does not keep them: no server here repeats an insert.
      newInsertId: createInsertIds(new Uint8Array(8)),
      policy: {},
    });
    this.#allocator.start();
  }

  get state(): Pick<AllocatorSnapshot, 'state' | 'lastErrorCode' | 'lastErrorMessage'> {
    return this.#allocator.snapshot();
  }

  take(most: number): void {
    const count = Math.min(this.#allocator.snapshot().heldIds, most);
    for (let i = 0; i < count; i += 1) this.#took(this.#allocator.next());
  }

  wait(): void {
    const { coverage } = this.#world.network;
    this.#allocator.nextOrWait().then(
      (counter) => {
        coverage.add('waited for a counter');
        this.#took(counter);
      },
      (error: { code: string }) => coverage.add(`waited in vain: ${error.code}`),
    );
  }

  /** Without an alias, from the next counter. */
  shorten(alias?: number): void {
    const { network, safety } = this.#world;
    const request = { longUrl: 'https://example.com/', ...(alias === undefined ? {} : { alias: codec.encode(alias) }) };
    this.#shortener.shorten(request).then(
      ({ link, created }) => {
        network.coverage.add(`link ${link.kind}`);
        if (created) safety.linked(this.name, link);
      },
      (error: { code: string }) => network.coverage.add(`no link: ${error.code}`),
    );
  }

  die(): void {
    const { coverage } = this.#world.network;
    if (this.isBetweenWitnesses) coverage.add('a crash between ZooKeeper and ledger');
    if (this.isLeasing) coverage.add('a crash during a lease');
    this.process.die();
  }

  /** As a server does it: nothing more arrives, nothing more is issued, and then what is left is given back. */
  async shutDown(): Promise<void> {
    this.#allocator.stop();
    await this.#allocator.settled();
    if (this.#world.sabotage.issuesAfterRelease) {
      await this.#source.release(this.#allocator.held(), RELEASE_DEADLINE_MS);
      this.take(Number.MAX_SAFE_INTEGER);
    }
    const tails = this.#allocator.seal();
    for (const tail of tails) this.#world.safety.gaveUp(this.name, tail);
    await this.#source.release(tails, RELEASE_DEADLINE_MS);
    this.zookeeper.close();
  }

  /** For a mutant: as if what `dead` has on record were this server's to give. */
  async publishOf(dead: SimulatedServer): Promise<void> {
    const { database, network } = this.#world;
    const rows = database.tables.leasesOf(NAMESPACE);
    const own = rows.filter(({ serverId, state }) => serverId === dead.name && state === 'leased');
    const inherited = new ReclaimingLease({
      lease: {
        lease: () => Promise.reject(new Error('gives back only')),
        mark: async () => undefined,
        endAt: () => {},
      },
      remainders: createZookeeperRemainderStore(this.zookeeper, { namespace: NAMESPACE }),
      ledger: createMysqlLedger({
        pool: new SimulatedPool({ database, network, process: this.process }),
        namespace: NAMESPACE,
      }),
      clock: this.process.clock,
      random: network.random,
      holder: dead.#holder,
      smallestTail: 1,
    });
    await this.zookeeper.whenConnected(CONNECT_WAIT_MS);
    await inherited.release(own, RELEASE_DEADLINE_MS);
  }

  #took(counter: number): number {
    const { database, safety } = this.#world;
    if (this.#metDuplicate !== undefined) {
      const met = `its counter ${this.#metDuplicate} had met another generated link`;
      safety.report('issued on', `${this.name} issued counter ${counter} after ${met}`);
    }
    safety.issued(this.name, counter, database.tables.leasesOf(NAMESPACE));
    return counter;
  }

  #watched(inner: RangeSource): RangeSource {
    const { safety, setting } = this.#world;
    const by = { 'zookeeper-alone': ['zookeeper'], 'ledger-alone': ['ledger'], 'last-line': [] } as const;
    const givers = setting in by ? by[setting as keyof typeof by] : (['zookeeper', 'ledger'] as const);
    return {
      lease: async (size): Promise<CounterRange> => {
        this.isLeasing = true;
        try {
          const range = await inner.lease(size);
          safety.acquired(this.name, range, givers);
          return range;
        } finally {
          this.isLeasing = false;
          this.isBetweenWitnesses = false;
        }
      },
    };
  }

  /** Knows what an insert really met, whatever the server is told. */
  #watchedLinks(inner: LinkStore): LinkStore {
    const watched: LinkStore = {
      ...inner,
      insert: async (link) => {
        const met = await inner.insert(link);
        if (met.outcome === 'duplicate') {
          this.#metDuplicate = link.counter;
          this.#world.network.coverage.add('the last line of defence');
        }
        return met;
      },
    };
    return this.#world.sabotage.links?.(watched) ?? watched;
  }
}
