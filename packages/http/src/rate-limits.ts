/**
 * What one client may have of a server in a minute. A decision is made here, in the same tick, from what this process has counted; where servers
 * share counters they tell each other what was taken a little later, so that nobody waits for that, and nothing stops when it cannot be had.
 */
import type { ServerResponse } from 'node:http';
import { Counter, Gauge, type Registry } from 'prom-client';
import { Allowance } from './allowance.js';
import { BatchPlaces } from './batch-places.js';
import { PayloadTooLargeError, RateLimitedError, TooManyInFlightError } from './errors.js';
import { RecentMap } from './recent-map.js';
import type { RequestHead } from './request-head.js';
import type { Route } from './route-table.js';

/** Each with counters of its own; `token_changes` are those of a token's holder, wherever it is used. */
export const LIMITS = ['changes', 'token_changes', 'misses', 'wrong_tokens', 'wrong_passwords'] as const;

export type Limit = (typeof LIMITS)[number];

/** Counters that several servers have in common. */
export interface SharedCounters {
  /**
   * Adds to what a key has taken of a limit in its present minute.
   *
   * @returns what it has taken in all, and when the minute ends; undefined where that cannot be known now. Never rejects
   */
  count(
    limit: string,
    key: string,
    taken: number,
  ): Promise<{ readonly used: number; readonly endsInMs: number } | undefined>;
}

export interface RateLimits {
  /**
   * Lets a request of a route with this rate class go on, or not. A change is taken, of the holder's own allowance where it has a token. A look-up
   * is taken until the answer shows that it found something. An edit is both, for its answer tells whether the link is there.
   *
   * @throws RateLimitedError
   */
  admit(rate: Route['rate'], request: RequestHead, response: ServerResponse, holder?: string): void;
  /**
   * Takes `count` changes more for a request that was let in and asks for several, all or none.
   *
   * @throws RateLimitedError, and PayloadTooLargeError for more than a whole minute has
   */
  takeMore(count: number, request: RequestHead, holder?: string): void;
  /**
   * Takes one of the look-ups of a request that asks for several; what it returns is to be told once whether it found something.
   *
   * @throws RateLimitedError
   */
  lookUp(request: RequestHead, holder?: string): (found: boolean) => void;
  /**
   * Gives a request that brings very many changes a place until it is answered: while it lasts it holds memory that others lack. A client has a quarter
   * of the places.
   *
   * @throws OverloadedError, TooManyInFlightError
   */
  holdPlace(request: RequestHead, response: ServerResponse, holder?: string): void;
  /**
   * Judges a request with a token, by whose it is: undefined for nobody's. Beyond the allowance of wrong ones a right one is refused like the others, so
   * that no guess is told from it, unless its holder has used it from this address before: nobody is shut out by a neighbour's guesses.
   *
   * @throws RateLimitedError
   */
  tokenShown(request: RequestHead, holder: string | undefined): void;
  /**
   * Takes one of the wrong passwords that a client may send; what it returns is to be told once whether it was the right one, which costs nothing.
   * Until then it is one of the few that a client may have looked at at once: right ones are work too.
   *
   * @throws RateLimitedError, TooManyInFlightError
   */
  passwordTried(request: RequestHead): (isRight: boolean) => void;
  /** From now on servers that have the same counters count together. */
  shareOver(counters: SharedCounters | undefined): void;
}

export interface RateLimitOptions {
  readonly changesPerMin: number;
  readonly missesPerMin: number;
  readonly wrongTokensPerMin: number;
  readonly clientOf: (request: RequestHead) => string;
  readonly registry: Registry;
  /** Told of every refusal. */
  readonly onRefused?: (limit: Limit, request: RequestHead) => void;
  readonly nowMs?: () => number;
}

/** Whoever has a token is known, and is a program more often than a person. */
const TOKEN_FACTOR = 10;

/** Of passwords that wait to be looked at, some dozens: so that whoever knows one keeps nobody waiting by sending it again and again. */
const PASSWORDS_OF_ONE = 8;

/** Whoever has no token adds none. */
const USERS_MAX = 65_536;

/** A server tells the others of each fiftieth of an allowance: who uses little costs nothing, and who uses all of it is out by 2 % a server. */
const PARTS_TOLD = 50;

const SUBJECTS: Readonly<Record<Limit, string>> = {
  changes: 'links were made or changed from this address',
  token_changes: 'links were made or changed with this token',
  misses: 'links that are not there were asked for from this address',
  wrong_tokens: 'wrong tokens came from this address',
  wrong_passwords: 'wrong passwords of links came from this address',
};

/** What a look-up that found nothing is answered with. */
const MISSES: ReadonlySet<number> = new Set([404, 410]);

export function createRateLimits(options: RateLimitOptions): RateLimits {
  return new Limits(options);
}

class Limits implements RateLimits {
  readonly #options: RateLimitOptions;
  readonly #allowances: Readonly<Record<Limit, Allowance>>;
  readonly #refused: Counter<'limit'>;
  /** Who has used a token from where. */
  readonly #users = new RecentMap<true>(USERS_MAX);
  readonly #places = new BatchPlaces();
  /** Passwords that are being looked at, by clients. */
  readonly #trying = new Map<string, number>();
  #counters: SharedCounters | undefined;

