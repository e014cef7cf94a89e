/** One simulated server: the real issuing, leases, adapters and use case, at the ends of simulated wires. */
import { type CounterRange, type LeaseHolder, ReclaimingLease, type Witnesses } from '@lakh/id-range';
import { createIssuing, type Issuing, type IssuingFigures } from '@lakh/issuing';
import {
  anonymous,
  type CodeSource,
  createInsertIds,
  createShortener,
  type LinkStore,
  type Shortener,
} from '@lakh/links';
import { base62 } from '@lakh/short-code';
import { CONNECT_WAIT_MS, NAMESPACE, simulatedCluster } from './cluster.js';
import { simulatedLinkStore } from './link-store.js';
import { SimulatedProcess } from './process.js';
import { withoutRefusals, withoutVersionCheck } from './sabotage.js';
import { observerOf } from './server-observer.js';
import type { World } from './world.js';
import { SimulatedZookeeperSession } from './zookeeper/session.js';

/** LAKH_DRAIN_TIMEOUT_MS by default. */
const DRAIN_TIMEOUT_MS = 10_000;
/** Half of the drain, and the deadlines of one tail: the ledger's, a wait for ZooKeeper, a call to it that fails, and one more wait. */
const LONGEST_STOP_MS = DRAIN_TIMEOUT_MS / 2 + 2_000 + 3 * CONNECT_WAIT_MS;

const codec = base62();
const ANYONE = anonymous(['create']);

export class SimulatedServer {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly zookeeper: SimulatedZookeeperSession;
  readonly #world: World;
  readonly #issuing: Issuing;
  readonly #codes: CodeSource;
  readonly #shortener: Shortener;
  readonly #holder: Omit<LeaseHolder, 'codec'>;
  /** Its mark has been moved, and its lease is not in the ledger yet. */
  isBetweenWitnesses = false;
  #isStopping = false;
  #metDuplicate: number | undefined;
  #givenBack: readonly CounterRange[] = [];

