/**
 * What one client may have of a server in a minute. A decision is made here, in the same tick, from what this process has counted; where servers
 * share counters they tell each other what was taken a little later, so that nobody waits for that, and nothing stops when it cannot be had.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Counter, Gauge, type Registry } from 'prom-client';
import { Allowance } from './allowance.js';
import { RateLimitedError } from './errors.js';
import { RecentMap } from './recent-map.js';
import type { Route } from './route-table.js';

/** Each with counters of its own; `token_changes` are those of a token's holder, wherever it is used. */
export const LIMITS = ['changes', 'token_changes', 'misses', 'wrong_tokens'] as const;

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
  admit(rate: Route['rate'], request: IncomingMessage, response: ServerResponse, holder?: string): void;
  /**
   * Judges a request with a token, by whose it is: undefined for nobody's. Beyond the allowance of wrong ones a right one is refused like the others, so
   * that no guess is told from it, unless its holder has used it from this address before: nobody is shut out by a neighbour's guesses.
   *
   * @throws RateLimitedError
   */
  tokenShown(request: IncomingMessage, holder: string | undefined): void;
  /** From now on servers that have the same counters count together. */
  shareOver(counters: SharedCounters | undefined): void;
}

export interface RateLimitOptions {
  readonly changesPerMin: number;
  readonly missesPerMin: number;
  readonly wrongTokensPerMin: number;
  readonly clientOf: (request: IncomingMessage) => string;
  readonly registry: Registry;
  /** Told of every refusal. */
  readonly onRefused?: (limit: Limit, request: IncomingMessage) => void;
  readonly nowMs?: () => number;
}

/** Whoever has a token is known, and is a program more often than a person. */
const TOKEN_FACTOR = 10;

/** Whoever has no token adds none. */
const USERS_MAX = 65_536;

/** A server tells the others of each fiftieth of an allowance: who uses little costs nothing, and who uses all of it is out by 2 % a server. */
const PARTS_TOLD = 50;

const SUBJECTS: Readonly<Record<Limit, string>> = {
  changes: 'links were made or changed from this address',
  token_changes: 'links were made or changed with this token',
  misses: 'links that are not there were asked for from this address',
  wrong_tokens: 'wrong tokens came from this address',
};

/** What a look-up that found nothing is answered with. */
const MISSES: ReadonlySet<number> = new Set([404, 410]);

export function createRateLimits(options: RateLimitOptions): RateLimits {
  const { changesPerMin, missesPerMin, wrongTokensPerMin, clientOf, registry, onRefused } = options;
  const clock = options.nowMs === undefined ? {} : { nowMs: options.nowMs };
  const allowances: Readonly<Record<Limit, Allowance>> = {
    changes: new Allowance({ perMinute: changesPerMin, ...clock }),
    token_changes: new Allowance({ perMinute: changesPerMin * TOKEN_FACTOR, ...clock }),
    misses: new Allowance({ perMinute: missesPerMin, ...clock }),
    wrong_tokens: new Allowance({ perMinute: wrongTokensPerMin, ...clock }),
  };
  const refused = registerMetrics(registry, allowances);
  /** Who has used a token from where. */
  const users = new RecentMap<true>(USERS_MAX);
  let counters: SharedCounters | undefined;

  /** What was taken is kept. */
  function tell(limit: Limit, key: string): void {
    if (counters === undefined) return;
    const allowance = allowances[limit];
    const told = allowance.tell(key, Math.ceil(allowance.perMinute / PARTS_TOLD));
    if (told === 0) return;
    void counters.count(limit, key, told).then((known) => {
      if (known) allowance.hear(key, known.used, known.endsInMs);
    });
  }

  function take(limit: Limit, key: string, request: IncomingMessage): void {
    const waitMs = allowances[limit].waitMs(key);
    if (waitMs > 0) {
      refused.inc({ limit });
      onRefused?.(limit, request);
      throw new RateLimitedError(SUBJECTS[limit], waitMs);
    }
    allowances[limit].take(key);
  }

  function lookUp(key: string, request: IncomingMessage, response: ServerResponse): void {
    take('misses', key, request);
    response.once('close', () => {
      // Who leaves before the answer has cost the look-up all the same.
      if (!response.headersSent || MISSES.has(response.statusCode)) tell('misses', key);
      else allowances.misses.giveBack(key);
    });
  }

  return {
    admit(rate, request, response, holder) {
      if (rate === 'misses' || rate === 'edits') {
        // No address begins like this.
        lookUp(holder === undefined ? clientOf(request) : `@${holder}`, request, response);
      }
      if (rate === 'changes' || rate === 'edits') {
        const limit = holder === undefined ? 'changes' : 'token_changes';
        const key = holder ?? clientOf(request);
        take(limit, key, request);
        tell(limit, key);
      }
    },
    tokenShown(request, holder) {
      const client = clientOf(request);
      const user = holder === undefined ? undefined : `${client} ${holder}`;
      if (user !== undefined && users.get(user)) return;
      take('wrong_tokens', client, request);
      if (user === undefined) {
        tell('wrong_tokens', client);
      } else {
        allowances.wrong_tokens.giveBack(client);
        users.set(user, true);
      }
    },
    shareOver(shared) {
      counters = shared;
    },
  };
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
