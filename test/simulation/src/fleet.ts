/** The servers of a simulation: started, used, paused, killed, replaced. */
import { FIRST_MARK } from '@lakh/id-range';
import type { EventKind, Schedule } from './schedule.js';
import { SimulatedServer } from './server.js';
import type { World } from './world.js';

const PAUSES_MS = [20, 500, 4_000, 11_000, 25_000, 70_000];
/** Of an ambush: one that an attempt survives, and two that outlast a repair. */
const AMBUSHES_MS = [4_000, 25_000, 70_000];
const SESSION_TIMEOUT_MS = 10_000;
/** The first steps of a stop take a few milliseconds each. */
const DYING_MS = 25;
/** Every so many starts, a server has another range size. */
const RESIZED = 7;
const MOST_RANGE_SIZE = 6;

/** A new worker's start, and the first steps of the old one's stop. */
const RENEWAL_MS = 50;

type WorkerEvent = Extract<EventKind, 'crash worker' | 'pause worker' | 'renew worker' | 'pause in renewal'>;

interface Ambush {
  readonly kind: EventKind;
  readonly slot: number;
  readonly amount: number;
}

export class Fleet {
  readonly #world: World;
  readonly #schedule: Schedule;
  readonly #servers: SimulatedServer[] = [];
  /** By name, those that are gone included. */
  readonly #everStarted = new Map<string, SimulatedServer>();
  /** What waits for a server's next lease or claim. */
  readonly #ambushes = new Map<string, Ambush>();

  constructor(world: World, schedule: Schedule) {
    this.#world = world;
    this.#schedule = schedule;
  }

  /** One a slot. */
  get servers(): readonly SimulatedServer[] {
    return this.#servers;
  }

  get everStarted(): Iterable<SimulatedServer> {
    return this.#everStarted.values();
  }

  start(slot: number, amount = 0): SimulatedServer {
    const { rangeSize, sliceSize, workers } = this.#schedule;
    const name = `server ${slot}, start ${this.#everStarted.size + 1}`;
    const isResized = amount % RESIZED === RESIZED - 1;
    if (isResized) this.#world.network.coverage.add('another range size');
    const size = isResized ? (rangeSize % MOST_RANGE_SIZE) + 1 : rangeSize;
    const server = new SimulatedServer(this.#world, name, { rangeSize: size, sliceSize, workers });
    this.#servers[slot] = server;
    this.#everStarted.set(name, server);
    return server;
  }

  use(server: SimulatedServer, kind: 'burst' | 'shorten' | 'alias' | 'wait', amount: number): void {
    const issuer = server.issuer(amount);
    if (issuer === undefined) return;
    const { rangeSize, setting } = this.#schedule;
    const isLinked = setting === 'links-alone' || setting === 'last-line';
    if (kind === 'alias') issuer.shorten(FIRST_MARK + (amount % (4 * rangeSize)));
    else if (kind === 'wait' && !isLinked) issuer.wait();
    else if (kind === 'burst' && !isLinked) server.take(1 + (amount % (2 * rangeSize)));
    else for (let i = 0; i <= amount % 3; i += 1) issuer.shorten();
  }

  /** Of a server that has workers. */
  useWorker(slot: number, kind: WorkerEvent, amount: number): void {
    const server = this.#servers[slot] as SimulatedServer;
    const worker = server.worker(amount);
    if (worker === undefined) return;
    const { network } = this.#world;
    const ms = PAUSES_MS[amount % PAUSES_MS.length] as number;
    if (kind === 'crash worker') worker.crash();
    else if (kind === 'pause worker') worker.pause(ms);
    else server.renew(worker);
    if (kind !== 'pause in renewal') return;
    network.time.schedule(network.random() * RENEWAL_MS, () => {
      if (network.healthy) return;
      if (amount % 5 === 0) worker.crash();
      else if (amount % 2 === 0) worker.pause(ms);
      else this.#pause(server, ms);
    });
  }

  crash(slot: number, amount: number): void {
    const server = this.#servers[slot] as SimulatedServer;
    server.die();
    this.#succeed(server, this.start(slot, amount));
  }

  shutDown(slot: number, amount: number, diesInIt: boolean): void {
    const server = this.#servers[slot] as SimulatedServer;
    if (server.process.state !== 'running') return;
    void server.shutDown();
    this.start(slot, amount);
    const { network } = this.#world;
    if (diesInIt) network.time.schedule(network.random() * DYING_MS, () => server.die());
  }

  pause(slot: number, amount: number, isReplaced: boolean): void {
    const server = this.#servers[slot] as SimulatedServer;
    if (server.process.state !== 'running') return;
    this.#pause(server, PAUSES_MS[amount % PAUSES_MS.length] as number);
    if (isReplaced) this.#succeed(server, this.start(slot));
  }

  /** Something happens to this server when ZooKeeper has given it its next range and the ledger has not. */
  ambush(slot: number, kind: EventKind, amount: number): void {
    this.#ambushes.set((this.#servers[slot] as SimulatedServer).name, { kind, slot, amount });
  }

  /** Of whoever has just moved the mark, or deleted a remainder. */
  hasFirstWitness(owner: string): void {
    const server = this.#everStarted.get(owner);
    if (!server?.figures.leasing) return;
    server.isBetweenWitnesses = true;
    const ambush = this.#ambushes.get(owner);
    if (ambush === undefined || server.process.state !== 'running') return;
    this.#ambushes.delete(owner);
    if (ambush.kind === 'pause between witnesses')
      this.#pause(server, AMBUSHES_MS[ambush.amount % AMBUSHES_MS.length] as number);
    else this.crash(ambush.slot, ambush.amount);
  }

  recorded(owner: string): void {
    const server = this.#everStarted.get(owner);
    if (server) server.isBetweenWitnesses = false;
  }

  heal(): void {
    this.#ambushes.clear();
    for (const { process, workers } of this.everStarted) {
      for (const each of [process, ...workers.map((worker) => worker.process)]) {
        each.wake(this.#world.network.random() < 0.5);
      }
    }
  }

  #pause(server: SimulatedServer, ms: number): void {
    const { ensemble, network } = this.#world;
    if (server.figures.leasing) network.coverage.add('a pause during a lease');
    server.process.pause();
    const timersFirst = network.random() < 0.5;
    network.time.schedule(ms, () => server.process.wake(timersFirst));
    if (ms <= SESSION_TIMEOUT_MS) return;
    network.time.schedule(SESSION_TIMEOUT_MS, () => {
      if (server.process.state === 'paused') ensemble.expireSessions(server.name);
    });
  }

  #succeed(dead: SimulatedServer, successor: SimulatedServer): void {
    if (this.#world.sabotage.successorPublishes) void successor.publishOf(dead).catch(() => {});
  }
}
