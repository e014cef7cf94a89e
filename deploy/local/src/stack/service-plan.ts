import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { httpProbe } from '../probe.js';
import { makeFolder, makeOwnFolder, ownerOf, writeFor } from '../servers/owner.js';
import type { Awaited, ServerPlan } from '../servers/server.js';

/** A copy for a server that may not read the folder of secrets. */
const TOKENS = 'tokens';

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

/**
 * A shorten or redirect server on 127.0.0.1; ready when its admin listener says so. Root starts it as root, for Node.js, the repository and
 * the secrets may be where nobody else comes, and it takes its own user as soon as it has them; one of several processes cannot.
 */
export function servicePlan(spec: ServicePlanSpec): ServerPlan {
  const { name, role, dir, port, adminPort, root, env } = spec;
  const { LAKH_WORKERS: workers = '1' } = env;
  const owner = workers === '1' ? ownerOf(dir) : undefined;
  const tokensFile = env.LAKH_API_TOKENS_FILE;
  return {
    name,
    role,
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, `${role}.log`),
    command: [process.execPath, join(root, 'services', role, 'dist', 'main.js')],
    env: {
      // Many servers share this machine already.
      LAKH_WORKERS: '1',
      ...env,
      LAKH_LISTEN: `127.0.0.1:${port}`,
      LAKH_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      ...(owner && { LAKH_RUN_AS: `${owner.uid}:${owner.gid}` }),
      ...(owner && tokensFile !== undefined && { LAKH_API_TOKENS_FILE: TOKENS }),
    },
    stopSignal: 'SIGTERM',
    async prepare() {
      makeFolder(dir, owner);
      makeOwnFolder(join(dir, 'data'), owner);
      if (owner && tokensFile !== undefined) {
        await writeFor(owner, join(dir, TOKENS), await readFile(resolve(dir, tokensFile), 'utf8'));
      }
    },
    async ready() {
      return (await httpProbe(adminPort, '/healthz/ready'))?.status === 200;
    },
    async awaits() {
      return awaitedIn((await httpProbe(adminPort, '/healthz/ready'))?.body ?? '');
    },
  };
}

/** Of a readiness: a check that is down, above all one with a runbook, which says what a person has to do. */
export function awaitedIn(body: string): Awaited | undefined {
  try {
    const { checks } = JSON.parse(body) as {
      checks?: Readonly<Record<string, { status?: unknown; detail?: unknown }>>;
    };
    const down = Object.entries(checks ?? {})
      .filter(([, { status }]) => status === 'down')
      .map(([name, { detail = 'down' }]) => ({ name, detail: String(detail) }));
    const refusal = down.find(({ detail }) => detail.includes('See docs/runbooks/'));
    if (refusal) return { what: refusal.detail, isRefusal: true };
    return down[0] && { what: `${down[0].name}: ${down[0].detail}`, isRefusal: false };
  } catch {
    return undefined;
  }
}
