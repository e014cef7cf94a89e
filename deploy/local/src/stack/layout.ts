import { UsageError } from '../errors.js';
import { freePorts, isFree } from '../servers/ports.js';
import type { ServerRole } from '../servers/server.js';
import {
  type DatabaseKind,
  databaseKind,
  extraPortCount,
  isSentinel,
  type Kinds,
  numberOf,
  type ProcessRecord,
  type RedisKind,
  recordsOf,
  redisKind,
  type StackState,
} from './state.js';

export const MAX_SERVERS = 64;
const DEFAULTS = { shorten: 2, redirect: 2, zookeeper: 3 };
/** One may be lost of three: the others are still a majority, or a primary with a replica that has everything. */
const DATABASE_SERVERS: Readonly<Record<DatabaseKind, number>> = { mariadb: 1, replicas: 3, galera: 3, vitess: 4 };
/** Three sentinels beside them, so that two agree when one is lost. */
const REDIS_SERVERS: Readonly<Record<RedisKind, number>> = { single: 1, sentinel: 3, cluster: 6 };
const SENTINELS = 3;
/** One may be lost of two. */
const VTGATES = 2;
/** Each shard's primary and its replica. */
const SHARDS = { 'vttablet-1': '-80', 'vttablet-2': '80-', 'vttablet-3': '-80', 'vttablet-4': '80-' };
const REPLICAS = { 'vttablet-3': 'vttablet-1', 'vttablet-4': 'vttablet-2' };

export interface LayoutOptions {
  /** Servers of each kind; those of the last `up` in this folder, or 2, 2 and 3. */
  readonly shorten?: number;
  readonly redirect?: number;
  readonly zookeeper?: number;
  /** What the folder was made with, or one MariaDB. */
  readonly db?: DatabaseKind;
  /** As in the last `up` in this folder, or one. */
  readonly redis?: RedisKind;
  /** Where Vitess's programs are, for a database of that kind. */
  readonly vitess?: string;
  /** The gateway's port; the last one, or a free one. */
  readonly port?: number;
}

/** The servers of a stack that is about to start: those that the folder knows keep their ports where these are still free. */
export async function layOut(before: StackState | undefined, options: LayoutOptions): Promise<StackState> {
  const had = (role: ServerRole): number => (before === undefined ? 0 : recordsOf(before, role).length);
  const zookeepers = options.zookeeper ?? (had('zookeeper') || DEFAULTS.zookeeper);
  if (before !== undefined && zookeepers !== had('zookeeper')) {
    throw new UsageError(
      `this stack's ensemble has ${had('zookeeper')} nodes, not ${zookeepers}: an ensemble is not resized here (down --wipe, or another --dir)`,
    );
  }
  const kind = options.db ?? databaseKind(before ?? {});
  if (before !== undefined && kind !== databaseKind(before)) {
    throw new UsageError(
      `this stack's database is ${databaseKind(before)}, not ${kind}: its data are not moved here (down --wipe, or another --dir)`,
    );
  }
  const redis = options.redis ?? redisKind(before ?? {});
  const wanted: readonly [ServerRole, number, prefix?: string][] = [
    ['gateway', 1],
    ['shorten', options.shorten ?? (had('shorten') || DEFAULTS.shorten)],
    ['redirect', options.redirect ?? (had('redirect') || DEFAULTS.redirect)],
    ['zookeeper', zookeepers],
    ['mysql', kind === 'vitess' && before !== undefined ? had('mysql') : DATABASE_SERVERS[kind]],
    ['redis', REDIS_SERVERS[redis]],
    ['redis', redis === 'sentinel' ? SENTINELS : 0, 'sentinel'],
    ...(kind === 'vitess' ? vitessServers(had('vttablet')) : []),
  ];
  const processes = wanted.flatMap(([role, count, prefix = role]) => {
    const ofKind = (record: ProcessRecord) => isSentinel(record) === isSentinel({ name: `${prefix}-` });
    const known = before === undefined ? [] : recordsOf(before, role).filter(ofKind).slice(0, count);
    return [...known, ...newNames(prefix, known, count - known.length).map((name) => ({ name, role }))];
  });
  const primary = kind === 'replicas' ? { primary: before?.database?.primary ?? 'mysql-1' } : {};
  const { shards, replicas } = before?.database?.vitess ?? { shards: SHARDS, replicas: REPLICAS };
  const vitess = kind === 'vitess' ? { vitess: { programs: options.vitess ?? '', shards, replicas } } : {};
  const kinds: Kinds = {
    ...(kind !== 'mariadb' && { database: { kind, ...primary, ...vitess } }),
    ...(redis !== 'single' && { redis }),
  };
  return { processes: await withPorts(processes, kinds, options.port), ...kinds };
}

