/**
 * Several servers and now and then an operator over one pair of witnesses, on one simulated clock, with a seed that decides every
 * delay and fault. What a schedule does is data; what comes of it is the same each time.
 */
import { SimulatedClock, seededRandom } from '@lakh/testkit';
import { NAMESPACE } from './cluster.js';
import type { Coverage } from './coverage.js';
import { SimulatedDatabase } from './database/database.js';
import { Disasters, type Image } from './disasters.js';
import { Fleet } from './fleet.js';
import { liar } from './lies.js';
import { Network, type Witness } from './network.js';
import { Operator } from './operator.js';
import type { Sabotage } from './sabotage.js';
import { Safety, type Violation } from './safety.js';
import type { Schedule, Setting, SimulatedEvent } from './schedule.js';
import type { SimulatedServer } from './server.js';
import type { World } from './world.js';
import { Ensemble } from './zookeeper/ensemble.js';

const MARK_PATH = `/lakh/ranges/${NAMESPACE}/next`;
const RELEASED_PATH = `/lakh/ranges/${NAMESPACE}/released/`;
const OUTAGES_MS = [500, 3_000, 12_000];
const BOOTSTRAP_MS = 1_000;
/** The first steps of a repair take a few milliseconds each. */
const REPAIR_DYING_MS = 80;
/** Longer than a slow way, a late write, a backoff and a lock's wait together. */
const HEAL_MS = 15_000;
/** A repair under faults: with every retry and both waits. */
const REPAIR_STEP_MS = 5_000;
const REPAIR_STEPS = 40;
const HAS_SEEN_MORE: readonly string[] = ['zookeeper_forgot', 'ledger_forgot', 'ledger_missing'];
/** Settings in which servers lease again when everything has healed and was repaired. */
const RECOVERS: readonly Setting[] = ['zookeeper-alone', 'both', 'in-turn', 'links-alone', 'workers'];

export class Simulation {
  readonly time = new SimulatedClock();
  readonly #schedule: Schedule;
  readonly #coverage: Coverage;
  readonly #random: () => number;
  readonly #safety = new Safety(() => this.time.monotonicMs());
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #disasters: Disasters;
  #operators = 0;
  #operator: Operator | undefined;

