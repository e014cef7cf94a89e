/** One simulated server: the real issuing, leases, adapters and use case, at the ends of simulated wires. */
import { type CounterRange, type LeaseHolder, ReclaimingLease, type Witnesses } from '@lakh/id-range';
import { createIssuing, type Issuing, type IssuingFigures } from '@lakh/issuing';
import { CONNECT_WAIT_MS, NAMESPACE, simulatedCluster } from './cluster.js';
import { codec, Issuer } from './issuer.js';
import { SimulatedProcess } from './process.js';
import { withoutRefusals, withoutVersionCheck } from './sabotage.js';
import { observerOf } from './server-observer.js';
import { SimulatedStaff } from './workers/staff.js';
import type { SimulatedWorker } from './workers/worker.js';
import type { World } from './world.js';
import { SimulatedZookeeperSession } from './zookeeper/session.js';

/** LAKH_DRAIN_TIMEOUT_MS by default. */
const DRAIN_TIMEOUT_MS = 10_000;
/** Half of the drain, and the deadlines of one tail: the ledger's, a wait for ZooKeeper, a call to it that fails, and one more wait. */
const LONGEST_STOP_MS = DRAIN_TIMEOUT_MS / 2 + 2_000 + 3 * CONNECT_WAIT_MS;
/** What the supervisor adds to it before it cuts a worker. */
const DRAIN_MARGIN_MS = 5_000;

export interface ServerSize {
  readonly rangeSize: number;
  /** 0: one process, without a supervisor. */
  readonly workers: number;
  readonly sliceSize: number;
}

export class SimulatedServer {
  readonly name: string;
  readonly process: SimulatedProcess;
  readonly zookeeper: SimulatedZookeeperSession;
  readonly #world: World;
  readonly #issuing: Issuing;
  readonly #issuer: Issuer;
  readonly #staff: SimulatedStaff | undefined;
  readonly #holder: Omit<LeaseHolder, 'codec'>;
  /** Its mark has been moved, and its lease is not in the ledger yet. */
  isBetweenWitnesses = false;
  #isStopping = false;
  #givenBack: readonly CounterRange[] = [];

  constructor(world: World, name: string, { rangeSize, workers, sliceSize }: ServerSize) {
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
        sliceSize,
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
    this.#issuer = new Issuer(world, this.process, this.#issuing.codes);
    this.#staff =
      workers === 0
        ? undefined
        : new SimulatedStaff(world, {
            ...{ count: workers, supervisor: this.process, issuing: this.#issuing },
            settings: { rangeSize, sliceSize, drainTimeoutMs: DRAIN_TIMEOUT_MS },
            drainLimitMs: 2 * DRAIN_TIMEOUT_MS + DRAIN_MARGIN_MS,
          });
    this.#issuing.start().catch((error: { code: string }) => network.coverage.add(`not started: ${error.code}`));
  }

  get figures(): IssuingFigures {
    return this.#issuing.figures();
  }

  /** Which of its workers is meant; undefined where there is none, or none serves. */
  worker(amount: number): SimulatedWorker | undefined {
    const serving = this.#staff?.serving ?? [];
    return serving[amount % serving.length];
  }

  get workers(): readonly SimulatedWorker[] {
    return this.#staff?.everStarted ?? [];
  }

  renew(worker: SimulatedWorker): void {
    this.#staff?.renew(worker);
  }

  take(most: number): void {
    if (this.#staff)
      for (const worker of this.#staff.serving) worker.take(Math.ceil(most / this.#staff.serving.length));
    else this.#issuer.take(Math.min(this.figures.heldIds, most));
  }

  /** Who makes links in it; undefined while none of its workers can. */
  issuer(amount: number): Issuer | undefined {
    if (!this.#staff) return this.process.state === 'running' ? this.#issuer : undefined;
    const worker = this.worker(amount);
    return worker?.process.state === 'running' ? worker.issuer : undefined;
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
    this.#isStopping = true;
    await this.#staff?.end();
    const beganMs = time.monotonicMs();
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
    if (sabotage.issuesAfterRelease) for (const tail of this.#givenBack) this.#issuer.issue(tail);
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
}