function vitessServers(tablets: number): readonly [ServerRole, number][] {
  return [
    ['vtctld', 1],
    ['vttablet', tablets || Object.keys(SHARDS).length],
    ['vtgate', VTGATES],
  ];
}

/**
 * A server that is about to start again, with other ports where somebody has taken those that it alone tells: those of a Galera node for its group and for
 * transfers are in use while it runs or joins only, and the nodes hear of them from whoever joins.
 */
export async function withFreeGroupPorts(state: StackState, record: ProcessRecord): Promise<ProcessRecord> {
  if (databaseKind(state) !== 'galera' || record.role !== 'mysql') return record;
  const areFree = await Promise.all(record.extraPorts.map(isFree));
  if (areFree.every(Boolean)) return record;
  const taken = new Set(state.processes.flatMap(({ port, extraPorts }) => [port, ...extraPorts]));
  const fresh = await freePorts(areFree.filter((each) => !each).length, taken);
  const extraPorts = record.extraPorts.map((port, i) => (areFree[i] ? port : (fresh.shift() as number)));
  return { ...record, extraPorts };
}

/** Records for `count` further servers of a running stack. */
export async function furtherServers(
  state: StackState,
  role: 'shorten' | 'redirect' | 'mysql' | 'vttablet',
  count: number,
): Promise<ProcessRecord[]> {
  const taken = new Set(state.processes.flatMap(({ port, extraPorts }) => [port, ...extraPorts]));
  const known = recordsOf(state, role);
  const last = Math.max(0, ...known.map(({ name }) => numberOf(name)));
  // The folder of a shard that was split stays, and so its number is nobody else's.
  const isNumberedOn = role === 'mysql' || role === 'vttablet';
  const names = isNumberedOn
    ? Array.from({ length: count }, (_, i) => `${role}-${last + 1 + i}`)
    : newNames(role, known, count);
  return withPorts(
    names.map((name) => ({ name, role })),
    state,
    undefined,
    taken,
  );
}

function newNames(prefix: string, known: readonly { readonly name: string }[], count: number): string[] {
  if (prefix === 'gateway') return known.length > 0 ? [] : ['gateway'];
  const taken = new Set(known.map(({ name }) => numberOf(name)));
  const names: string[] = [];
  for (let number = 1; names.length < count; number++) if (!taken.has(number)) names.push(`${prefix}-${number}`);
  return names;
}

type Unplaced = Pick<ProcessRecord, 'name' | 'role'> & Partial<ProcessRecord>;

async function withPorts(
  servers: readonly Unplaced[],
  kinds: Kinds,
  gatewayPort: number | undefined,
  taken: ReadonlySet<number> = new Set(),
): Promise<ProcessRecord[]> {
  const kept = new Set(taken);
  const placed = new Map<string, readonly number[]>();
  for (const { name, role, port, extraPorts } of servers) {
    const first = role === 'gateway' && gatewayPort !== undefined ? gatewayPort : port;
    const had = first === undefined ? [] : [first, ...(extraPorts ?? [])];
    const ports = had.slice(0, 1 + extraPortCount({ name, role }, kinds));
    const isAsked = first === gatewayPort && role === 'gateway';
    const isUsable = isAsked || (await Promise.all(ports.map(isFree))).every(Boolean);
    if (!isUsable || ports.length === 0) continue;
    placed.set(name, ports);
    for (const each of ports) kept.add(each);
  }
  const missing = (server: Unplaced): number =>
    1 + extraPortCount(server, kinds) - (placed.get(server.name)?.length ?? 0);
  const fresh = await freePorts(
    servers.reduce((sum, server) => sum + missing(server), 0),
    kept,
  );
  return servers.map((server) => {
    const ports = [...(placed.get(server.name) ?? []), ...fresh.splice(0, missing(server))];
    const [port, ...extraPorts] = ports as [number, ...number[]];
    return { name: server.name, role: server.role, port, extraPorts, isDraining: false };
  });
}
