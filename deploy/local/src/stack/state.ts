import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StateCorruptError } from '../errors.js';
import type { ServerRole } from '../servers/server.js';
import type { ProcessIdentity } from './processes.js';

export const STATE_FILE = 'state.json';
const VERSION = 1;
const ROLES: readonly ServerRole[] = [
  'gateway',
  'shorten',
  'redirect',
  'zookeeper',
  'mysql',
  'redis',
  'vtctld',
  'vttablet',
  'vtgate',
];
/** A range of keyspace ids, by their first byte. */
const TABLET = /^vttablet-\d+$/;
const SHARD = /^([0-9a-f]{2})?-([0-9a-f]{2})?$/;
/** `gateway`, or a role and a number, or `sentinel` and one; also the name of the process's folder. */
export const PROCESS_NAME =
  /^(gateway|(shorten|redirect|zookeeper|mysql|redis|sentinel|vtctld|vttablet|vtgate)-[1-9]\d{0,3})$/;

/** One server of the stack, running or not. */
export interface ProcessRecord {
  readonly name: string;
  readonly role: ServerRole;
  readonly port: number;
  /** gateway, shorten, redirect: the admin port. zookeeper: quorum and election. mysql, a node of Galera: group, part and whole of the state. redis, a node of a Cluster: its bus. Vitess's: its page, and a vtgate's RPC. */
  readonly extraPorts: readonly number[];
  /** The last process started for it, alive or not. */
  readonly process?: ProcessIdentity;
  /** Told to end, and not seen to have ended. */
  readonly isDraining: boolean;
}

/** What stands behind the links: one server, a primary with replicas, nodes that all take writes, or shards of a keyspace. */
export const DATABASES = ['mariadb', 'replicas', 'galera', 'vitess'] as const;
export type DatabaseKind = (typeof DATABASES)[number];

/** What stands in front of the database: one server, one with two replicas and three sentinels, or a Cluster of three masters with a replica each. */
export const REDISES = ['single', 'sentinel', 'cluster'] as const;
export type RedisKind = (typeof REDISES)[number];

export interface VitessState {
  /** Where its programs are. */
  readonly programs: string;
  /** Which range of keyspace ids each tablet has. */
  readonly shards: Readonly<Record<string, string>>;
  /** Of tablets that are replicas: whose. The others are primaries. */
  readonly replicas: Readonly<Record<string, string>>;
}

export interface StackState {
  readonly processes: readonly ProcessRecord[];
  /** One server where it is not said. */
  readonly database?: {
    readonly kind: DatabaseKind;
    /** Of replicas: who was made the primary last. */
    readonly primary?: string;
    readonly vitess?: VitessState;
  };
  /** One server where it is not said. */
  readonly redis?: RedisKind;
}

export function databaseKind({ database }: Pick<StackState, 'database'>): DatabaseKind {
  return database?.kind ?? 'mariadb';
}

export function redisKind({ redis }: Pick<StackState, 'redis'>): RedisKind {
  return redis ?? 'single';
}

/** What decides how many ports a server has. */
export type Kinds = Pick<StackState, 'database' | 'redis'>;

/** Undefined when there is no stack in `dir`. Throws {@link StateCorruptError} for anything but a state that this version wrote. */
export function readState(dir: string): StackState | undefined {
  const file = join(dir, STATE_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StateCorruptError(`${file} is not JSON`);
  }
  if (!isRecord(value) || value.version !== VERSION || !Array.isArray(value.processes)) {
    throw new StateCorruptError(`${file} is not a stack's state of version ${VERSION}`);
  }
  const kinds = { ...parseDatabase(value.database, file), ...parseRedis(value.redis, file) };
  const processes = value.processes.map((entry) => parseProcess(entry, kinds, file));
  if (new Set(processes.map(({ name }) => name)).size !== processes.length) {
    throw new StateCorruptError(`${file} names a process twice`);
  }
  return { processes, ...kinds };
}

/** Whole or not at all, also when the machine stops in between. */
export function writeState(dir: string, state: StackState): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, STATE_FILE);
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify({ version: VERSION, ...state }, undefined, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(partial, file);
}

