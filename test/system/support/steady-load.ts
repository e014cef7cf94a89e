import { until } from '@lakh/testkit';
import type { Answer } from './ask';
import type { CreatedLinks } from './created-links';

/** Requests of one load that may be unanswered at once: an open loop that nothing bounds would drown the servers. */
const MAX_IN_FLIGHT = 64;

/** How the answers of a load went, by moment of arrival. */
export class SteadyLoad {
  readonly statuses = new Map<number, number>();
  /** Of a request that got no answer at all. */
  readonly failures: string[] = [];
  slowestMs = 0;
  readonly #timer: NodeJS.Timeout;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #successes: number[] = [];
  #stopped = Number.POSITIVE_INFINITY;

  /** Calls `send` every `everyMs`, whether earlier ones are answered or not. */
  constructor(everyMs: number, send: () => Promise<Answer>) {
    this.#timer = setInterval(() => {
      if (this.#inFlight.size >= MAX_IN_FLIGHT) return;
      const sent = send()
        .then((answer) => this.#answered(answer))
        .catch((error: unknown) => {
          this.failures.push(String(error));
        })
        .finally(() => this.#inFlight.delete(sent));
      this.#inFlight.add(sent);
    }, everyMs);
  }

  get answers(): number {
    return [...this.statuses.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The longest time between two successes, or from the last one to the load's end (or now). */
  longestGapMs(): number {
    const moments = [...this.#successes, Math.min(this.#stopped, performance.now())];
    return moments.reduce((most, at, i) => Math.max(most, i === 0 ? 0 : at - (moments[i - 1] as number)), 0);
  }

  /** Sends nothing more and waits for what is unanswered. */
  async stop(): Promise<void> {
    if (this.#stopped === Number.POSITIVE_INFINITY) this.#stopped = performance.now();
    clearInterval(this.#timer);
    await Promise.all(this.#inFlight);
  }

  #answered({ status, ms }: Answer): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    this.slowestMs = Math.max(this.slowestMs, ms);
    if (status < 400) this.#successes.push(performance.now());
  }
}

/** Runs `work` while the loads go on, and stops them however it ends. */
export async function during(loads: readonly SteadyLoad[], work: () => Promise<void>): Promise<void> {
  try {
    await until(() => loads.every(({ answers }) => answers > 10), 'the load is under way');
    await work();
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
  }
}

/** A create every `everyMs`. */
export function steadyCreates(created: CreatedLinks, baseUrl: string, everyMs: number): SteadyLoad {
  return new SteadyLoad(everyMs, () => created.create(baseUrl));
}
