/**
 * The workers of a server: so many places, each with one process that serves.
 *
 *   start    all at once. One that ends with an exit code before it serves ends the start: what is wrong with it is wrong with all. One that
 *            a signal ends is started again, and one that serves is enough for the start.
 *   crash    a worker that ends unasked is started again after a pause that doubles; one that had served for a while begins anew.
 *   reload   place after place: a new process serves before the old one is told to drain. One that is asked for meanwhile comes after it.
 *   drain    all are told; who takes too long is cut.
 */
import { backoff } from '@lakh/base';
import type { Logger } from '../logging.js';
import {
  describeExit,
  type Exit,
  type Member,
  type MemberState,
  WorkerFailedError,
  type WorkerProcess,
} from './member.js';

export interface FleetOptions {
  readonly count: number;
  readonly fork: (worker: number) => WorkerProcess;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** How long a worker may take to drain. */
  readonly drainLimitMs: number;
  /** Told of each that serves, which it counts as once this has resolved. */
  readonly onServing: (member: Member) => Promise<void>;
  /** Told of each that is about to be told to end. */
  readonly onEnding: (member: Member) => void;
  /** Told of each that is gone, after it was told to end or not. */
  readonly onGone: (member: Member, asked: boolean) => void;
  /** No worker serves, and none can be started any more. */
  readonly onAllFailed: () => void;
  readonly pauses?: { readonly firstMs: number; readonly capMs: number };
}

const PAUSES = { firstMs: 100, capMs: 10_000 };
/** Whoever has served for so long has not failed in a row. */
const STEADY_MS = 60_000;
/** In a row and of each, with none that serves: for whoever started the server to see. */
const FAILURES_MAX = 8;