  /** `image`: what the witnesses hold at first, unless the schedule is a fresh one. */
  constructor(schedule: Schedule, coverage: Coverage, sabotage: Sabotage = {}, image?: Image) {
    this.#schedule = schedule;
    this.#coverage = coverage;
    this.#random = seededRandom(schedule.seed);
    const safety = this.#safety;
    const database = new SimulatedDatabase(this.time, {
      headMoved: (_namespace, from, to) => {
        if (to < from) safety.report('lowered', `the ledger’s head was lowered from ${from} to ${to}`);
      },
      leased: ({ start, end, serverId }) => {
        this.#fleet.recorded(serverId);
        safety.gave('ledger', serverId, { start, end });
      },
    });
    const ensemble = new Ensemble({ written: (owner, path, from, to) => this.#written(owner, path, from, to) });
    if (image && !schedule.isFresh) {
      ensemble.restore(image.ensemble);
      database.restore(image.database);
    }
    const network = new Network(this.time, this.#random, coverage, schedule);
    const { setting } = schedule;
    this.#world = { setting, ensemble, database, network, safety, sabotage, shared: new Map() };
    this.#fleet = new Fleet(this.#world, schedule);
    this.#disasters = new Disasters(this.#world);
    if (setting !== 'ledger-alone') return;
    ensemble.liar = liar({
      random: this.#random,
      rangeSize: schedule.rangeSize,
      rows: () => database.tables.leasesOf(NAMESPACE),
      told: (lie) => coverage.add(lie),
    });
  }

  /** Runs the schedule, then lets everything heal, and returns what should never have happened. */
  async run(): Promise<readonly Violation[]> {
    for (let i = 0; i < this.#schedule.servers; i += 1) this.#fleet.start(i);
    for (const event of this.#schedule.events) {
      await this.time.advance(event.afterMs);
      await this.#happen(event);
    }
    await this.#heal();
    this.#coverage.add('counters issued', this.#safety.issuedCount);
    this.#coverage.add('schedules');
    return this.#safety.violations;
  }

  /** Lets a first start get as far as both witnesses, and gives what they hold then: to begin other schedules with. */
  async bootstrapped(): Promise<Image> {
    const { ensemble } = this.#world;
    this.#fleet.start(0);
    for (let ms = 0; ms < BOOTSTRAP_MS && ensemble.peek(MARK_PATH) === undefined; ms += 1) await this.time.advance(1);
    return this.#disasters.image();
  }

  async #happen({ amount, kind, server: index }: SimulatedEvent): Promise<void> {
    const fleet = this.#fleet;
    const slot = index % this.#schedule.servers;
    const server = fleet.servers[slot] as SimulatedServer;
    this.#coverage.add(`event: ${kind}`);
    switch (kind) {
      case 'burst':
      case 'shorten':
      case 'alias':
      case 'wait':
        return fleet.use(server, kind, amount);
      case 'crash':
        return fleet.crash(slot, amount);
      case 'shut down':
      case 'crash in shutdown':
        return fleet.shutDown(slot, amount, kind === 'crash in shutdown');
      case 'pause':
      case 'replace':
        return fleet.pause(slot, amount, kind === 'replace');
      case 'crash worker':
      case 'pause worker':
      case 'renew worker':
      case 'pause in renewal':
        return fleet.useWorker(slot, kind, amount);
      case 'pause between witnesses':
      case 'crash between witnesses':
        return fleet.ambush(slot, kind, amount);
      case 'expire session':
        if (server.figures.leasing) this.#coverage.add('an expiry during a prefetch');
        return this.#world.ensemble.expireSessions(server.name);
      case 'cut connection':
        return server.zookeeper.breakConnection();
      case 'ZooKeeper outage':
      case 'ledger outage':
        return this.#outage(kind === 'ledger outage' ? 'the ledger' : 'ZooKeeper', amount);
      case 'copy ZooKeeper':
      case 'copy ledger':
        return this.#disasters.copy(kind === 'copy ledger' ? 'the ledger' : 'ZooKeeper');
      case 'ZooKeeper disaster':
      case 'ledger disaster':
        return this.#disaster(kind === 'ledger disaster' ? 'the ledger' : 'ZooKeeper', amount);
      case 'repair':
      case 'repair and crash':
        this.#beginRepair();
        if (kind === 'repair and crash') this.#killOperatorSoon();
    }
  }

  #outage(witness: Witness, amount: number): void {
    const { database, network } = this.#world;
    const kind = amount % 2 === 0 ? 'killed' : 'frozen';
    network.takeAway(witness, kind, OUTAGES_MS[amount % OUTAGES_MS.length] as number);
    this.#coverage.add(`${witness} ${kind}`);
    if (kind === 'frozen') return;
    if (witness === 'the ledger') database.breakConnections();
    else for (const { zookeeper } of this.#fleet.everStarted) zookeeper.breakConnection();
  }

  async #disaster(witness: Witness, amount: number): Promise<void> {
    const { forgetful, setting } = this.#schedule;
    const disasters = this.#disasters;
    if (setting === 'links-alone') {
      disasters.loseBoth();
      return;
    }
    const target = setting === 'both' ? forgetful : witness;
    if (setting === 'in-turn' && disasters.damaged !== undefined && disasters.damaged !== target) {
      if (!(await this.#repairToTheEnd())) return;
      this.#coverage.add('a disaster after another one was repaired');
    }
    disasters.strike(target, amount);
    if ([...this.#fleet.everStarted].some(({ figures, process }) => process.state === 'paused' && figures.leasing)) {
      this.#coverage.add('a disaster beside a lease that sleeps');
    }
  }

  #beginRepair(): Operator {
    const operator = new Operator(this.#world, `operator ${++this.#operators}`);
    this.#operator = operator;
    void operator.repair(() => this.#disasters.damaged === 'both');
    return operator;
  }

  #killOperatorSoon(): void {
    const operator = this.#operator;
    this.time.schedule(this.#random() * REPAIR_DYING_MS, () => {
      if (operator?.outcome === undefined) this.#coverage.add('a repair that died half-way');
      operator?.process.die();
    });
  }

  /** Whether it ended: with a look that found nothing, after the waits that a repair makes. */
  async #repairToTheEnd(): Promise<boolean> {
    const operator = this.#beginRepair();
    for (let step = 0; step < REPAIR_STEPS && operator.outcome === undefined; step += 1) {
      await this.time.advance(REPAIR_STEP_MS);
      for (const server of this.#fleet.servers) if (server.process.state === 'running') server.take(2);
    }
    if (operator.outcome !== 'done') return false;
    this.#disasters.damaged = undefined;
    return true;
  }

  async #heal(): Promise<void> {
    const fleet = this.#fleet;
    this.#world.network.heal();
    fleet.heal();
    await this.time.advance(HEAL_MS);
    if (this.#disasters.damaged !== undefined) {
      const isRepaired = await this.#repairToTheEnd();
      const why = this.#operator?.lastErrorCode;
      if (!isRepaired && !this.#isForAPerson(why)) this.#safety.report('stuck', `a repair does not end: ${why}`);
    }
    for (const server of fleet.servers) fleet.use(server, 'burst', 99);
    await this.time.advance(HEAL_MS);
    if (!RECOVERS.includes(this.#schedule.setting)) return;
    await this.#restartWhoHasSeenMore();
    for (const { name, figures, workers } of fleet.servers) {
      this.#judgeWorkers(name, workers);
      const { lastErrorCode, lastErrorMessage, state } = figures;
      if (state === 'ready') continue;
      if (this.#isForAPerson(lastErrorCode)) this.#coverage.add('two cluster ids, for a person to decide');
      else this.#safety.report('stuck', `${name} is ${state} when all has healed: ${lastErrorMessage}`);
    }
  }

  #judgeWorkers(server: string, workers: SimulatedServer['workers']): void {
    const { workers: wanted } = this.#schedule;
    const living = workers.filter(({ isServing }) => isServing);
    if (living.length < wanted) this.#safety.report('stuck', `${server} has ${living.length} of ${wanted} workers`);
    for (const { issuing, process } of living) {
      const { lastErrorMessage, state } = issuing.figures();
      if (state !== 'ready') {
        this.#safety.report('stuck', `${process.name} is ${state} when all has healed: ${lastErrorMessage}`);
      }
    }
  }

  /** Two first starts, with a disaster between: nothing says which of two cluster ids is right. */
  #isForAPerson(code: string | null | undefined): boolean {
    return this.#schedule.isFresh && code === 'cluster_mismatch';
  }

  /**
   * As the runbooks say: a server that has seen a mark or a head that nothing on record knows of (an attempt that was given up half-way,
   * and then forgotten) refuses a lower one for as long as it runs.
   */
  async #restartWhoHasSeenMore(): Promise<void> {
    const slots = [...this.#fleet.servers.keys()].filter((slot) =>
      HAS_SEEN_MORE.includes(this.#fleet.servers[slot]?.figures.lastErrorCode ?? ''),
    );
    if (slots.length === 0) return;
    for (const slot of slots) {
      this.#coverage.add('a server restarted after a repair');
      this.#fleet.crash(slot, 0);
    }
    await this.time.advance(HEAL_MS);
  }

  #written(owner: string, path: string, from: Buffer | undefined, to: Buffer | undefined): void {
    if (path === MARK_PATH && from !== undefined && to !== undefined) this.#markMoved(owner, `${from}`, `${to}`);
    if (!path.startsWith(RELEASED_PATH) || from === undefined || to !== undefined) return;
    const [start, end] = path.slice(RELEASED_PATH.length).split('-').map(Number);
    this.#safety.gave('zookeeper', owner, { start: start as number, end: end as number });
    this.#fleet.hasFirstWitness(owner);
  }

  #markMoved(owner: string, from: string, to: string): void {
    const [was = 0, wasLedgered = 0] = from.split(' ').map(Number);
    const [next = 0, ledgered = 0] = to.split(' ').map(Number);
    if ((next < was || ledgered < wasLedgered) && this.#schedule.setting !== 'ledger-alone') {
      this.#safety.report('lowered', `${owner} lowered the mark from ${from} to ${to}`);
    }
    this.#safety.gave('zookeeper', owner, { start: was, end: next });
    this.#fleet.hasFirstWitness(owner);
  }
}
