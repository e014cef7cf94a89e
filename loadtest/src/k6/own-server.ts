import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, type ServerPlan } from '@lakh/local';
import type { Config } from '../config.js';
import { launchIn } from '../launch.js';
import { progress, type Scope } from '../scope.js';

const PROBE_DEADLINE_MS = 1_000;

/** Starts a standalone server with an empty store in `dir`, for a run without `--url`; resolves with its address. */
export async function startOwnServer(root: string, dir: string, config: Config, scope: Scope): Promise<string> {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const plan: ServerPlan = {
    name: 'standalone',
    role: 'redirect',
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, 'server.log'),
    command: [process.execPath, join(root, 'services', 'standalone', 'dist', 'main.js')],
    env: {
      ...config.childEnvironment,
      LAKH_LISTEN: `127.0.0.1:${port}`,
      LAKH_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      LAKH_DATA_DIR: join(dir, 'data'),
      LAKH_LOG_LEVEL: 'warn',
    },
    stopSignal: 'SIGTERM',
    async prepare() {
      await mkdir(dir, { recursive: true });
    },
    async ready() {
      const signal = AbortSignal.timeout(PROBE_DEADLINE_MS);
      const answer = await fetch(`http://127.0.0.1:${adminPort}/healthz/ready`, { signal }).catch(() => undefined);
      return answer?.status === 200;
    },
  };
  await launchIn(scope, plan);
  const url = `http://127.0.0.1:${port}`;
  progress(`no --url: a standalone server of its own at ${url}`);
  return url;
}
