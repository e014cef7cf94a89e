/** What the main programs have in common: arguments, settings, log, metrics, admin listener, lifecycle. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type App,
  createApp,
  createConnectionMetrics,
  createHttpMetrics,
  createHttpServer,
  createRequestContexts,
  type Face,
  type HttpMetrics,
  type httpSettings,
  ListenError,
  labelsOf,
  listen,
  OverloadedError,
  type OwnNames,
  type RateLimits,
  type RequestHead,
  type Routes,
  tryAddress,
  type WireLane,
  type wireSettings,
} from '@lakh/http';
import {
  formatAddress,
  type HostPort,
  isLoopback,
  loggableSettings,
  type Program,
  SettingsError,
  type SettingsOf,
} from '@lakh/settings';
import type { Registry } from 'prom-client';
import { createAdminServer } from './admin.js';
import { type ProgramDescription, parseProgramArguments } from './cli.js';
import { connectionsWithin, descriptorLimit } from './descriptors.js';
import { createLifecycle, type Lifecycle } from './lifecycle.js';
import { createProgramLimits } from './limits.js';
import { createLogger, type Logger } from './logging.js';
import { createMetrics } from './metrics.js';
import type { ProgramConfig } from './program-config.js';
import type { HealthCheck } from './readiness.js';
import { becomeUser } from './run-as.js';
import { makeServerId, type processSettings } from './settings.js';

/** What every server reads: where it listens, and how it runs. */
export type ServerSettings = SettingsOf<typeof httpSettings & typeof processSettings> &
  Partial<SettingsOf<typeof wireSettings>>;

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
}

export interface RunOptions<S extends ServerSettings> {
  readonly description: ProgramDescription;
  readonly argv: readonly string[];
  /** Reads the environment; throws a SettingsError. */
  readonly config: () => ProgramConfig<S>;
  /** Of all that it will serve. */
  readonly routes: readonly Routes[];
  readonly start: (context: ProgramContext<S>) => Promise<void>;
}

const IGNORED = 'variables that Kubernetes sets for a Service of that name are no settings, and ignored';
const ADMIN_IS_PUBLIC = 'the admin listener is beyond loopback: let nobody reach it but probes and scrapers';

/** How much longer than its requests' limit a listener may take to drain before the next releaser's turn. */
const DRAIN_MARGIN_MS = 2000;

/** Runs a server until it is stopped; ends the process with its exit code: 0 after a clean drain, 1 after a failure, 2 for bad usage. */
export async function runProgram<S extends ServerSettings>(options: RunOptions<S>): Promise<void> {
  const early = parseProgramArguments(options.argv, options.description);
  if (early) {
    process[early.stream].write(early.text);
    process.exitCode = early.exitCode;
    return;
  }
  const config = readConfig(options);
  if (!config) return;
  const { settings } = config;
  const { version } = options.description;
  const { name: program, settings: list } = options.description.program;
  const serverId = settings.serverId ?? makeServerId(hostname(), process.pid, randomBytes(3).toString('hex'));
  const log = logOf(options.description.program, settings, serverId);
  const metrics = createMetrics({ program, version });
  const lifecycle = createLifecycle({
    log,
    drainTimeoutMs: settings.drainTimeoutMs + DRAIN_MARGIN_MS,
    exit: (code) => process.exit(code),
    startedByNpm: config.startedByNpm,
  });
  const checks: Record<string, HealthCheck> = {};
  const contextOf = createRequestContexts(settings.trustedProxies);
  const onRequestError = (error: unknown, request: RequestHead): void =>
    log.error({ err: error, ...contextOf(request) }, 'a request failed');
  const { publicUrl, hosts = [], adminListen } = settings;
  const own = { publicUrl, hosts: [...hosts, hostname(), settings.listen.host, adminListen.host] };
  const common = { settings, log, lifecycle, registry: metrics.registry, onRequestError };
  const front = createFront(options.routes, own, common);
  const admin = createAdminServer({
    own,
    registry: metrics.registry,
    lifecycle,
    checks,
    onError: (error) => log.error({ err: error }, 'the admin listener failed to answer'),
  });
  // The admin's first: it is there to stay, so that the same address is not had twice.
  const urls = await openListeners(options.description.name, [
    ['LAKH_ADMIN_LISTEN', adminListen, async () => (await listen(admin, adminListen)).url],
    ['LAKH_LISTEN', settings.listen, front.open],
  ]);
  if (!urls) {
    metrics.stop();
    await Promise.all([admin.drain(0), front.http.drain(0)]);
    return;
  }
  const [adminUrl, url] = urls as [string, string];
  const ownUrls = [url, ...(publicUrl === undefined ? [] : [publicUrl]), ...hosts.map((host) => `http://${host}`)];

  await lifecycle.main(async () => {
    if (settings.runAs !== undefined) becomeUser(settings.runAs);
    log.info({ settings: loggableSettings(list, settings), version, node: process.versions.node }, 'starting');
    if (config.ignored.length > 0) log.info({ ignored: config.ignored }, IGNORED);
    lifecycle.onStop('metrics', metrics.stop);
    lifecycle.onStop('admin listener', async () => void (await admin.drain(0)));
    log.info({ address: adminUrl }, 'admin listener is open');
    if (!isLoopback(adminListen.host)) log.warn({ address: adminUrl }, ADMIN_IS_PUBLIC);
    if (front.warning !== undefined) log.warn(front.warning);
    await options.start({
      ...common,
      serverId,
      addCheck(name, check) {
        checks[name] = check;
      },
      listener: { url, ownUrls, metrics: front.metrics, limits: front.limits, serve: front.serve },
    });
    if (lifecycle.state === 'starting') log.info('started');
  });
}