function parseDatabase(found: unknown, file: string): Pick<StackState, 'database'> {
  if (found === undefined) return {};
  const { kind, primary, vitess } = isRecord(found) ? found : {};
  const isKnown = DATABASES.some((known) => known === kind);
  const isNamed = primary === undefined || (typeof primary === 'string' && PROCESS_NAME.test(primary));
  if (
    !isKnown ||
    !isNamed ||
    (vitess !== undefined) !== (kind === 'vitess') ||
    !(vitess === undefined || isVitess(vitess))
  ) {
    throw new StateCorruptError(`${file} has a database that this version did not write: ${JSON.stringify(found)}`);
  }
  return {
    database: {
      kind: kind as DatabaseKind,
      ...(primary === undefined ? {} : { primary }),
      ...(vitess === undefined ? {} : { vitess }),
    },
  };
}

function isVitess(value: unknown): value is VitessState {
  if (!isRecord(value) || typeof value.programs !== 'string') return false;
  const { shards, replicas } = value;
  if (!isRecord(shards) || !isRecord(replicas)) return false;
  const areRanges = Object.entries(shards).every(([name, range]) => TABLET.test(name) && SHARD.test(String(range)));
  return areRanges && Object.entries(replicas).every((pair) => pair.every((name) => String(name) in shards));
}

function parseRedis(found: unknown, file: string): Pick<StackState, 'redis'> {
  const redis = REDISES.find((known) => known === found);
  if (redis !== undefined) return { redis };
  if (found === undefined) return {};
  throw new StateCorruptError(`${file} has a Redis that this version did not write: ${JSON.stringify(found)}`);
}

function parseProcess(entry: unknown, kinds: Kinds, file: string): ProcessRecord {
  const refuse = (): never => {
    throw new StateCorruptError(`${file} has a process that this version did not write: ${JSON.stringify(entry)}`);
  };
  if (!isRecord(entry)) return refuse();
  const { name, role, port, extraPorts, process, isDraining } = entry;
  if (typeof name !== 'string' || !PROCESS_NAME.test(name) || !ROLES.includes(role as ServerRole)) return refuse();
  if (!isPort(port) || !Array.isArray(extraPorts) || !extraPorts.every(isPort)) return refuse();
  const record = { name, role: role as ServerRole, port, extraPorts, isDraining: isDraining === true };
  if (extraPorts.length !== extraPortCount(record, kinds) || typeof isDraining !== 'boolean') return refuse();
  if (process === undefined) return record;
  if (!isRecord(process) || typeof process.startedAt !== 'string') return refuse();
  const { pid, startedAt } = process;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 2) return refuse();
  return { ...record, process: { pid, startedAt } };
}

/** How many ports a server has beside its main one. */
export function extraPortCount({ name, role }: Pick<ProcessRecord, 'name' | 'role'>, kinds: Kinds): number {
  switch (role) {
    case 'zookeeper':
    case 'vtgate':
      return 2;
    case 'mysql':
      return databaseKind(kinds) === 'galera' ? 3 : 0;
    case 'redis':
      return redisKind(kinds) === 'cluster' && !isSentinel({ name }) ? 1 : 0;
    default:
      return 1;
  }
}

/** Of the processes of the role `redis`: whether it watches the others. */
export function isSentinel({ name }: Pick<ProcessRecord, 'name'>): boolean {
  return name.startsWith('sentinel-');
}

/** In the order of their numbers; sentinels after those that they watch. */
export function recordsOf(state: StackState, role: ServerRole): ProcessRecord[] {
  return state.processes
    .filter((record) => record.role === role)
    .sort((a, b) => Number(isSentinel(a)) - Number(isSentinel(b)) || numberOf(a.name) - numberOf(b.name));
}

/** The number at the end of a name; 0 for `gateway`. */
export function numberOf(name: string): number {
  return Number(/\d+$/.exec(name)?.[0] ?? 0);
}

export function extraPort(record: ProcessRecord, index: number): number {
  const port = record.extraPorts[index];
  if (port === undefined) throw new Error(`${record.name} has no port ${index}`);
  return port;
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