  constructor(options: RateLimitOptions) {
    const { changesPerMin, missesPerMin, wrongTokensPerMin, registry, nowMs } = options;
    const clock = nowMs === undefined ? {} : { nowMs };
    this.#options = options;
    this.#allowances = {
      changes: new Allowance({ perMinute: changesPerMin, ...clock }),
      token_changes: new Allowance({ perMinute: changesPerMin * TOKEN_FACTOR, ...clock }),
      misses: new Allowance({ perMinute: missesPerMin, ...clock }),
      wrong_tokens: new Allowance({ perMinute: wrongTokensPerMin, ...clock }),
      wrong_passwords: new Allowance({ perMinute: wrongTokensPerMin, ...clock }),
    };
    this.#refused = registerMetrics(registry, this.#allowances);
  }

  admit(rate: Route['rate'], request: RequestHead, response: ServerResponse, holder?: string): void {
    if (rate === 'misses' || rate === 'edits') {
      const end = this.lookUp(request, holder);
      // Who leaves before the answer has cost the look-up all the same.
      response.once('close', () => end(response.headersSent && !MISSES.has(response.statusCode)));
    }
    if (rate === 'changes' || rate === 'edits') this.#change(request, holder);
  }

  takeMore(count: number, request: RequestHead, holder?: string): void {
    if (count === 0) return;
    if (count === 1) {
      this.#change(request, holder);
      return;
    }
    const { limit, key } = this.#changesOf(request, holder);
    const allowance = this.#allowances[limit];
    // One was taken as the request was let in.
    const all = count + 1;
    if (all > allowance.perMinute) {
      throw new PayloadTooLargeError(
        `These are ${all} links at once, and ${allowance.perMinute} may be made or changed in a minute; send fewer.`,
      );
    }
    const left = allowance.left(key);
    if (count > left) {
      const what = `${SUBJECTS[limit]} for ${all} at once: of ${allowance.perMinute} a minute ${left + 1} are left`;
      this.#refuse(limit, request, what, allowance.endsInMs(key));
    }
    allowance.take(key, count);
    this.#tell(limit, key, count);
  }

  lookUp(request: RequestHead, holder?: string): (found: boolean) => void {
    const key = this.#clientKey(request, holder);
    this.#take('misses', key, request);
    return (found) => {
      if (found) this.#allowances.misses.giveBack(key);
      else this.#tell('misses', key);
    };
  }

  holdPlace(request: RequestHead, response: ServerResponse, holder?: string): void {
    this.#places.hold(this.#clientKey(request, holder), response);
  }

  tokenShown(request: RequestHead, holder: string | undefined): void {
    const client = this.#options.clientOf(request);
    const user = holder === undefined ? undefined : `${client} ${holder}`;
    if (user !== undefined && this.#users.get(user)) return;
    this.#take('wrong_tokens', client, request);
    if (user === undefined) {
      this.#tell('wrong_tokens', client);
    } else {
      this.#allowances.wrong_tokens.giveBack(client);
      this.#users.set(user, true);
    }
  }

  passwordTried(request: RequestHead): (isRight: boolean) => void {
    const client = this.#options.clientOf(request);
    const trying = this.#trying.get(client) ?? 0;
    if (trying >= PASSWORDS_OF_ONE) {
      throw new TooManyInFlightError('Too many passwords of this client are being looked at; try again later.');
    }
    this.#take('wrong_passwords', client, request);
    this.#trying.set(client, trying + 1);
    return (isRight) => {
      const left = (this.#trying.get(client) as number) - 1;
      if (left > 0) this.#trying.set(client, left);
      else this.#trying.delete(client);
      if (isRight) this.#allowances.wrong_passwords.giveBack(client);
      else this.#tell('wrong_passwords', client);
    };
  }

  shareOver(counters: SharedCounters | undefined): void {
    this.#counters = counters;
  }

  #change(request: RequestHead, holder: string | undefined): void {
    const { limit, key } = this.#changesOf(request, holder);
    this.#take(limit, key, request);
    this.#tell(limit, key);
  }

  #changesOf(request: RequestHead, holder: string | undefined): { readonly limit: Limit; readonly key: string } {
    return holder === undefined
      ? { limit: 'changes', key: this.#options.clientOf(request) }
      : { limit: 'token_changes', key: holder };
  }

  #clientKey(request: RequestHead, holder: string | undefined): string {
    // No address begins like this.
    return holder === undefined ? this.#options.clientOf(request) : `@${holder}`;
  }

  #take(limit: Limit, key: string, request: RequestHead): void {
    const waitMs = this.#allowances[limit].waitMs(key);
    if (waitMs > 0) this.#refuse(limit, request, SUBJECTS[limit], waitMs);
    this.#allowances[limit].take(key);
  }

  #refuse(limit: Limit, request: RequestHead, what: string, waitMs: number): never {
    this.#refused.inc({ limit });
    this.#options.onRefused?.(limit, request);
    throw new RateLimitedError(what, waitMs);
  }

  /** What was taken is kept. */
  #tell(limit: Limit, key: string, count = 1): void {
    if (this.#counters === undefined) return;
    const allowance = this.#allowances[limit];
    const told = allowance.tell(key, Math.ceil(allowance.perMinute / PARTS_TOLD), count);
    if (told === 0) return;
    void this.#counters.count(limit, key, told).then((known) => {
      if (known) allowance.hear(key, known.used, known.endsInMs);
    });
  }
}

function registerMetrics(registry: Registry, allowances: Readonly<Record<Limit, Allowance>>): Counter<'limit'> {
  const registers = [registry];
  new Gauge({
    name: 'lakh_rate_limit_keys',
    help: 'Addresses and tokens of which a rate limit knows something, by the limit.',
    labelNames: ['limit'],
    registers,
    collect() {
      for (const limit of LIMITS) this.set({ limit }, allowances[limit].size);
    },
  });
  const refused = new Counter({
    name: 'lakh_rate_limited_total',
    help: 'Requests answered with 429, by the limit that they were over.',
    labelNames: ['limit'],
    registers,
  });
  for (const limit of LIMITS) refused.inc({ limit }, 0);
  return refused;
}
