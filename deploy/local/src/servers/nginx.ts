import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CLOSING_FILE, type GatewayConfig, generationOf, renderGatewayConfig } from '@lakh/gateway';
import { SYSTEM_PATH } from '../config.js';
import { StartFailedError } from '../errors.js';
import { httpProbe } from '../probe.js';
import { childrenOf } from '../stack/processes.js';
import { makeFolder, makeOwnFolder, ownerOf } from './owner.js';
import type { ServerPlan } from './server.js';

const run = promisify(execFile);
const CONFIG_FILE = 'gateway.conf';
const CHECK_DEADLINE_MS = 10_000;
const RELOAD_DEADLINE_MS = 10_000;
const RELOAD_POLL_MS = 20;
/** Requests that began before answers end their connections have been answered by then; those that take longer are rare. */
const CLOSING_FIRST_MS = 500;
/** Then busy clients are rid of their connections at once; idle ones need not be waited for. */
const CLOSING_BOUND_MS = 500;
const WORKER = 'www-data';
const ENV = { PATH: SYSTEM_PATH };

/** All ports are on 127.0.0.1. */
export interface NginxPlanSpec {
  readonly name: string;
  readonly dir: string;
  readonly port: number;
  readonly adminPort: number;
  readonly shortenPorts: readonly number[];
  readonly redirectPorts: readonly number[];
  readonly ratePerS: number;
  readonly requestsPerClient: number;
}

/**
 * nginx in the foreground before shorten and redirect servers: `/`, `/api/…` and `/-/…` to the former, every other path (codes)
 * to the latter. Configuration, pid, log and temporary folders are in `dir`. `prepare` writes the configuration and has nginx
 * check it.
 */
export function nginxPlan(spec: NginxPlanSpec): ServerPlan {
  const { name, dir, port, adminPort } = spec;
  return {
    name,
    role: 'gateway',
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, 'gateway.log'),
    command: ['nginx', ...prefixArgs(CONFIG_FILE)],
    env: ENV,
    // Finishes what is in flight; SIGTERM would cut it.
    stopSignal: 'SIGQUIT',
    async prepare() {
      const owner = ownerOf(dir, WORKER);
      makeFolder(dir, owner);
      makeOwnFolder(join(dir, 'tmp'), owner);
      await rm(join(dir, CLOSING_FILE), { force: true });
      await writeConfig(dir, configOf(spec));
    },
    async ready() {
      const answer = await httpProbe(adminPort, '/healthz/ready');
      return answer?.status === 200;
    },
  };
}

/**
 * Gives a running gateway (its master's process id) the upstreams and limit of `spec`; resolves when new connections meet
 * them. The ports it listens on stay. Requests in flight finish under the old ones, and clients that are busy on kept
 * connections lose nothing: each is told to close its own beforehand.
 */
export async function reloadNginx(spec: NginxPlanSpec, pid: number): Promise<void> {
  const config = configOf(spec);
  await writeConfig(spec.dir, config);
  const closingFile = join(spec.dir, CLOSING_FILE);
  await writeFile(closingFile, '');
  try {
    await sleep(CLOSING_FIRST_MS);
    await until(CLOSING_BOUND_MS, async () => (await idleConnections(spec.adminPort)) === 0);
    const old = childrenOf(pid);
    process.kill(pid, 'SIGHUP');
    const generation = generationOf(config);
    // The old workers accept connections beside the new ones for a tenth of a second, and only then close idle ones.
    const answers = async () =>
      (await httpProbe(spec.adminPort, '/generation'))?.body === generation && !old.some(isAccepting);
    if (!(await until(RELOAD_DEADLINE_MS, answers))) {
      throw new StartFailedError(`${spec.name} did not take its new configuration within ${RELOAD_DEADLINE_MS} ms`);
    }
  } finally {
    await rm(closingFile, { force: true });
  }
}

/** By its title; a process that has ended has none. */
function isAccepting(worker: number): boolean {
  try {
    return /worker process(?! is shutting down)/.test(readFileSync(`/proc/${worker}/cmdline`, 'latin1'));
  } catch {
    return false;
  }
}

/** Client connections on which no request is under way; undefined when nginx does not say. */
async function idleConnections(adminPort: number): Promise<number | undefined> {
  const status = await httpProbe(adminPort, '/status');
  const waiting = /Waiting: (\d+)/.exec(status?.body ?? '')?.[1];
  return waiting === undefined ? undefined : Number(waiting);
}

/** Whether `condition` held before the deadline. */
async function until(deadlineMs: number, condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await sleep(RELOAD_POLL_MS);
  }
  return true;
}

function configOf(spec: NginxPlanSpec): GatewayConfig {
  const at = (port: number) => ({ host: '127.0.0.1', port });
  const config: GatewayConfig = {
    listen: at(spec.port),
    adminListen: at(spec.adminPort),
    servers: { shorten: spec.shortenPorts.map(at), redirect: spec.redirectPorts.map(at) },
    ratePerS: spec.ratePerS,
    requestsPerClient: spec.requestsPerClient,
  };
  if (process.getuid?.() !== 0) return config;
  return { ...config, workerUser: ownerOf(spec.dir, WORKER) === undefined ? 'root' : WORKER };
}

/** From inside: workers may enter their working directory, and nothing above it. */
function prefixArgs(configFile: string): string[] {
  return ['-p', '.', '-e', 'gateway.log', '-c', configFile];
}

/** Checked under another name first: a running gateway never sees a file that nginx refuses. */
async function writeConfig(dir: string, config: GatewayConfig): Promise<void> {
  const candidate = `${CONFIG_FILE}.new`;
  await writeFile(join(dir, candidate), renderGatewayConfig(config), { mode: 0o600 });
  try {
    await run('nginx', ['-t', '-q', ...prefixArgs(candidate)], { cwd: dir, env: ENV, timeout: CHECK_DEADLINE_MS });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new StartFailedError(`nginx refuses its configuration in ${dir}: ${(stderr || message).trim()}`);
  }
  await rename(join(dir, candidate), join(dir, CONFIG_FILE));
}
