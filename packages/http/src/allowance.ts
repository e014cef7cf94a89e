import { RecentMap } from './recent-map.js';

/** What is known of a key's minute. */
interface Window {
  used: number;
  /** Of `used`, what nobody else has been told of. */
  untold: number;
  /** What was heard last of all that was told, here and elsewhere: it only grows in a minute. */
  heard: number;
  endsMs: number;
}

export interface AllowanceOptions {
  readonly perMinute: number;
  /** Milliseconds that only grow. */
  readonly nowMs?: () => number;
  /** Keys of which something is known at once; of more those are forgotten that were not heard of for the longest. */
  readonly keysMax?: number;
}

const MINUTE_MS = 60_000;
/** About 10 MB. Who has more addresses than this has that many allowances anyway. */
const KEYS_MAX = 65_536;

/** So much a minute for each key, counted from the first that it takes. */
export class Allowance {
  readonly perMinute: number;
  readonly #nowMs: () => number;
  readonly #windows: RecentMap<Window>;
  #agedMs: number;

  constructor({ perMinute, nowMs = () => performance.now(), keysMax = KEYS_MAX }: AllowanceOptions) {
    this.perMinute = perMinute;
    this.#nowMs = nowMs;
    this.#windows = new RecentMap(keysMax);
    this.#agedMs = nowMs();
  }

  /** Keys of which something is known. */
  get size(): number {
    return this.#windows.size;
  }

  /** Until the key may take again, in milliseconds; 0 while it may. */
  waitMs(key: string): number {
    const window = this.#windows.get(key);
    return window === undefined || window.used < this.perMinute ? 0 : Math.max(0, window.endsMs - this.#nowMs());
  }

  /** Until the key's minute ends, in milliseconds; 0 where none has begun. */
  endsInMs(key: string): number {
    return Math.max(0, (this.#windows.get(key)?.endsMs ?? 0) - this.#nowMs());
  }

  /** What the key may still take in its minute. */
  left(key: string): number {
    const window = this.#windows.get(key);
    const used = window === undefined || window.endsMs <= this.#nowMs() ? 0 : window.used;
    return Math.max(0, this.perMinute - used);
  }

  /** Takes so many, there or not. */
  take(key: string, count = 1): void {
    this.#open(key, MINUTE_MS).used += count;
  }

  /** One that was taken was not needed. */
  giveBack(key: string): void {
    const window = this.#windows.get(key);
    if (window !== undefined && window.used > 0) window.used -= 1;
  }

  /** Counts what was taken and is kept, and returns how many there are to tell others of once these are `atLeast`, else 0. */
  tell(key: string, atLeast: number, count = 1): number {
    const window = this.#windows.get(key);
    if (window === undefined) return 0;
    window.untold += count;
    if (window.untold < atLeast) return 0;
    const told = window.untold;
    window.untold = 0;
    return told;
  }

  /**
   * What the key has taken here and elsewhere, and when that minute ends; in the order in which it was counted. Where it is less than before and
   * ends later, a minute has begun that knows nothing of what was counted here of the one before, and that must not be held against the key for another.
   */
  hear(key: string, used: number, endsInMs: number): void {
    const window = this.#open(key, endsInMs);
    const endsMs = this.#nowMs() + Math.min(endsInMs, MINUTE_MS);
    const isAnother = used < window.heard && endsMs > window.endsMs;
    window.used = isAnother ? used + window.untold : Math.max(window.used, used);
    window.heard = used;
    window.endsMs = endsMs;
  }

  #open(key: string, lastsMs: number): Window {
    const nowMs = this.#nowMs();
    const known = this.#windows.get(key);
    if (known !== undefined && known.endsMs > nowMs) return known;
    if (nowMs - this.#agedMs >= MINUTE_MS) {
      // What nobody has asked for in a minute has nothing left to say.
      this.#windows.age();
      this.#agedMs = nowMs;
    }
    const window = { used: 0, untold: 0, heard: 0, endsMs: nowMs + lastsMs };
    this.#windows.set(key, window);
    return window;
  }
}
