/** The workers of a server, and all that is between them and their supervisor. */

import { Server } from 'node:net';
import { createGroupCounters, listen, tryAddress } from '@lakh/http';
import { formatAddress, type HostPort } from '@lakh/settings';
import type { Registry } from 'prom-client';
import { descriptorLimit } from '../descriptors.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Logger } from '../logging.js';
import type { ServerSettings, WorkerRef, Workers } from '../program-context.js';
import type { HealthCheck } from '../readiness.js';
import { type Channel, ChannelClosedError } from './channel.js';
import { Dealer, type Taker } from './dealer.js';
import { Fleet } from './fleet.js';
import { forkWorker, isInspected } from './fork.js';
import type { Member, WorkerProcess } from './member.js';
import type { Figures } from './merge.js';
import type { Orders } from './post.js';
import { LOOK_MS, Pulse } from './pulse.js';
import { createVoice, type Voice } from './voice.js';
import { registerWorkerMetrics, type WorkerMetrics } from './worker-metrics.js';

export interface StaffOptions {
  readonly settings: ServerSettings;
  readonly serverId: string;
  readonly count: number;
  readonly log: Logger;
  readonly registry: Registry;
  readonly lifecycle: Lifecycle;
  readonly checks: Readonly<Record<string, HealthCheck>>;
  /** Nobody serves, and nobody will. */
  readonly onHopeless: (why: string) => void;
}

/** A worker's releasers have a limit each; together they rarely take more than the first. */
const DRAIN_LIMITS = 2;
const DRAIN_MARGIN_MS = 5_000;
/** More than come while a worker is busy for a moment. */
const WAITING_MAX = 1024;
/** For who still waits for a worker when the server stops. */
const LAST_DEALS_MS = 1500;

/** What a worker's process is to whoever deals out connections, and to its program's supervisor. */
interface Known {
  readonly taker: Taker;
  readonly ref: WorkerRef;
}

export class Staff implements Workers {
  readonly fleet: Fleet;
  readonly voice: Voice;
  readonly #options: StaffOptions;
  readonly #dealer: Dealer;
  readonly #metrics: WorkerMetrics;
  readonly #counters = createGroupCounters();
  readonly #answering = new Map<string, (body: never, from: WorkerRef) => unknown>();
  readonly #toldOfGone: ((worker: WorkerRef) => void)[] = [];
  readonly #known = new Map<WorkerProcess, Known>();
  #listen: HostPort;
  /** The one under way, and the one that is to follow it. */
  #reloads: readonly Promise<void>[] = [];
  #isToReload = false;
  #isStarted = false;

  constructor(options: StaffOptions) {
    const { count, log, lifecycle, registry, settings, checks } = options;
    this.#options = options;
    this.#listen = settings.listen;
    this.fleet = new Fleet({
      count,
      log,
      fork: (worker) => this.#fork(worker),
      drainLimitMs: settings.drainTimeoutMs * DRAIN_LIMITS + DRAIN_MARGIN_MS,
      onServing: (member) => this.#serving(member),
      onEnding: ({ process }) => this.#withTaker(process, (taker) => this.#dealer.remove(taker)),
      onGone: (member, asked) => this.#gone(member, asked),
      onAllFailed: () => options.onHopeless('no worker can be started any more'),
    });
    this.#dealer = new Dealer({
      address: () => this.#listen,
      waitingMax: Math.min(WAITING_MAX, Math.floor((descriptorLimit() ?? Infinity) / 2)),
      onClosed: () => this.#metrics.undealt.inc(),
      onOpen: () => log.info({ address: this.#url }, 'public listener is open'),
      onError: (error) => log.error({ err: error }, 'connections could not be accepted'),
    });
    this.voice = createVoice({ fleet: this.fleet, count, registry, lifecycle, checks });
    this.#metrics = registerWorkerMetrics(registry, { fleet: this.fleet, dealer: this.#dealer, count });
    // From the beginning: who has nobody to hear it is ended by it.
    process.on('SIGUSR2', () => this.#reload());
  }

  get #url(): string {
    return `http://${formatAddress(this.#listen)}`;
  }

  /**
   * Whether the workers' address can be had, and which it is: port 0 becomes the same free port for all.
   * @throws ListenError
   */
  async settleAddress(): Promise<string> {
    const { listen: address } = this.#options.settings;
    if (address.port === 0) {
      const server = new Server();
      const { port } = await listen({ server }, address);
      server.close();
      this.#listen = { ...address, port };
    } else {
      await tryAddress(address);
    }
    return this.#url;
  }

