import type { SimulatedProcess } from '../process.js';
import type { World } from '../world.js';

/**
 * Between a supervisor and one worker, as node:cluster has it: in order each way, and whole as long as both live. What was sent before a death
 * arrives all the same; the other side hears of the death whenever it does, before or after that.
 */
export class SimulatedChannel {
  readonly #world: World;
  readonly #worker: SimulatedProcess;
  readonly #supervisor: SimulatedProcess;
  readonly #open = new Set<(error: Error) => void>();
  #closed: Error | undefined;
  #arrivesMs = { up: 0, down: 0 };

  constructor(world: World, worker: SimulatedProcess, supervisor: SimulatedProcess) {
    this.#world = world;
    this.#worker = worker;
    this.#supervisor = supervisor;
  }

  /** Of the worker; rejects when the supervisor is gone before it has answered. */
  ask<T>(answering: () => Promise<T> | T): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const settle = (run: () => void) =>
        this.tell(() => {
          this.#open.delete(reject);
          run();
        });
      this.#open.add(reject);
      this.#send('up', this.#supervisor, () => {
        Promise.resolve()
          .then(answering)
          .then(
            (answer) => settle(() => resolve(answer)),
            (error: Error) => settle(() => reject(error)),
          );
      });
    });
  }

  /** Of the supervisor. */
  tell(hear: () => void): void {
    this.#send('down', this.#worker, hear);
  }

  /** The worker has heard that the supervisor is gone. */
  close(): void {
    this.#closed ??= new Error('the supervisor is gone');
    for (const reject of this.#open) reject(this.#closed);
    this.#open.clear();
  }

  #send(way: 'up' | 'down', to: SimulatedProcess, run: () => void): void {
    const { time, wayMs } = this.#clockwork();
    const nowMs = time.monotonicMs();
    const arrivesMs = Math.max(this.#arrivesMs[way], nowMs + wayMs);
    this.#arrivesMs[way] = arrivesMs;
    time.schedule(arrivesMs - nowMs, () => to.deliver(run));
  }

  #clockwork() {
    const { network } = this.#world;
    return { time: network.time, wayMs: network.wayMs(false) };
  }
}
