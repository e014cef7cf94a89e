/** What a program is given, as one process, as one of several, and as their supervisor. */
import type {
  crossOriginSettings,
  Face,
  HttpMetrics,
  httpSettings,
  RateLimits,
  RequestHead,
  Routes,
  wireSettings,
} from '@lakh/http';
import type { SettingsOf } from '@lakh/settings';
import type { Registry } from 'prom-client';
import type { ProgramDescription } from './cli.js';
import type { Lifecycle } from './lifecycle.js';
import type { Logger } from './logging.js';
import type { ProgramConfig } from './program-config.js';
import type { HealthCheck } from './readiness.js';
import type { processSettings } from './settings.js';
import type { Channel } from './workers/channel.js';

/** What every server reads: where it listens, and how it runs. */
export type ServerSettings = SettingsOf<typeof httpSettings & typeof processSettings> &
  Partial<SettingsOf<typeof wireSettings & typeof crossOriginSettings>>;

/**
 * The public listener, which nobody reaches before there is something to serve: who is refused can go to another server, whatever was
 * asked for, and who was answered 503 cannot. Only an address that cannot be had later is taken early, and answers 503 until then.
 */
export interface PublicListener {
  /** Where it listens, or will; port 0 is replaced by the one the system chose. */
  readonly url: string;
  /** What leads to this server, as far as its settings say. */
  readonly ownUrls: readonly string[];
  /** Of the labels of the program's routes. */
  readonly metrics: HttpMetrics<string>;
  readonly limits: RateLimits;
  /**
   * From now on requests come, and go to these, those asked most first; a stop begins with draining them.
   * @throws ListenError when somebody else has taken the address since the start
   */
  serve(...faces: readonly Face[]): Promise<void>;
}

export interface ProgramContext<S extends ServerSettings> {
  readonly settings: S;
  readonly serverId: string;
  readonly log: Logger;
  readonly registry: Registry;
  readonly lifecycle: Lifecycle;
  /** Adds a check to the readiness. */
  addCheck(name: string, check: HealthCheck): void;
  /** Logs a request that ended in a 5xx, with its id and its client as trusted proxies name them. */
  readonly onRequestError: (error: unknown, request: RequestHead) => void;
  readonly listener: PublicListener;
  /** To the supervisor, where there is one. */
  readonly supervisor: Pick<Channel, 'ask' | 'handle'> | undefined;
}

export interface RunOptions<S extends ServerSettings> {
  readonly description: ProgramDescription;
  readonly argv: readonly string[];
  /** Reads the environment; throws a SettingsError. */
  readonly config: () => ProgramConfig<S>;
  /** Of all that it will serve. */
  readonly routes: readonly Routes[];
  readonly start: (context: ProgramContext<S>) => Promise<void>;
  /** Of a program that may be several processes, each of which starts: what the one above them does for them before that. */
  readonly supervise?: (context: SupervisorContext<S>) => Promise<void>;
}

/** A worker's process, by its number and, as an object, by itself: no two that ever were are the same. */
export interface WorkerRef {
  readonly worker: number;
}

/** What a program's supervisor does for its workers, beside keeping them alive. */
export interface Workers {
  /** Who answers the questions of this name, whichever worker asks; to be said before any is started. */
  handle<Body>(name: string, answering: (body: Body, from: WorkerRef) => unknown): void;
  /** Told once of each that has ended. */
  onGone(told: (worker: WorkerRef) => void): void;
  /** Tells each; one that is about to end may not hear it. */
  tellAll(name: string, body?: unknown): void;
}

export interface SupervisorContext<S extends ServerSettings> {
  readonly settings: S;
  readonly serverId: string;
  readonly log: Logger;
  readonly registry: Registry;
  readonly lifecycle: Lifecycle;
  addCheck(name: string, check: HealthCheck): void;
  /** Where the workers listen, or will. */
  readonly url: string;
  readonly workers: Workers;
}
