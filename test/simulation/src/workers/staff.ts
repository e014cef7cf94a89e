/** The workers of one simulated server, as its supervisor looks after them. */
import type { Issuing } from '@lakh/issuing';
import type { SimulatedProcess } from '../process.js';
import type { World } from '../world.js';
import { SimulatedWorker, type WorkerOptions } from './worker.js';

/** As the supervisor waits, from the first crash on. */
const RESTART_MS = 100;
const STARTING_MS = 40;

export interface StaffOptions extends Pick<WorkerOptions, 'settings'> {
  readonly count: number;
  readonly supervisor: SimulatedProcess;
  readonly issuing: Pick<Issuing, 'slices' | 'onBroken'>;
  /** How long a worker may take to drain. */
  readonly drainLimitMs: number;
}

export class SimulatedStaff {
  readonly #world: World;
  readonly #options: StaffOptions;
  readonly #all: SimulatedWorker[] = [];
  /** Those whose ends the supervisor has not noticed. */
  readonly #present = new Set<SimulatedWorker>();
  readonly #waiting: (() => void)[] = [];
  #isEnding = false;

  constructor(world: World, options: StaffOptions) {
    this.#world = world;
    this.#options = options;
    options.issuing.onBroken(({ what }) => {
      for (const worker of this.#present) worker.hearOfBroken(what);
    });
    for (let i = 0; i < options.count; i += 1) this.#start();
  }

  /** Those that ended included. */
  get everStarted(): readonly SimulatedWorker[] {
    return this.#all;
  }

  get serving(): readonly SimulatedWorker[] {
    return this.#all.filter(({ isServing }) => isServing);
  }

  /** A new one beside it, and then it is told to end. */
  renew(worker: SimulatedWorker): void {
    const { supervisor } = this.#options;
    if (this.#isEnding || supervisor.state !== 'running') return;
    this.#start();
    supervisor.clock.schedule(STARTING_MS, () => this.#drain(worker));
  }

  /** Resolves when all are gone. */
  async end(): Promise<void> {
    this.#isEnding = true;
    for (const worker of this.#present) this.#drain(worker);
    if (this.#present.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #start(): void {
    const { supervisor, settings, issuing } = this.#options;
    const name = `${supervisor.name}, worker ${this.#all.length + 1}`;
    const slices = this.#world.sabotage.slices?.(issuing.slices) ?? issuing.slices;
    const worker = new SimulatedWorker(this.#world, {
      ...{ name, supervisor, settings, slices },
      onGone: (gone) => {
        this.#present.delete(gone);
        slices.ended(gone);
        if (this.#present.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
        if (this.#isEnding || this.#present.size >= this.#options.count) return;
        supervisor.clock.schedule(RESTART_MS, () => {
          if (!this.#isEnding) this.#start();
        });
      },
    });
    this.#all.push(worker);
    this.#present.add(worker);
  }

  #drain(worker: SimulatedWorker): void {
    const { supervisor, drainLimitMs } = this.#options;
    worker.drain();
    supervisor.clock.schedule(drainLimitMs, () => {
      if (worker.process.state === 'dead') return;
      this.#world.network.coverage.add('a worker that was cut');
      worker.process.die();
    });
  }
}
