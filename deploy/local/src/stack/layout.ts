import { UsageError } from '../errors.js';
import { freePorts, isFree } from '../servers/ports.js';
import type { ServerRole } from '../servers/server.js';
import {
  type DatabaseKind,
  databaseKind,
  extraPortCount,
  numberOf,
  type ProcessRecord,
  recordsOf,
  type StackState,
} from './state.js';

export const MAX_SERVERS = 64;
const DEFAULTS = { shorten: 2, redirect: 2, zookeeper: 3 };
/** One may be lost of three: the others are still a majority, or a primary with a replica that has everything. */
const DATABASE_SERVERS: Readonly<Record<DatabaseKind, number>> = { mariadb: 1, replicas: 3, galera: 3 };

export interface LayoutOptions {
  /** Servers of each kind; those of the last `up` in this folder, or 2, 2 and 3. */
  readonly shorten?: number;
  readonly redirect?: number;
  readonly zookeeper?: number;
  /** What the folder was made with, or one MariaDB. */
  readonly db?: DatabaseKind;
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
  const wanted: readonly [ServerRole, number][] = [
    ['gateway', 1],
    ['shorten', options.shorten ?? (had('shorten') || DEFAULTS.shorten)],
    ['redirect', options.redirect ?? (had('redirect') || DEFAULTS.redirect)],
    ['zookeeper', zookeepers],
    ['mysql', DATABASE_SERVERS[kind]],
    ['redis', 1],
  ];
  const processes = wanted.flatMap(([role, count]) => {
    const known = before === undefined ? [] : recordsOf(before, role).slice(0, count);
    return [...known, ...newNames(role, known, count - known.length).map((name) => ({ name, role }))];
  });
  const placed = await withPorts(processes, kind, options.port);
  if (kind === 'mariadb') return { processes: placed };
  const primary = kind === 'replicas' ? { primary: before?.database?.primary ?? 'mysql-1' } : {};
  return { processes: placed, database: { kind, ...primary } };
}

/** Records for `count` further servers of a running stack. */
export async function furtherServers(
  state: StackState,
  role: 'shorten' | 'redirect',
  count: number,
): Promise<ProcessRecord[]> {
  const taken = new Set(state.processes.flatMap(({ port, extraPorts }) => [port, ...extraPorts]));
  const names = newNames(role, recordsOf(state, role), count);
  return withPorts(
    names.map((name) => ({ name, role })),
    databaseKind(state),
    undefined,
    taken,
  );
}

function newNames(role: ServerRole, known: readonly { readonly name: string }[], count: number): string[] {
  if (role === 'gateway') return known.length > 0 ? [] : ['gateway'];
  const taken = new Set(known.map(({ name }) => numberOf(name)));
  const names: string[] = [];
  for (let number = 1; names.length < count; number++) if (!taken.has(number)) names.push(`${role}-${number}`);
  return names;
}

type Unplaced = Pick<ProcessRecord, 'name' | 'role'> & Partial<ProcessRecord>;

async function withPorts(
  servers: readonly Unplaced[],
  kind: DatabaseKind,
  gatewayPort: number | undefined,
  taken: ReadonlySet<number> = new Set(),
): Promise<ProcessRecord[]> {
  const kept = new Set(taken);
  const placed = new Map<string, readonly number[]>();
  for (const { name, role, port, extraPorts } of servers) {
    const first = role === 'gateway' && gatewayPort !== undefined ? gatewayPort : port;
    const ports = first === undefined ? [] : [first, ...(extraPorts ?? [])];
    const isAsked = first === gatewayPort && role === 'gateway';
    const isUsable = isAsked || (await Promise.all(ports.map(isFree))).every(Boolean);
    if (!isUsable || ports.length === 0) continue;
    placed.set(name, ports);
    for (const each of ports) kept.add(each);
  }
  const missing = (server: Unplaced): number =>
    1 + extraPortCount(server.role, kind) - (placed.get(server.name)?.length ?? 0);
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
