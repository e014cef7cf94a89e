/** The LinkCopy of one process over the simulated Redis. */
import type { CopyChanges, CopyHolder, CopyMove, CopyPlace, LinkCopy, StoredLink } from '@lakh/links';
import type { SimulatedClock } from '@lakh/testkit';
import type { SimulatedProcess } from '../process.js';
import type { RedisNode, SimulatedRedis } from './redis.js';
import { Wire, type WireFaults } from './wire.js';

/** As the adapter's, by a fifth of their length. */
const DEADLINE_MS = 120;
const AGAIN_MS = 30;
/** A connection on which so many in a row were not answered is given up. */
const MOST_UNANSWERED = 3;

export interface SimulatedLinkCopyOptions {
  readonly redis: SimulatedRedis;
  readonly process: SimulatedProcess;
  readonly time: SimulatedClock;
  readonly faults: WireFaults;
  readonly buckets: readonly number[];
  /** How long after a promotion this process hears of it. */
  readonly lateMs: number;
}

class SimulatedHolder implements CopyHolder {
  readonly buckets: readonly number[];
  readonly node: RedisNode;
  readonly #ending = new AbortController();
  readonly #wire: Wire;
  readonly #disconnected: () => void;
  #unanswered = 0;

  constructor({ process, time, faults, buckets }: SimulatedLinkCopyOptions, node: RedisNode) {
    this.buckets = buckets;
    this.node = node;
    this.#wire = new Wire({
      process,
      time,
      faults,
      deadlineMs: DEADLINE_MS,
      servedMs: (atMs) => Math.max(atMs, node.frozenUntilMs),
      name: 'Redis',
    });
    // Whatever was answered before the end arrives before it.
    this.#disconnected = () => {
      this.#wire.cut();
      node.connections.delete(this.#disconnected);
      time.schedule(1, () => process.deliver(() => this.end()));
    };
    node.connections.add(this.#disconnected);
  }

  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  disconnect(): void {
    this.#disconnected();
  }

  end(): void {
    this.#wire.cut();
    this.node.connections.delete(this.#disconnected);
    this.#ending.abort();
  }

  async read(buckets: readonly number[]): Promise<readonly string[]> {
    const { role, states } = await this.#call('read', () => ({
      role: this.node.role,
      states: buckets.map((bucket) => this.node.data.states.get(bucket) ?? ''),
    }));
    if (role === 'master') return states;
    this.end();
    throw new Error(`${this.node.name} is no master any more`);
  }

  advance(moves: readonly CopyMove[]): Promise<readonly boolean[]> {
    return this.#call('advance', () => this.node.advance(moves));
  }

  apply(move: CopyMove, changes: CopyChanges): Promise<boolean> {
    return this.#call('apply', () => this.node.apply(move, changes));
  }

  fill(link: StoredLink, at: CopyPlace): Promise<boolean> {
    return this.#call('fill', () => this.node.fill(link, at));
  }

  get(domainId: number, code: string, epoch: string): Promise<StoredLink | undefined> {
    return this.#call('get', () => this.node.get(domainId, code, epoch));
  }

  async #call<T>(what: string, run: () => T): Promise<T> {
    this.ended.throwIfAborted();
    try {
      const answer = await this.#wire.request(what, run);
      this.ended.throwIfAborted();
      this.#unanswered = 0;
      return answer;
    } catch (error) {
      this.#unanswered += 1;
      if (this.#unanswered >= MOST_UNANSWERED) this.end();
      throw error;
    }
  }
}

export class SimulatedLinkCopy implements LinkCopy {
  /** No connection is made before. */
  cutOffUntilMs = 0;
  readonly #options: SimulatedLinkCopyOptions;
  readonly #followers = new Set<(holder: CopyHolder) => void>();
  #holder: SimulatedHolder | undefined;

  constructor(options: SimulatedLinkCopyOptions) {
    this.#options = options;
    this.#connect();
  }

  holderOf(): CopyHolder | undefined {
    return this.#holder;
  }

  follow(began: (holder: CopyHolder) => void): () => void {
    this.#followers.add(began);
    if (this.#holder) began(this.#holder);
    return () => void this.#followers.delete(began);
  }

  cutOff(untilMs: number): void {
    this.cutOffUntilMs = untilMs;
    this.#holder?.disconnect();
  }

  /** Asks who is master, and whether it is. */
  #connect(): void {
    const { redis, process, time, faults, lateMs } = this.#options;
    const again = () => void process.clock.schedule(AGAIN_MS * (1 + faults.random()), () => this.#connect());
    const node = redis.masterAsKnown(lateMs);
    if (time.monotonicMs() < this.cutOffUntilMs || time.monotonicMs() < node.frozenUntilMs || node.role !== 'master') {
      again();
      return;
    }
    const holder = new SimulatedHolder(this.#options, node);
    this.#holder = holder;
    holder.ended.addEventListener(
      'abort',
      () => {
        if (this.#holder === holder) this.#holder = undefined;
        again();
      },
      { once: true },
    );
    for (const began of this.#followers) began(holder);
  }
}
