/** The workers of a server, and all that is between them and their supervisor. */

import { Server } from 'node:net';
import { createGroupCounters, listen, tryAddress } from '@lakh/http';
import { formatAddress, type HostPort } from '@lakh/settings';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Lifecycle } from '../lifecycle.js';
import type { Logger } from '../logging.js';
import type { ServerSettings, WorkerRef, Workers } from '../program-context.js';
import type { HealthCheck } from '../readiness.js';
import { Fleet } from './fleet.js';
import { forkWorker, setUpForks } from './fork.js';
import type { Member, MemberState, WorkerProcess } from './member.js';
import type { Figures } from './merge.js';
import type { Orders } from './post.js';
import { createVoice, type Voice } from './voice.js';

export interface StaffOptions {
  readonly settings: ServerSettings;
  readonly serverId: string;
  readonly count: number;
  readonly log: Logger;
  readonly registry: Registry;
  readonly lifecycle: Lifecycle;
  readonly checks: Readonly<Record<string, HealthCheck>>;
  /** No worker serves, and none can be started any more. */
  readonly onAllFailed: () => void;
}

/** A worker's releasers have a limit each; together they rarely take more than the first. */
const DRAIN_LIMITS = 2;
const DRAIN_MARGIN_MS = 5_000;

export class Staff implements Workers {
  readonly fleet: Fleet;
  readonly voice: Voice;
  readonly #options: StaffOptions;
  readonly #counters = createGroupCounters();
  readonly #answering = new Map<string, (body: never, from: WorkerRef) => unknown>();
  readonly #toldOfGone: ((worker: WorkerRef) => void)[] = [];
  readonly #crashes: Counter<'worker'>;
  readonly #refs = new Map<WorkerProcess, WorkerRef>();
  #listen: HostPort;
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
      onGone: (member, asked) => this.#gone(member, asked),
      onAllFailed: options.onAllFailed,
    });
    this.voice = createVoice({ fleet: this.fleet, count, registry, lifecycle, checks });
    this.#crashes = registerWorkerMetrics(registry, this.fleet, count);
    // From the beginning: who has nobody to hear it is ended by it.
    process.on('SIGUSR2', () => this.#reload());
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
    return `http://${formatAddress(this.#listen)}`;
  }

  /** Resolves as {@link Fleet.start} does; a stop begins with draining the workers. */
  async start(): Promise<void> {
    const { lifecycle, settings } = this.#options;
    setUpForks();
    const limitMs = settings.drainTimeoutMs * DRAIN_LIMITS + 2 * DRAIN_MARGIN_MS;
    lifecycle.onStop('workers', () => this.fleet.drain(), { timeoutMs: limitMs });
    await this.fleet.start();
    this.#isStarted = true;
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
      log.warn('SIGUSR2: the workers are still starting');
      return;
    }
    log.info('renewing the workers');
    // What a stop has ended was neither finished nor a failure.
    const unlessStopped = (tell: () => void): void => {
      if (lifecycle.state === 'running') tell();
    };
    this.fleet.reload().then(
      () => unlessStopped(() => log.info('the workers are renewed')),
      (error: unknown) =>
        unlessStopped(() =>
          log.error({ err: error }, 'a new worker did not start: those that are left stay as they are'),
        ),
    );
  }

  #fork(worker: number): WorkerProcess {
    const { count, serverId } = this.#options;
    const forked = forkWorker();
    const ref = { worker };
    this.#refs.set(forked, ref);
    const { channel } = forked;
    channel.handle('orders', (): Orders => ({ worker, of: count, serverId, listen: this.#listen }));
    channel.handle('count', ({ limit, key, taken }: { limit: string; key: string; taken: number }) =>
      this.#counters.count(limit, key, taken),
    );
    channel.handle('last figures', (figures: Figures) => {
      const member = this.fleet.members.find(({ process }) => process === forked);
      if (member) this.voice.heard(member, figures);
    });
    for (const [name, answering] of this.#answering) {
      channel.handle(name, (body: unknown) => answering(body as never, ref));
    }
    return forked;
  }

  #gone(member: Member, asked: boolean): void {
    if (!asked) this.#crashes.inc({ worker: String(member.worker) });
    this.voice.gone(member);
    const ref = this.#refs.get(member.process);
    this.#refs.delete(member.process);
    if (ref) for (const told of this.#toldOfGone) told(ref);
  }
}

const STATES: readonly MemberState[] = ['starting', 'serving', 'draining'];

/** What a server has that has workers. */
export function registerWorkerMetrics(
  registry: Registry,
  fleet: Pick<Fleet, 'members'>,
  count: number,
): Counter<'worker'> {
  const registers = [registry];
  new Gauge({
    name: 'lakh_workers',
    help: 'Processes of this server that do its work, by what they are doing.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of STATES) this.set({ state }, fleet.members.filter((member) => member.state === state).length);
    },
  });
  const crashes = new Counter({
    name: 'lakh_worker_crashes_total',
    help: 'Workers that ended without being asked to.',
    labelNames: ['worker'],
    registers,
  });
  for (let worker = 1; worker <= count; worker += 1) crashes.inc({ worker: String(worker) }, 0);
  return crashes;
}
