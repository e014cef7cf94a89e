/** One worker of a simulated server: the real issuing of a worker, at the end of a simulated channel. */
import type { CounterRange } from '@lakh/id-range';
import { answerOf, createWorkerIssuing, type SliceSource, type Slices, type WorkerIssuing } from '@lakh/issuing';
import { codec, Issuer } from '../issuer.js';
import { SimulatedProcess } from '../process.js';
import type { World } from '../world.js';
import { SimulatedChannel } from './channel.js';

export interface WorkerOptions {
  readonly name: string;
  readonly supervisor: SimulatedProcess;
  readonly slices: Slices;
  readonly settings: { readonly rangeSize: number; readonly sliceSize: number; readonly drainTimeoutMs: number };
  /** Told in the supervisor when it has noticed that the worker is gone. */
  readonly onGone: (worker: SimulatedWorker) => void;
}

export class SimulatedWorker {
  readonly process: SimulatedProcess;
  readonly issuer: Issuer;
  readonly issuing: WorkerIssuing;
  readonly #world: World;
  readonly #options: WorkerOptions;
  readonly #channel: SimulatedChannel;
  #tellBroken: (what: string) => void = () => {};
  #givenBack: readonly CounterRange[] = [];
  #isStopping = false;

  constructor(world: World, options: WorkerOptions) {
    const { name, supervisor, settings } = options;
    const { coverage, random, time } = world.network;
    this.#world = world;
    this.#options = options;
    this.process = new SimulatedProcess(name, time);
    this.#channel = new SimulatedChannel(world, this.process, supervisor);
    this.issuing = createWorkerIssuing({
      source: this.#source(),
      codec,
      settings: { ...settings, waitMs: 2_000 },
      clock: this.process.clock,
      random,
      observer: {
        burnt: () => coverage.add('burnt'),
        duplicate: () => coverage.add('duplicate'),
        leaseFailed: () => coverage.add('a worker that got no slice'),
        lost: (reason) => coverage.add(`lost: ${reason}`),
      },
    });
    this.issuer = new Issuer(world, this.process, this.issuing.codes);
    // A death is noticed from both sides.
    this.process.atDeath(() => this.#after(supervisor, () => options.onGone(this)));
    supervisor.atDeath(() =>
      this.#after(this.process, () => {
        this.#channel.close();
        void this.#drain();
      }),
    );
    void this.issuing.start();
  }

  /** Whether it serves, as its supervisor sees it. */
  get isServing(): boolean {
    return this.process.state !== 'dead' && !this.#isStopping;
  }

  take(most: number): void {
    this.issuer.take(Math.min(this.issuing.figures().heldIds, most));
  }

  pause(ms: number): void {
    const { coverage, random, time } = this.#world.network;
    if (this.process.state !== 'running') return;
    if (this.issuing.figures().leasing) coverage.add('a pause of a worker that was asking');
    this.process.pause();
    time.schedule(ms, () => this.process.wake(random() < 0.5));
  }

  crash(): void {
    const { coverage } = this.#world.network;
    if (this.issuing.figures().leasing) coverage.add('a crash of a worker that was asking');
    if (this.#isStopping) coverage.add('a crash of a worker that was stopping');
    this.process.die();
  }

  /** The supervisor tells it to end. */
  drain(): void {
    this.#channel.tell(() => void this.#drain());
  }

  hearOfBroken(what: string): void {
    this.#channel.tell(() => this.#tellBroken(what));
  }

  async #drain(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const { coverage } = this.#world.network;
    if (this.issuing.figures().leasing) coverage.add('a stop of a worker that was asking');
    await this.issuing.stop();
    coverage.add('a stop of a worker');
    if (this.issuing.figures().leasing) coverage.add('a stop of a worker past its deadline');
    if (this.#world.sabotage.workerIssuesAfterReturn) for (const tail of this.#givenBack) this.issuer.issue(tail);
    // The rest of a process's end: a slice may still arrive.
    this.process.clock.schedule(this.#world.network.random() * 20, () => this.process.die());
  }

  #source(): SliceSource {
    const { slices } = this.#options;
    const channel = () => this.#channel;
    return {
      next: ({ held }) => channel().ask(() => answerOf(slices.hand(this, held))),
      giveBack: ({ tails, isAwaiting }) => {
        this.#givenBack = [...this.#givenBack, ...tails];
        return channel().ask(() => slices.giveBack(this, tails, isAwaiting));
      },
      broken: (what) =>
        void channel()
          .ask(() => slices.fail(what))
          .catch(() => {}),
      onBroken: (told) => {
        this.#tellBroken = told;
      },
    };
  }

  #after(process: SimulatedProcess, run: () => void): void {
    const { network } = this.#world;
    network.time.schedule(network.wayMs(false), () => process.deliver(run));
  }
}
