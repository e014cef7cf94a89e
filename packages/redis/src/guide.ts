import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@lakh/base';
import { formatAddress, type HostPort } from '@lakh/settings';
import { Deadlines } from './deadline.js';
import { type Access, connectNode, type Node } from './node.js';
import type { Topology } from './topology.js';

const INTERVAL_MS = 500;
/** While something is amiss; and the shortest time between two questions. */
const SOON_MS = 100;
const SILENCE_MS = 1_000;
const AGAIN_FIRST_MS = 50;
const AGAIN_MOST_MS = 500;

export interface GuideOptions {
  /** Who can be asked from the start. */
  readonly seeds: readonly HostPort[];
  readonly access: Access;
  readonly ask: (node: Node, asked: HostPort) => Promise<Topology>;
  readonly told: (topology: Topology) => void;
  /** Nobody could be asked; called each time. */
  readonly failed: (error: unknown) => void;
  /** Whether what it told is what is there, as far as anybody knows. */
  readonly isWell: () => boolean;
}

/**
 * Goes on asking one of several who is master, by a connection of its own. While all is well that one stays; the next one is asked when it is lost,
 * and when it says again what does not fit what was found.
 */
export class Guide {
  readonly #options: GuideOptions;
  readonly #stopping = new AbortController();
  readonly #silence = new Deadlines(SILENCE_MS);
  readonly #ended: Promise<void>;
  #nodes: readonly HostPort[];
  #turn = 0;
  /** How many more may say what was said before, until it is taken for what is. */
  #doubts = 0;
  #said = '';
  #wake: () => void = () => {};

  constructor(options: GuideOptions) {
    this.#options = options;
    this.#nodes = options.seeds;
    this.#ended = this.#run();
  }

  /** What was told last does not fit what was found. */
  doubt(): void {
    this.#doubts = this.#nodes.length;
    this.#wake();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const againMs = backoff({ firstMs: AGAIN_FIRST_MS, capMs: AGAIN_MOST_MS, random: Math.random });
    let inVain = 0;
    while (!signal.aborted) {
      const asked = this.#nodes[this.#turn % this.#nodes.length] as HostPort;
      this.#turn += 1;
      try {
        await this.#stay(asked);
        inVain = 0;
        await this.#pause(SOON_MS);
      } catch (error) {
        if (signal.aborted) return;
        inVain += 1;
        this.#options.failed(error);
        // All are tried before it waits.
        if (inVain % this.#nodes.length === 0) await this.#pause(againMs(inVain / this.#nodes.length));
      }
    }
  }

  /** Asks one again and again. Resolves when another one should be asked; rejects when this one cannot be. */
  async #stay(asked: HostPort): Promise<void> {
    const { signal } = this.#stopping;
    const node = await connectNode(asked, this.#options.access, { signal, lost: () => this.#wake() });
    try {
      for (;;) {
        const topology = await this.#silence.race(this.#options.ask(node, asked));
        if (signal.aborted) return;
        const isNews = this.#learn(topology);
        if (!isNews && (this.#doubts > 0 || !this.#options.isWell())) {
          this.#doubts = Math.max(0, this.#doubts - 1);
          return;
        }
        await this.#pause(this.#options.isWell() ? INTERVAL_MS : SOON_MS);
        if (signal.aborted) return;
      }
    } finally {
      node.destroy();
    }
  }

  /** @returns whether nobody said it last */
  #learn(topology: Topology): boolean {
    const said = JSON.stringify(topology);
    if (said === this.#said) return false;
    this.#said = said;
    this.#doubts = 0;
    const { nodes, told, seeds } = { ...this.#options, ...topology };
    this.#nodes = uniqueBy([...nodes, ...seeds], formatAddress);
    told(topology);
    return true;
  }

  /** At most `delayMs`, and at least as long as keeps many doubts from being many questions. */
  async #pause(delayMs: number): Promise<void> {
    const { signal } = this.#stopping;
    await sleep(Math.min(SOON_MS, delayMs), undefined, { signal, ref: false }).catch(() => {});
    if (this.#doubts > 0 || signal.aborted || delayMs <= SOON_MS) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs - SOON_MS).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', this.#wake, { once: true });
    });
    signal.removeEventListener('abort', this.#wake);
    this.#wake = () => {};
  }
}

function uniqueBy<T>(values: readonly T[], key: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}
