import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalSettings } from '../config.js';
import { SYSTEM_PATH } from '../config.js';
import { type NginxPlanSpec, nginxPlan } from '../servers/nginx.js';
import type { ServerPlan, ServerRole } from '../servers/server.js';
import { type ZookeeperMember, zookeeperPlan } from '../servers/zookeeper.js';
import type { VitessSettings } from '../vitess/plans.js';
import { databasePlan } from './database-plan.js';
import { redisPlanOf } from './redis-plan.js';
import {
  DATABASE_FILE,
  REDIS_FILE,
  type SavedSettings,
  secretFile,
  stackPasswords,
  TOKENS_FILE,
  ZOOKEEPER_AUTH_FILE,
} from './secrets.js';
import { servicePlan } from './service-plan.js';
import { databaseKind, extraPort, numberOf, type ProcessRecord, recordsOf, type StackState } from './state.js';
import { vitessOf, vitessPlan } from './vitess-plan.js';

/** Of one verb's run: where the stack is, and what its servers are told. */
export interface StackContext {
  /** The stack's folder, absolute and without symbolic links. */
  readonly dir: string;
  /** The repository. */
  readonly root: string;
  readonly settings: LocalSettings;
  readonly detours: Detours;
}

/** What tests of faults put between the stack's servers; of the opened stack that has them alone, and nothing that is saved. */
export interface Detours {
  /** The port at which Lakh's servers reach a ZooKeeper node, MariaDB or Redis that listens on `port`: that of a fault proxy. */
  readonly portOf?: (name: string, port: number) => number;
  /** More environment of one Lakh server, which wins over the stack's own. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
}

/** Makes the plan of one server again from the state: what runs and what any later verb expects are the same by construction. */
export function planOf(
  context: StackContext,
  state: StackState,
  record: ProcessRecord,
  saved: SavedSettings,
): ServerPlan {
  const { name, role, port } = record;
  const dir = join(context.dir, name);
  const passwords = stackPasswords(context.dir);
  switch (role) {
    case 'gateway':
      return nginxPlan(gatewaySpec(context, state, saved));
    case 'zookeeper': {
      const members = recordsOf(state, 'zookeeper').map(memberOf);
      return zookeeperPlan({ name, dir, id: numberOf(name), members, quorumPassword: passwords.quorum });
    }
    case 'mysql':
      return databasePlan(context.dir, state, record);
    case 'redis':
      return redisPlanOf(context.dir, state, record);
    case 'vtctld':
    case 'vttablet':
    case 'vtgate':
      return vitessPlan(context.dir, vitessSettings(context, state), state, record);
    case 'shorten':
    case 'redirect':
      return servicePlan({
        name,
        role,
        dir,
        port,
        adminPort: extraPort(record, 0),
        root: context.root,
        env: { ...serviceEnv(context, state, saved), ...context.detours.envOf?.(name) },
      });
  }
}

export function gatewaySpec(context: StackContext, state: StackState, saved: SavedSettings): NginxPlanSpec {
  const gateway = gatewayOf(state);
  return {
    name: gateway.name,
    dir: join(context.dir, gateway.name),
    port: gateway.port,
    adminPort: extraPort(gateway, 0),
    shortenPorts: recordsOf(state, 'shorten').map(({ port }) => port),
    redirectPorts: recordsOf(state, 'redirect').map(({ port }) => port),
    ratePerS: saved.gatewayRatePerS,
    requestsPerClient: saved.gatewayRequests,
  };
}

export function gatewayOf(state: StackState): ProcessRecord {
  const [gateway] = recordsOf(state, 'gateway');
  if (gateway === undefined) throw new Error('a stack without a gateway');
  return gateway;
}

export function publicUrl(state: StackState): string {
  return `http://127.0.0.1:${gatewayOf(state).port}`;
}

/** `h1:p1,h2:p2,…/lakh`, as LAKH_ZOOKEEPER takes it. */
export function zookeeperAddress(state: StackState, detours: Detours = {}): string {
  return `${addressesOf(state, 'zookeeper', detours).join(',')}/lakh`;
}

/** LAKH_DATABASE of a user: every server of it, for Lakh asks each what it is; of Vitess what stands before them. */
export function databaseSetting(
  state: StackState,
  [user, password]: readonly [user: string, password: string],
  { portOf }: Detours = {},
): string {
  const members = recordsOf(state, databaseKind(state) === 'vitess' ? 'vtgate' : 'mysql').map(
    ({ name, port }) => `mysql://${user}:${password}@127.0.0.1:${portOf?.(name, port) ?? port}/lakh`,
  );
  return members.join(',');
}

/** What Vitess's servers and its operator are told alike. */
export function vitessSettings(context: StackContext, state: StackState): VitessSettings {
  return {
    programs: vitessOf(state).programs,
    topology: addressesOf(state, 'zookeeper').join(','),
    topologyAuth: zookeeperAuth(context),
    password: stackPasswords(context.dir).vitess,
  };
}

/** As LAKH_ZOOKEEPER_AUTH takes it. */
export function zookeeperAuth(context: StackContext): string {
  return `lakh:${stackPasswords(context.dir).zookeeper}`;
}

/** The lines of LAKH_API_TOKENS_FILE. */
export function tokenLines(context: StackContext): string {
  return `stack:${createHash('sha256').update(stackPasswords(context.dir).token).digest('hex')}\n`;
}

/** `host:port` of each server of a role. */
export function addressesOf(state: StackState, role: ServerRole, { portOf }: Detours = {}): string[] {
  return recordsOf(state, role).map(({ name, port }) => `127.0.0.1:${portOf?.(name, port) ?? port}`);
}

function memberOf(record: ProcessRecord): ZookeeperMember {
  return {
    id: numberOf(record.name),
    clientPort: record.port,
    quorumPort: extraPort(record, 0),
    electionPort: extraPort(record, 1),
  };
}

/** Whoever uses the stack comes from one address, load tests too. Wrong tokens are nobody's load. */
export const GENEROUS_LIMITS = { LAKH_CHANGES_PER_MIN: '1000000000', LAKH_MISSES_PER_MIN: '1000000000' } as const;

/** All that a Lakh server gets; nothing of the caller's environment but its LAKH_ settings. */
function serviceEnv(context: StackContext, state: StackState, saved: SavedSettings): Record<string, string> {
  return {
    PATH: SYSTEM_PATH,
    TZ: 'UTC',
    NODE_ENV: 'production',
    ...(saved.nodeOptions === undefined ? {} : { NODE_OPTIONS: saved.nodeOptions }),
    ...lakhEnv(context, state, saved, context.detours),
  };
}

function lakhEnv(
  context: StackContext,
  state: StackState,
  saved: SavedSettings,
  detours: Detours,
): Record<string, string> {
  return {
    // Anyone may create and follow; deletes need the token. Who brings tokens of their own decides that too.
    ...(saved.serverSettings.LAKH_API_TOKENS_FILE === undefined ? { LAKH_OPEN: 'true' } : {}),
    LAKH_API_TOKENS_FILE: secretFile(context.dir, TOKENS_FILE),
    ...GENEROUS_LIMITS,
    ...saved.serverSettings,
    LAKH_PUBLIC_URL: publicUrl(state),
    LAKH_ZOOKEEPER: zookeeperAddress(state, detours),
    LAKH_ZOOKEEPER_AUTH_FILE: secretFile(context.dir, ZOOKEEPER_AUTH_FILE),
    LAKH_DATABASE_FILE: secretFile(context.dir, DATABASE_FILE),
    // `up` has migrated, unless told not to; servers need no right to change tables.
    LAKH_MIGRATE: 'never',
    LAKH_REDIS_FILE: secretFile(context.dir, REDIS_FILE),
    LAKH_TRUSTED_PROXIES: '127.0.0.1/32',
  };
}

/** What a server would be given, or `lakh`, with the secrets themselves where it would find files; and a token for its API. */
export function environmentOf(context: StackContext, state: StackState, saved: SavedSettings): Record<string, string> {
  const env = lakhEnv(context, state, saved, {});
  for (const name of ['LAKH_ZOOKEEPER_AUTH', 'LAKH_DATABASE', 'LAKH_REDIS']) {
    env[name] = readFileSync(env[`${name}_FILE`] as string, 'utf8').trim();
    delete env[`${name}_FILE`];
  }
  const hasOwnTokens = saved.serverSettings.LAKH_API_TOKENS_FILE !== undefined;
  return hasOwnTokens ? env : { ...env, LAKH_TOKEN: stackPasswords(context.dir).token };
}
