/** What the main programs have in common: arguments, settings, log, metrics, admin listener, lifecycle. */

import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type App,
  createApp,
  createConnectionMetrics,
  createHttpMetrics,
  createHttpServer,
  createRequestContexts,
  labelsOf,
  listen,
  OverloadedError,
  type OwnNames,
  type RequestHead,
  type Routes,
  tryAddress,
  type WireLane,
} from '@lakh/http';
import { formatAddress, SettingsError } from '@lakh/settings';
import { createAdminServer } from './admin.js';
import { parseProgramArguments } from './cli.js';
import { connectionsWithin, descriptorLimit } from './descriptors.js';
import { createLifecycle } from './lifecycle.js';
import { createProgramLimits } from './limits.js';
import { createMetrics } from './metrics.js';
import type { ProgramConfig } from './program-config.js';
import type { ProgramContext, PublicListener, RunOptions, ServerSettings } from './program-context.js';
import { createReadiness, type HealthCheck } from './readiness.js';
import { becomeUser } from './run-as.js';
import { DRAIN_MARGIN_MS, logAdmin, logOf, logStart, openListeners, ownNamesOf } from './server-parts.js';
import { makeServerId } from './settings.js';
import { availableCores } from './workers/cores.js';
import { type Post, settingsOfWorker, takePost } from './workers/post.js';
import { runSupervisor } from './workers/supervisor.js';

/** Runs a server until it is stopped; ends the process with its exit code: 0 after a clean drain, 1 after a failure, 2 for bad usage. */
export async function runProgram<S extends ServerSettings>(options: RunOptions<S>): Promise<void> {
  const post = await takePost(options.argv);
  const early = post ? undefined : parseProgramArguments(options.argv, options.description);
  if (early) {
    process[early.stream].write(early.text);
    process.exitCode = early.exitCode;
    return;
  }
  const config = readConfig(options);
  if (!config) return;
  const { settings } = config;
  if (post) {
    const { settings: list } = options.description.program;
    await runServer(options, { ...config, settings: settingsOfWorker(list, settings, post.orders) }, post);
    return;
  }
  const serverId = settings.serverId ?? makeServerId(hostname(), process.pid, randomBytes(3).toString('hex'));
  const { supervise } = options;
  const count = supervise ? workersOf(settings) : 1;
  if (supervise && count > 1) await runSupervisor({ ...options, supervise }, config, { serverId, count });
  else await runServer(options, { ...config, settings: { ...settings, serverId } });
}

/** How many processes there are to be. Who is itself a worker of somebody's node:cluster is one of several already. */
function workersOf({ workers, runAs }: ServerSettings): number {
  if (workers !== 'auto') return workers;
  return runAs !== undefined || !cluster.isPrimary ? 1 : availableCores();
}

/** A whole server in this process, or one worker of it. */
async function runServer<S extends ServerSettings>(
  options: RunOptions<S>,
  config: ProgramConfig<S>,
  post?: Post,
): Promise<void> {
  const { settings } = config;
  const { serverId = '' } = settings;
  const { name, program, version } = options.description;
  const log = logOf(program, settings, serverId, post?.orders.worker);
  const metrics = createMetrics({ program: program.name, version });
  const { registry } = metrics;
  const lifecycle = createLifecycle({
    log,
    drainTimeoutMs: settings.drainTimeoutMs + DRAIN_MARGIN_MS,
    exit: (code) => process.exit(code),
    // A worker has its supervisor to look after, which looks after npm.
    startedByNpm: config.startedByNpm && !post,
  });
  const checks: Record<string, HealthCheck> = {};
  const contextOf = createRequestContexts(settings.trustedProxies);
  const onRequestError = (error: unknown, request: RequestHead): void =>
    log.error({ err: error, ...contextOf(request) }, 'a request failed');
  const { publicUrl, hosts = [], adminListen } = settings;
  const own = ownNamesOf(settings);
  const common = { settings, log, lifecycle, registry, onRequestError };
  const front = createFront(options.routes, own, { ...common, post });
  const onError = (error: unknown): void => log.error({ err: error }, 'the admin listener failed to answer');
  const admin = post ? undefined : createAdminServer({ own, registry, lifecycle, checks, onError });
  const urls = admin
    ? // The admin's first: it is there to stay, so that the same address is not had twice.
      await openListeners(name, [
        ['LAKH_ADMIN_LISTEN', adminListen, async () => (await listen(admin, adminListen)).url],
        ['LAKH_LISTEN', settings.listen, front.open],
      ])
    : ['', `http://${formatAddress(settings.listen)}`];
  if (!urls) {
    metrics.stop();
    await Promise.all([admin?.drain(0), front.http.drain(0)]);
    return;
  }
  const [adminUrl, url] = urls as [string, string];
  const ownUrls = [url, ...(publicUrl === undefined ? [] : [publicUrl]), ...hosts.map((host) => `http://${host}`)];
  process.on('SIGUSR2', () => log.warn('SIGUSR2 renews workers, and this process has none'));

  await lifecycle.main(async () => {
    if (settings.runAs !== undefined) becomeUser(settings.runAs);
    if (!post) logStart(log, options, config);
    lifecycle.onStop('metrics', metrics.stop);
    post?.report({ lifecycle, registry, readiness: createReadiness(lifecycle, checks) });
    if (admin) {
      lifecycle.onStop('admin listener', async () => void (await admin.drain(0)));
      logAdmin(log, adminUrl, adminListen);
    }
    if (front.warning !== undefined) log.warn(front.warning);
    await options.start({
      ...common,
      serverId,
      addCheck(check, look) {
        checks[check] = look;
      },
      listener: { url, ownUrls, metrics: front.metrics, limits: front.limits, serve: front.serve },
      supervisor: post?.channel,
    });
    if (lifecycle.state !== 'starting') return;
    log.info('started');
    post?.serving();
  });
}

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
  context: Pick<ProgramContext<ServerSettings>, 'settings' | 'log' | 'lifecycle' | 'registry' | 'onRequestError'> & {
    readonly post: Post | undefined;
  },
) {
  const { settings, log, lifecycle, registry, onRequestError: onError, post } = context;
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
    crossOrigins: settings.corsOrigins,
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
    if (post) {
      post.serve(http.take, lifecycle);
      return;
    }
    if (!http.server.listening) await listen(http, settings.listen);
    log.info({ address: url }, 'public listener is open');
  };
  const limits = createProgramLimits(settings, registry, log, post?.counters);
  return { http, metrics, limits, open, serve, warning };
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