function logOf({ name, settings: list }: Program, settings: ServerSettings, serverId: string): Logger {
  const { logLevel: level, logFormat: format } = settings;
  return createLogger({
    program: name,
    serverId,
    level,
    isForPeople: format === 'text' || (format === 'auto' && process.stderr.isTTY === true),
    privateNames: Object.keys(list).filter((key) => list[key]?.secret),
  });
}

/** Tells where it is, or will be. */
type Opening = readonly [variable: string, address: HostPort, open: () => Promise<string>];

/**
 * Before anything is logged, opened or written: an address that cannot be had is told in one sentence, and ends the program with exit
 * code 1.
 */
async function openListeners(program: string, openings: readonly Opening[]): Promise<readonly string[] | undefined> {
  const urls: string[] = [];
  for (const [variable, address, open] of openings) {
    try {
      urls.push(await open());
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      const why = LISTEN_REASONS[error.reason];
      const reason = why === undefined ? error.reason : `${why} (${error.reason})`;
      process.stderr.write(`${program}: cannot listen on ${variable}=${formatAddress(address)}: ${reason}\n`);
      process.exitCode = 1;
      return undefined;
    }
  }
  return urls;
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process does already',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not',
};

/** What is not a route's answer is counted under this label. */
const REFUSED = 'refused';

/** Above it every user may take a port. */
const PRIVILEGED_PORT_MAX = 1023;

/** A port that the system chooses is nobody's to send to before it is told; one that only root may take is taken while this is root. */
function isTakenEarly({ listen: { port }, runAs }: ServerSettings): boolean {
  return port === 0 || (runAs !== undefined && port <= PRIVILEGED_PORT_MAX);
}

/** The public listener's server, and what it is told to serve once there is something. */
function createFront(
  routes: readonly Routes[],
  own: OwnNames,
  context: Pick<ProgramContext<ServerSettings>, 'settings' | 'log' | 'lifecycle' | 'registry' | 'onRequestError'>,
) {
  const { settings, log, lifecycle, registry, onRequestError: onError } = context;
  let handler: App['handler'] = () => {
    throw new OverloadedError('This server is still starting.');
  };
  let fastLane: App['fastLane'] = () => false;
  let wireLane: App['wireLane'];
  const labels = labelsOf(routes.flatMap((each) => Object.values(each)));
  const metrics = createHttpMetrics(registry, [...labels, REFUSED]);
  const { maxConnections, warning } = connectionsWithin(descriptorLimit(), settings.maxConnections);
  const { maxInFlight, maxConnectionsPerClient, trustedProxies } = settings;
  const http = createHttpServer({
    own,
    trustedProxies,
    handler: (request, response) => handler(request, response),
    fastLane: (request, response) => fastLane(request, response),
    wireLane: settings.wireLane === 'on' ? wireLaneOf(() => wireLane) : undefined,
    onRefused: (status) => metrics.observe(REFUSED, status, 0),
    onError,
    onTurnedAway: createConnectionMetrics(registry),
    limits: { maxInFlight, maxConnections, maxConnectionsPerClient },
  });

  let url = `http://${formatAddress(settings.listen)}`;

  async function open(): Promise<string> {
    if (isTakenEarly(settings)) ({ url } = await listen(http, settings.listen));
    else await tryAddress(settings.listen);
    return url;
  }

  const serve: PublicListener['serve'] = async (...faces) => {
    if (lifecycle.state !== 'starting') return;
    ({ handler, fastLane, wireLane } = createApp({ faces, metrics, onError }));
    // Registered last, and so released first: what the requests in flight need is still there while they finish.
    lifecycle.onStop('public listener', async () => {
      const { cut } = await http.drain(settings.drainTimeoutMs);
      if (cut > 0) log.warn({ cut }, 'connections were cut at the end of the drain');
    });
    if (!http.server.listening) await listen(http, settings.listen);
    log.info({ address: url }, 'public listener is open');
  };
  return { http, metrics, limits: createProgramLimits(settings, registry, log), open, serve, warning };
}

/** Of what there is to serve, once there is something; until then all goes to whoever says that there is nothing yet. */
function wireLaneOf(current: () => WireLane | undefined): WireLane {
  return {
    hit: (request, reply) => current()?.hit(request, reply) ?? false,
    later: (request) => current()?.later(request),
  };
}

function readConfig<S extends ServerSettings>({ config, description }: RunOptions<S>): ProgramConfig<S> | undefined {
  try {
    return config();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${description.name}: ${error.message}\n`);
    process.exitCode = 2;
    return undefined;
  }
}
