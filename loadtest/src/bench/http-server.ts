import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, httpProbe, type ServerPlan } from '@lakh/local';
import { launchIn } from '../launch.js';
import { pinned } from './machine.js';
import type { Bench, Surroundings } from './setting.js';

/** A program that serves HTTP. */
export interface HttpServer {
  readonly name: string;
  readonly port: number;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers with a status below 500 once it serves. */
  readonly probe: readonly [port: number, path: string];
}

/** A plan for `server`, pinned to the server's core. */
export function httpServerPlan({ dir: parent, config, pinning }: Surroundings, server: HttpServer): ServerPlan {
  const { name, port, command, env, probe } = server;
  const dir = join(parent, name);
  return {
    name,
    role: 'redirect',
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, 'server.log'),
    command: pinned(pinning.server, command),
    env: { ...config.childEnvironment, NODE_ENV: 'production', ...env },
    stopSignal: 'SIGTERM',
    async prepare() {
      await mkdir(dir, { recursive: true });
    },
    async ready() {
      const answer = await httpProbe(...probe);
      return answer !== undefined && answer.status < 500;
    },
  };
}

/** The same plan on the generator's core: a database is not what is measured. */
export function onGeneratorCore(bench: Bench, plan: ServerPlan): ServerPlan {
  return { ...plan, command: pinned(bench.pinning.generator, plan.command) };
}

/** A rival of loadtest/src/rivals on a port of its own. */
export function launchRival(bench: Bench, name: string, ...args: string[]): Promise<string> {
  const program = join(bench.root, 'loadtest', 'dist', 'rivals', `${name}.js`);
  return launchProgram(bench, name, [process.execPath, program], ...args);
}

/** A program whose first argument is the port that it is to listen on. */
export async function launchProgram(
  bench: Bench,
  name: string,
  program: readonly [string, ...string[]],
  ...args: string[]
): Promise<string> {
  const [port] = (await freePorts(1)) as [number];
  const command = [...program, String(port), ...args] as const;
  await launchIn(bench.scope, httpServerPlan(bench, { name, port, command, probe: [port, '/'] }));
  return `http://127.0.0.1:${port}`;
}