interface Place {
  readonly worker: number;
  /** The one that serves, or will. */
  current: Member | undefined;
  failures: number;
  restart: NodeJS.Timeout | undefined;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #places: readonly Place[];
  readonly #members = new Set<Member>();
  readonly #pauseMs: (failures: number) => number;
  #isEnding = false;
  #reloading: Promise<void> | undefined;
  #nextReload: Promise<void> | undefined;
  /** Until the first serves. */
  #first: { serves: () => void; fails: (error: Error) => void } | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#pauseMs = backoff({ ...(options.pauses ?? PAUSES), random: Math.random });
    this.#places = Array.from({ length: options.count }, (_, index) => ({
      worker: index + 1,
      current: undefined,
      failures: 0,
      restart: undefined,
    }));
  }

  /** Those that live, replaced ones included. */
  get members(): readonly Member[] {
    return [...this.#members];
  }

  /**
   * Resolves when each worker serves, or was ended by a signal and is being started again, and one serves.
   * @throws WorkerFailedError for one that ended by itself, or when none serves and none can be started any more
   */
  async start(): Promise<void> {
    const first = new Promise<void>((serves, fails) => {
      this.#first = { serves, fails };
    });
    const all = this.#places.map(async (place) => {
      try {
        place.current = await this.#launch(place);
      } catch (error) {
        if (!(error instanceof WorkerFailedError) || error.exitCode !== undefined) throw error;
        this.#startAgain(place);
      }
    });
    try {
      await Promise.all([first, ...all]);
    } finally {
      this.#first = undefined;
    }
  }

  /**
   * Renews every worker, or those before a drain; during a reload, once more after it. Rejects with WorkerFailedError when a new one does not start:
   * the old ones that are left stay.
   */
  reload(): Promise<void> {
    if (!this.#reloading) return this.#beginReload();
    const begin = () => {
      this.#nextReload = undefined;
      return this.#beginReload();
    };
    this.#nextReload ??= this.#reloading.then(begin, begin);
    return this.#nextReload;
  }

  /** @throws Error when a worker had to be cut, or ended with another exit code than 0 */
  async drain(): Promise<void> {
    this.#isEnding = true;
    this.#first?.fails(new Error('the workers were told to end'));
    for (const { restart } of this.#places) clearTimeout(restart);
    const ends = await Promise.all(this.members.map((member) => this.#end(member)));
    const unclean = ends.filter((isClean) => !isClean).length;
    if (unclean > 0) throw new Error(`${unclean} of ${ends.length} workers did not end cleanly`);
  }

  /** At once, whatever they are doing. */
  killAll(): void {
    this.#isEnding = true;
    for (const { process } of this.#members) process.kill('SIGKILL');
  }

  /** Resolves once it serves. */
  async #launch({ worker }: Place): Promise<Member> {
    const process = this.#options.fork(worker);
    const member: Member = { worker, process, startedMs: performance.now(), state: 'starting' };
    this.#members.add(member);
    this.#options.log.info({ worker, pid: process.pid }, 'worker started');
    const gone = process.exited.then((exit) => this.#ended(member, exit));
    return new Promise((resolve, reject) => {
      process.channel.handle('serving', () => void this.#serves(member).then(() => resolve(member), reject));
      void gone.then((exit) => reject(new WorkerFailedError(worker, exit)));
    });
  }

  async #serves(member: Member): Promise<void> {
    if (member.state !== 'starting') return;
    await this.#options.onServing(member);
    // It may have been told to end, or have ended, meanwhile.
    if ((member.state as MemberState) !== 'starting') return;
    member.state = 'serving';
    this.#first?.serves();
  }

  #ended(member: Member, exit: Exit): Exit {
    const { state, worker, process } = member;
    const asked = state === 'draining' || this.#isEnding;
    member.state = 'gone';
    this.#members.delete(member);
    process.channel.close();
    const facts = { worker, pid: process.pid, ...exit };
    if (asked) this.#options.log.info(facts, 'worker ended');
    else this.#options.log.error(facts, `a worker ended ${describeExit(exit)} without being asked`);
    this.#options.onGone(member, asked);
    const place = this.#places[worker - 1];
    if (place?.current === member) {
      place.current = undefined;
      if (performance.now() - member.startedMs >= STEADY_MS) place.failures = 0;
      if (!asked) this.#startAgain(place);
    }
    return exit;
  }

  #startAgain(place: Place): void {
    place.failures += 1;
    this.#startLater(place);
  }

  #startLater(place: Place): void {
    if (this.#isEnding) return;
    const pauseMs = Math.round(this.#pauseMs(place.failures));
    this.#options.log.warn(
      { worker: place.worker, failures: place.failures, inMs: pauseMs },
      'starting a worker again',
    );
    place.restart = setTimeout(() => void this.#tryAgain(place), pauseMs);
  }

  async #tryAgain(place: Place): Promise<void> {
    // A reload has put somebody there meanwhile.
    if (this.#isEnding || place.current) return;
    try {
      const fresh = await this.#launch(place);
      // Or while this one started.
      if (place.current) void this.#end(fresh);
      else place.current = fresh;
    } catch (error) {
      // Somebody serves there, and is looked after.
      if (place.current) return;
      this.#failedAgain(place, error as Error);
    }
  }

  #failedAgain(place: Place, error: Error): void {
    place.failures += 1;
    const isHopeless = this.#places.every(({ current, failures }) => !current && failures >= FAILURES_MAX);
    const isOwnEnd = error instanceof WorkerFailedError && error.exitCode !== undefined;
    if (this.#isEnding) return;
    if (this.#first && (isHopeless || isOwnEnd)) {
      this.#isEnding = true;
      this.#first.fails(
        isOwnEnd ? error : new Error(`${error.message}, like all others at least ${FAILURES_MAX} times in a row`),
      );
    } else if (isHopeless) {
      this.#isEnding = true;
      this.#options.onAllFailed();
    } else {
      this.#startLater(place);
    }
  }

  #beginReload(): Promise<void> {
    const reload = this.#renewAll().finally(() => {
      if (this.#reloading === reload) this.#reloading = undefined;
    });
    this.#reloading = reload;
    return reload;
  }

  async #renewAll(): Promise<void> {
    for (const place of this.#places) {
      if (this.#isEnding) return;
      const fresh = await this.#launch(place);
      clearTimeout(place.restart);
      const old = place.current;
      place.current = fresh;
      place.failures = 0;
      if (old) await this.#end(old);
    }
  }

  /** Whether it ended in order. */
  async #end(member: Member): Promise<boolean> {
    const { process, worker } = member;
    const wasStarting = member.state === 'starting';
    member.state = 'draining';
    this.#options.onEnding(member);
    // One that starts may not hear a question yet, and serves nobody; one that is gone has heard nothing, and needs not.
    if (wasStarting) process.kill('SIGTERM');
    else process.channel.ask('drain').catch(() => {});
    const cut = setTimeout(() => {
      this.#options.log.error({ worker, pid: process.pid }, 'a worker did not end in time, and is cut');
      process.kill('SIGKILL');
    }, this.#options.drainLimitMs);
    const { code } = await process.exited;
    clearTimeout(cut);
    return wasStarting || code === 0;
  }
}