  constructor(world: World, name: string, rangeSize: number) {
    const { network, sabotage } = world;
    this.#world = world;
    this.name = name;
    this.process = new SimulatedProcess(name, network.time);
    const { clock } = this.process;
    this.zookeeper = new SimulatedZookeeperSession({ ...world, process: this.process });
    this.#holder = { serverId: name, host: 'host', processStartMs: clock.wallMs() };
    const cluster = this.#cluster();
    this.#issuing = createIssuing({
      ...this.#witnesses(cluster.witnesses()),
      facts: cluster.facts,
      codec,
      settings: {
        namespace: NAMESPACE,
        rangeSize,
        runwayS: 600,
        rangesMaxHeld: 2,
        drainTimeoutMs: DRAIN_TIMEOUT_MS,
        leaseAttemptMs: sabotage.attemptLimitMs,
        smallestTail: 1,
        waitMs: 2_000,
      },
      holder: this.#holder,
      newClusterId: () => `cluster-of-${name.replaceAll(/\W+/g, '-')}`,
      clock,
      random: network.random,
      observer: observerOf(world, this),
    });
    this.#codes = {
      ...this.#issuing.codes,
      nextOrWait: async () => {
        const next = await this.#issuing.codes.nextOrWait();
        this.#took(next.counter);
        return next;
      },
    };
    this.#shortener = createShortener({
      store: this.#watchedLinks(simulatedLinkStore({ ...world, process: this.process })),
      codes: this.#codes,
      clock: { nowMs: () => clock.wallMs() },
      // The simulated database does not keep them: no server here repeats an insert.
      newInsertId: createInsertIds(new Uint8Array(8)),
      policy: {},
    });
    this.#issuing.start().catch((error: { code: string }) => network.coverage.add(`not started: ${error.code}`));
  }

  get figures(): IssuingFigures {
    return this.#issuing.figures();
  }

  take(most: number): void {
    const count = Math.min(this.figures.heldIds, most);
    for (let i = 0; i < count; i += 1) void this.#codes.nextOrWait();
  }

  wait(): void {
    const { coverage } = this.#world.network;
    this.#codes.nextOrWait().then(
      () => coverage.add('waited for a counter'),
      (error: { code: string }) => coverage.add(`waited in vain: ${error.code}`),
    );
  }

  /** Without an alias, from the next counter. */
  shorten(alias?: number): void {
    const { network, safety } = this.#world;
    const request = { longUrl: 'https://example.com/', ...(alias === undefined ? {} : { alias: codec.encode(alias) }) };
    this.#shortener.shorten(0, request, ANYONE).then(
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
    if (this.figures.leasing) coverage.add('a crash during a lease');
    if (this.#isStopping) coverage.add('a crash during a stop');
    this.process.die();
  }

  /** As a program does it: the real stop, and then the session is closed. */
  async shutDown(): Promise<void> {
    const { network, sabotage, safety } = this.#world;
    const { coverage, time } = network;
    const beganMs = time.monotonicMs();
    this.#isStopping = true;
    if (this.figures.leasing) coverage.add('a stop with a lease in flight');
    const { pauses } = this.process;
    await this.#issuing.stop();
    this.#isStopping = false;
    coverage.add('a stop that settled');
    if (this.figures.leasing) coverage.add('a stop past its deadline, with a lease in flight still');
    const tookMs = time.monotonicMs() - beganMs;
    if (tookMs > LONGEST_STOP_MS && this.process.pauses === pauses) {
      safety.report('late', `${this.name} took ${tookMs} ms to stop`);
    }
    if (sabotage.issuesAfterRelease) for (const { start, end } of this.#givenBack) this.#issue(start, end);
    this.zookeeper.close();
  }

  /** What a stop has sealed is nobody's from now on. */
  gaveUp(tails: readonly CounterRange[]): void {
    this.#givenBack = tails;
    for (const tail of tails) this.#world.safety.gaveUp(this.name, tail);
  }

  /** For a mutant: as if what `dead` has on record were this server's to give. */
  async publishOf(dead: SimulatedServer): Promise<void> {
    const { database, network } = this.#world;
    const { ledger, remainders } = this.#cluster().witnesses();
    const rows = database.tables.leasesOf(NAMESPACE);
    const own = rows.filter(({ serverId, state }) => serverId === dead.name && state === 'leased');
    const inherited = new ReclaimingLease({
      lease: {
        lease: () => Promise.reject(new Error('gives back only')),
        mark: async () => undefined,
        endAt: () => {},
      },
      remainders,
      ledger,
      clock: this.process.clock,
      random: network.random,
      holder: { ...dead.#holder, codec: codec.name },
      smallestTail: 1,
    });
    await this.zookeeper.whenConnected(CONNECT_WAIT_MS);
    await inherited.release(own, DRAIN_TIMEOUT_MS);
  }

  #cluster() {
    const feedsLinks = this.#world.sabotage.ignoresLinks !== true;
    return simulatedCluster({ ...this.#world, process: this.process, zookeeper: this.zookeeper, feedsLinks });
  }

  /** Without the guards that the setting and the mutant take out. */
  #witnesses({ ledger, marks, remainders }: Witnesses): Witnesses {
    const { sabotage, setting } = this.#world;
    const inside = { ...this.#world, clock: this.process.clock, process: this.process };
    const isRefusing = setting !== 'zookeeper-alone' && setting !== 'last-line';
    const guarded = {
      marks: setting === 'last-line' ? withoutVersionCheck(marks) : marks,
      ledger: isRefusing ? ledger : withoutRefusals(ledger),
    };
    return {
      marks: sabotage.marks?.(guarded.marks, inside) ?? guarded.marks,
      ledger: sabotage.ledger?.(guarded.ledger, inside) ?? guarded.ledger,
      remainders: sabotage.remainders?.(remainders, inside) ?? remainders,
    };
  }

  #issue(start: number, end: number): void {
    for (let counter = start; counter < end; counter += 1) this.#took(counter);
  }

  #took(counter: number): void {
    const { database, safety } = this.#world;
    if (this.#metDuplicate !== undefined) {
      const met = `its counter ${this.#metDuplicate} had met another generated link`;
      safety.report('issued on', `${this.name} issued counter ${counter} after ${met}`);
    }
    safety.issued(this.name, counter, database.tables.leasesOf(NAMESPACE));
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
