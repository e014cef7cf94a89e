import type { Clock } from '@lakh/id-range';
import type { SimulatedClock } from '@lakh/testkit';

/**
 * One process of the simulated system. While it is paused, its timers and the answers that reach it wait, and its clock goes on; when
 * it wakes it hears of all of them, one after another. When it is dead it hears of nothing and sends nothing, while what it had sent
 * arrives all the same.
 */
export class SimulatedProcess {
  readonly name: string;
  /** Time as this process hears of it. */
  readonly clock: Clock;
  readonly #time: SimulatedClock;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #pauses = 0;
  readonly #atDeath = new Set<() => void>();
  #held: { readonly run: () => void; readonly isTimer: boolean }[] = [];

  constructor(name: string, time: SimulatedClock) {
    this.name = name;
    this.#time = time;
    this.clock = {
      monotonicMs: () => time.monotonicMs(),
      wallMs: () => Math.floor(time.wallMs()),
      schedule: (delayMs, run) => this.#schedule(delayMs, run),
    };
  }

  get state(): 'running' | 'paused' | 'dead' {
    return this.#state;
  }

  /** How often it was paused so far. */
  get pauses(): number {
    return this.#pauses;
  }

  /** Something from outside reaches this process: now, when it wakes, or never. */
  deliver(run: () => void, isTimer = false): void {
    if (this.#state === 'running') run();
    else if (this.#state === 'paused') this.#held.push({ run, isTimer });
  }

  pause(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#pauses += 1;
  }

  /** `timersFirst`: an event loop that was stopped between its phases sees to its timers before it reads its sockets. */
  wake(timersFirst: boolean): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const held = this.#held;
    this.#held = [];
    const order = timersFirst
      ? [...held.filter(({ isTimer }) => isTimer), ...held.filter(({ isTimer }) => !isTimer)]
      : held;
    // One at a time: what the first of them settles has its consequences before the second is heard of.
    for (const { run, isTimer } of order) this.#time.schedule(0, () => this.deliver(run, isTimer));
  }

  die(): void {
    this.#state = 'dead';
    this.#held = [];
    for (const run of this.#atDeath) run();
    this.#atDeath.clear();
  }

  /** What others notice of a death: its sockets are closed behind what it had sent. The returned function takes it back. */
  atDeath(run: () => void): () => void {
    this.#atDeath.add(run);
    return () => this.#atDeath.delete(run);
  }

  #schedule(delayMs: number, run: () => void): () => void {
    let isCancelled = false;
    const once = () => {
      if (!isCancelled) run();
    };
    const cancel = this.#time.schedule(delayMs, () => this.deliver(once, true));
    return () => {
      isCancelled = true;
      cancel();
    };
  }
}
