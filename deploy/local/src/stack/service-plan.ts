import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { httpProbe } from '../probe.js';
import type { ServerPlan } from '../servers/server.js';

export interface ServicePlanSpec {
  readonly name: string;
  readonly role: 'shorten' | 'redirect';
  readonly dir: string;
  readonly port: number;
  readonly adminPort: number;
  /** The repository: the services are run as built there. */
  readonly root: string;
  /** The whole environment but the two addresses. */
  readonly env: Readonly<Record<string, string>>;
}

/** A shorten or redirect server on 127.0.0.1; ready when its admin listener says so. */
export function servicePlan(spec: ServicePlanSpec): ServerPlan {
  const { name, role, dir, port, adminPort, root, env } = spec;
  return {
    name,
    role,
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, `${role}.log`),
    command: [process.execPath, join(root, 'services', role, 'dist', 'main.js')],
    env: { ...env, LAKH_LISTEN: `127.0.0.1:${port}`, LAKH_ADMIN_LISTEN: `127.0.0.1:${adminPort}` },
    stopSignal: 'SIGTERM',
    async prepare() {
      await mkdir(dir, { recursive: true, mode: 0o700 });
    },
    async ready() {
      return (await httpProbe(adminPort, '/healthz/ready'))?.status === 200;
    },
  };
}
