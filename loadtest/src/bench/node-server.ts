import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, type LocalServer, type ServerPlan } from '@lakh/local';
import { launchIn } from '../launch.js';
import { pinned } from './machine.js';
import type { Bench } from './setting.js';

const PROBE_DEADLINE_MS = 1_000;

/** A Node program that serves HTTP on one port, as a plan. */
export interface NodeServer {
  readonly name: string;
  /** From the repository's folder. */
  readonly program: string;
  readonly args: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly port: number;
  /** Answers with a status below 500 once it serves. */
  readonly probe: string;
}

/** A plan for `server`, pinned to the server's core. */
export function nodeServerPlan(bench: Bench, server: NodeServer): ServerPlan {
  const dir = join(bench.dir, server.name);
  return {
    name: server.name,
    role: 'redirect',
    host: '127.0.0.1',
    port: server.port,
    dir,
    logFile: join(dir, 'server.log'),
    command: pinned(bench.pinning.server, [
      process.execPath,
      ...(server.nodeArgs ?? []),
      join(bench.root, server.program),
      ...server.args,
    ]),
    env: { ...bench.config.childEnvironment, NODE_ENV: 'production', ...server.env },
    stopSignal: 'SIGTERM',
    async prepare() {
      await mkdir(dir, { recursive: true });
    },
    ready: () => answers(server.probe),
  };
}

/** Launches a plan and ends it with the benchmark. */
export async function launchFor(bench: Bench, plan: ServerPlan): Promise<LocalServer> {
  return launchIn(bench.scope, plan);
}

/** The same plan on the generator's core: a database is not what is measured. */
export function onGeneratorCore(bench: Bench, plan: ServerPlan): ServerPlan {
  return { ...plan, command: pinned(bench.pinning.generator, [...plan.command]) };
}

/** A rival of loadtest/src/rivals on a port of its own: its first argument is the port. */
export async function launchRival(bench: Bench, name: string, ...args: string[]): Promise<string> {
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const program = `loadtest/dist/rivals/${name}.js`;
  await launchFor(bench, nodeServerPlan(bench, { name, program, args: [String(port), ...args], port, probe: url }));
  return url;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(PROBE_DEADLINE_MS) });
    await response.body?.cancel();
    return response.status < 500;
  } catch {
    return false;
  }
}
