import { Breaker, type RedisState } from './breaker.js';
import { createRedisClient, type RedisClient, type RedisCommands } from './client.js';
import { Deadlines } from './deadline.js';
import type { RedisLog } from './masters.js';
import type { RedisTarget } from './url.js';

export interface RedisOptions {
  readonly target: RedisTarget;
  /** The longest that a command is waited for. Default 100. */
  readonly deadlineMs?: number;
  /** How long what Redis holds is not believed after an outage. Default 2,000. */
  readonly quarantineMs?: number;
  readonly log?: RedisLog;
  /** For metrics. */
  readonly changed?: (state: RedisState) => void;
}

const DEFAULT_DEADLINE_MS = 100;
const DEFAULT_QUARANTINE_MS = 2_000;
const PROBE_INTERVAL_MS = 1_000;
/** After a probe that failed. */
const PROBE_AGAIN_MS = 100;
/**
 * Commands that may be under way: 40,000 a second at the default deadline. More come only when answers do not, and would be
 * late themselves.
 */
const MAX_UNSETTLED = 4_096;

/**
 * One way to Redis for everything in this process that uses it: connects in the background, bounds every command, and knows by
 * its breaker, which all users feed, whether it is worth asking at all. Commands of one turn of the event loop travel in one piece.
 */
export class RedisConnection {
  readonly #client: RedisClient;
  readonly #deadlines: Deadlines;
  readonly #breaker: Breaker;
  #probeTimer: NodeJS.Timeout | undefined;
  #probing = false;
  #closed = false;

  constructor(options: RedisOptions) {
    const { target, deadlineMs = DEFAULT_DEADLINE_MS, quarantineMs = DEFAULT_QUARANTINE_MS, log, changed } = options;
    this.#client = createRedisClient(target);
    this.#deadlines = new Deadlines(deadlineMs);
    this.#breaker = new Breaker({
      quarantineMs,
      nowMs: () => performance.now(),
      onChange: (state, reason, error) => {
        if (state === 'down') log?.warn({ state, reason, err: error }, 'redis is not asked');
        else log?.info({ state, reason }, state === 'up' ? 'redis is asked' : 'redis answers again, not read yet');
        changed?.(state);
      },
    });
    this.#client.open({
      ready: () => this.#probeSoon(0),
      lost: (error) => this.#breaker.open('there is no connection', error),
    });
    this.#probeSoon(PROBE_AGAIN_MS);
  }

  get state(): RedisState {
    return this.#breaker.state;
  }

  /** Whether it answers; in quarantine what it holds may be older than an outage. */
  get answers(): boolean {
    return this.#breaker.state !== 'down' && this.#deadlines.unsettled < MAX_UNSETTLED;
  }

  /** Whether it answers and may be believed. */
  get trusted(): boolean {
    return this.#breaker.state === 'up' && this.#deadlines.unsettled < MAX_UNSETTLED;
  }

  /** Rejects with the server's refusal, or when no answer came within the deadline. Whether to ask at all is the caller's to look at before. */
  async ask<T>(command: (commands: RedisCommands) => Promise<T>): Promise<T> {
    try {
      const answer = await this.#deadlines.race(command(this.#client.commands));
      this.#breaker.success();
      return answer;
    } catch (error) {
      if (isOfTheKey(error)) this.#breaker.success();
      else this.#breaker.failure(error);
      throw error;
    }
  }

  /** Ends the connections, also to a frozen server. Settles within a second or so; nothing is asked from then on. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#probeTimer);
    this.#breaker.open('closed');
    await this.#client.close();
  }

  #probeSoon(delayMs: number): void {
    if (this.#closed || this.#probing) return;
    clearTimeout(this.#probeTimer);
    this.#probeTimer = setTimeout(() => void this.#probe(), delayMs);
    this.#probeTimer.unref();
  }

  async #probe(): Promise<void> {
    this.#probing = true;
    const { commands, probeKeys } = this.#client;
    const answers = await Promise.allSettled(probeKeys.map((key) => this.#deadlines.race(probe(commands, key))));
    this.#probing = false;
    if (this.#closed) return;
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed) this.#breaker.probeFailed(failed.reason);
    else this.#breaker.probeAnswered();
    this.#probeSoon(failed ? PROBE_AGAIN_MS : PROBE_INTERVAL_MS);
  }
}

/** Changes nothing, for there is no such key, and is refused where a change would be. */
const PROBE = `
local answer = redis.pcall('SET', KEYS[1], '', 'XX')
return type(answer) == 'table' and answer.err or ''
`;

/**
 * Rejects where there is no answer, and where no write is taken (a disk that is full, too few replicas): what changes could not be put there, and
 * what is there would be served as it was. A server that is merely out of memory still gives up what changes make old (put-newer.ts).
 */
async function probe(commands: RedisCommands, key: string): Promise<void> {
  const refusal = String(await commands.eval(PROBE, { keys: [key], arguments: [] }));
  if (refusal !== '' && !/\bOOM\b/.test(refusal)) throw new Error(refusal);
}

/** The server answered, and refused this key or this write: a wrong type, no memory left, disk trouble. It still serves reads. */
export function isOfTheKey(error: unknown): boolean {
  return error instanceof Error && /^(WRONGTYPE|OOM|MISCONF|NOREPLICAS) /.test(error.message);
}
