/** Changes as messages: a server that announces one to the cache tells every subscriber, whose own caches then end what they have. */
import { backoff } from '@lakh/base';
import { type ChangeFeed, type ChangeListener, type Invalidation, isPossibleCode } from '@lakh/links';
import type { Master } from './master.js';
import type { Masters, RedisLog } from './masters.js';

/** Under what a user of Redis who may not have every channel is given: `&lakh:*`. */
export const CHANGES_CHANNEL = 'lakh:changes';

const MESSAGE = /^(\d{1,10})\|([\w-]{1,64})\|([1-9]\d{0,15})$/;
const AGAIN_FIRST_MS = 50;
const AGAIN_MOST_MS = 1_000;

export function encodeChange({ domainId, code, version }: Invalidation): string {
  return `${domainId}|${code}|${version}`;
}

/** Whoever reaches Redis can send messages: what is none of ours is undefined. */
export function decodeChange(message: string): Invalidation | undefined {
  const [, domainId, code = '', version] = MESSAGE.exec(message) ?? [];
  return isPossibleCode(code) ? { domainId: Number(domainId), code, version: Number(version) } : undefined;
}

export interface RedisChangeFeedOptions {
  readonly masters: Masters;
  readonly log?: RedisLog;
  /** For metrics: whether changes are heard now. */
  readonly hearing?: (isHearing: boolean) => void;
}

/** Listens to one of the masters, and to another when it ends: a node of a Cluster passes messages on to all others, so that any of them will do. */
export function createRedisChangeFeed(options: RedisChangeFeedOptions): ChangeFeed {
  return {
    follow(listener) {
      const listening = new Listening(options, listener);
      return async () => listening.stop();
    },
  };
}

class Listening {
  readonly #options: RedisChangeFeedOptions;
  readonly #listener: ChangeListener;
  readonly #againMs = backoff({ firstMs: AGAIN_FIRST_MS, capMs: AGAIN_MOST_MS, random: Math.random });
  readonly #unwatch: () => void;
  #master: Master | undefined;
  #end: (() => void) | undefined;
  #inVain = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: RedisChangeFeedOptions, listener: ChangeListener) {
    this.#options = options;
    this.#listener = listener;
    options.hearing?.(false);
    this.#unwatch = options.masters.watch({
      came: () => this.#look(),
      ended: (master, error) => {
        if (master === this.#master) this.#lost(error);
      },
    });
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#unwatch();
    this.#end?.();
    this.#options.hearing?.(false);
  }

  #look(): void {
    if (this.#master !== undefined || this.#isStopped) return;
    clearTimeout(this.#timer);
    const masters = this.#options.masters.all();
    const master = masters[Math.floor(Math.random() * masters.length)];
    if (master !== undefined) void this.#listen(master);
  }

  async #listen(master: Master): Promise<void> {
    this.#master = master;
    try {
      const end = await master.subscribe(CHANGES_CHANNEL, (message) => this.#heard(master, message));
      if (this.#isStopped) end();
      if (this.#isStopped || this.#master !== master) return;
      this.#end = end;
      this.#inVain = 0;
      // Only now: what is dropped after the subscription is read again, and what changes from here on is heard.
      this.#listener.missed();
      this.#options.hearing?.(true);
      this.#options.log?.info({}, 'changes are heard');
    } catch (error) {
      if (this.#master === master) this.#lost(error);
    }
  }

  #heard(master: Master, message: string): void {
    const change = this.#isStopped || this.#master !== master ? undefined : decodeChange(message);
    if (change !== undefined) this.#listener.changed(change);
  }

  #lost(error: unknown): void {
    this.#master = undefined;
    this.#end = undefined;
    if (this.#isStopped) return;
    this.#options.hearing?.(false);
    if (this.#inVain === 0) {
      this.#options.log?.warn({ err: error }, 'changes are not heard: what is cached here ends by its age alone');
    }
    this.#inVain += 1;
    this.#timer = setTimeout(() => this.#look(), this.#againMs(this.#inVain));
    this.#timer.unref();
  }
}