  /** Resolves as {@link Fleet.start} does; a stop begins with draining the workers. */
  async start(): Promise<void> {
    const { lifecycle, settings, log } = this.#options;
    const pulse = new Pulse({
      ...{ fleet: this.fleet, log },
      onAnswer: ({ process }, askedMs) => this.#withTaker(process, (taker) => this.#dealer.heard(taker, askedMs)),
    });
    const looking = setInterval(() => {
      this.#dealer.look();
      // Whom a debugger has stopped thinks for as long as somebody else does.
      if (!isInspected()) pulse.look();
    }, LOOK_MS).unref();
    const end = async () => {
      await this.#dealer.drain(Math.min(LAST_DEALS_MS, settings.drainTimeoutMs));
      await this.fleet.drain();
      clearInterval(looking);
    };
    const timeoutMs = settings.drainTimeoutMs * DRAIN_LIMITS + 2 * DRAIN_MARGIN_MS;
    lifecycle.onStop('workers', end, { timeoutMs });
    await this.fleet.start();
    this.#isStarted = true;
    if (this.#isToReload) this.#reload();
  }

  handle<Body>(name: string, answering: (body: Body, from: WorkerRef) => unknown): void {
    this.#answering.set(name, answering as (body: never, from: WorkerRef) => unknown);
  }

  onGone(told: (worker: WorkerRef) => void): void {
    this.#toldOfGone.push(told);
  }

  tellAll(name: string, body?: unknown): void {
    // What has ended cannot hear it, and needs not.
    for (const { process } of this.fleet.members) process.channel.ask(name, body).catch(() => {});
  }

  #reload(): void {
    const { log, lifecycle } = this.#options;
    if (lifecycle.state === 'draining') return;
    if (!this.#isStarted) {
      this.#isToReload = true;
      log.info('SIGUSR2: the workers are renewed once all have started');
      return;
    }
    // One is to come already, and will see all that has changed by then.
    if (this.#reloads.length > 1) return;
    log.info(this.#reloads.length > 0 ? 'renewing the workers once more, after this time' : 'renewing the workers');
    const reload = this.fleet.reload();
    this.#reloads = [...this.#reloads, reload];
    const ended = (tell: () => void): void => {
      this.#reloads = this.#reloads.filter((each) => each !== reload);
      // What a stop has ended was neither finished nor a failure.
      if (lifecycle.state !== 'draining') tell();
    };
    reload.then(
      () => ended(() => log.info('the workers are renewed')),
      (error: unknown) =>
        ended(() => log.error({ err: error }, 'a new worker did not start: those that are left stay as they are')),
    );
  }

  #fork(worker: number): WorkerProcess {
    const { count, serverId } = this.#options;
    const forked = forkWorker();
    const { channel } = forked;
    const known: Known = { taker: takerOf(channel), ref: { worker } };
    this.#known.set(forked, known);
    channel.handle('orders', (): Orders => ({ worker, of: count, serverId, listen: this.#listen }));
    channel.handle('count', ({ limit, key, taken }: { limit: string; key: string; taken: number }) =>
      this.#counters.count(limit, key, taken),
    );
    channel.handle('connections ended', (ended: readonly number[]) => this.#dealer.ended(known.taker, ended));
    channel.handle('last figures', (figures: Figures) => {
      const member = this.fleet.members.find(({ process }) => process === forked);
      if (member) this.voice.heard(member, figures);
    });
    for (const [name, answering] of this.#answering) {
      channel.handle(name, (body: unknown) => answering(body as never, known.ref));
    }
    return forked;
  }

  async #serving({ process }: Member): Promise<void> {
    const known = this.#known.get(process);
    try {
      if (known) await this.#dealer.add(known.taker);
    } catch (error) {
      if (!this.#isStarted) throw error;
      this.#options.log.error({ err: error }, 'the address that nobody served for a while is taken');
      this.#options.onHopeless('the public listener cannot be opened again');
    }
  }

  #gone(member: Member, asked: boolean): void {
    const known = this.#known.get(member.process);
    this.#known.delete(member.process);
    if (!asked) this.#metrics.crashes.inc({ worker: String(member.worker) });
    this.voice.gone(member);
    if (!known) return;
    this.#dealer.gone(known.taker);
    for (const told of this.#toldOfGone) told(known.ref);
  }

  /** Unless it has ended meanwhile. */
  #withTaker(process: WorkerProcess, tell: (taker: Taker) => void): void {
    const known = this.#known.get(process);
    if (known) tell(known.taker);
  }
}

/** Gives connections to a worker. */
function takerOf(channel: Channel): Taker {
  return {
    async take(connection, socket) {
      try {
        return (await channel.ask<boolean>('connection', connection, socket)) ? 'taken' : 'refused';
      } catch (error) {
        return error instanceof ChannelClosedError ? 'refused' : 'lost';
      }
    },
  };
}
