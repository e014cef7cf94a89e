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
    const { rangeSize } = this.#schedule;
    const name = `server ${slot}, start ${this.#everStarted.size + 1}`;
    const isResized = amount % RESIZED === RESIZED - 1;
    if (isResized) this.#world.network.coverage.add('another range size');
    const size = isResized ? (rangeSize % MOST_RANGE_SIZE) + 1 : rangeSize;
    const server = new SimulatedServer(this.#world, name, size);
    this.#servers[slot] = server;
    this.#everStarted.set(name, server);
    return server;
  }

  use(server: SimulatedServer, kind: 'burst' | 'shorten' | 'alias' | 'wait', amount: number): void {
    if (server.process.state !== 'running') return;
    const { rangeSize, setting } = this.#schedule;
    const isLinked = setting === 'links-alone' || setting === 'last-line';
    if (kind === 'alias') server.shorten(FIRST_MARK + (amount % (4 * rangeSize)));
    else if (kind === 'wait' && !isLinked) server.wait();
    else if (kind === 'burst' && !isLinked) server.take(1 + (amount % (2 * rangeSize)));
    else for (let i = 0; i <= amount % 3; i += 1) server.shorten();
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
    for (const { process } of this.everStarted) process.wake(this.#world.network.random() < 0.5);
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
