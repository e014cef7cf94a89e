/** Vitess's servers as plans: its topology is a ZooKeeper, its data MariaDBs that it does not manage. What each setting is for: docs/scale.md. */
import { join } from 'node:path';
import { SYSTEM_PATH } from '../config.js';
import { httpProbe } from '../probe.js';
import { greetsAsMysql, mariadbPlan, mariadbSql } from '../servers/mariadb.js';
import { makeFolder, makeOwnFolder, type Owner, ownerOf, writeFor } from '../servers/owner.js';
import { awaitFollowing, createReplicationUser, followPrimary } from '../servers/replication.js';
import type { ServerPlan } from '../servers/server.js';

export const KEYSPACE = 'lakh';
export const CELL = 'zone1';
/** The database of a tablet, in its MariaDB. */
const TABLET_DATABASE = `vt_${KEYSPACE}`;
/** Beyond those that a server's replication may have. */
const FIRST_UID = 100;
const GLOBAL_ROOT = '/vitess/global';
export const CELL_ROOT = `/vitess/${CELL}`;
/** Within a server's folder. */
const DATA = 'data';
const TOPOLOGY_LOGIN = 'topology-login';
const RPC_PASSWORDS = 'rpc-passwords.json';
const RPC_LOGIN = 'rpc-login.json';
const DATABASE_LOGINS = 'database-logins.json';
const TABLE_RIGHTS = 'table-rights.json';
const USERS = 'users.json';
/** Go opens a name as it is, but as a user that may not go the way to the folder. */
const FROM_INSIDE = '/proc/self/cwd';

/** Of all of Vitess's servers. */
export interface VitessSettings {
  /** Where its programs are. */
  readonly programs: string;
  /** `host:port,…` of the ZooKeepers. */
  readonly topology: string;
  /** Digest credentials for it, `user:password`; without them whatever it lets anybody do. */
  readonly topologyAuth?: string | undefined;
  /** What its servers prove to each other, and the tablets to their MariaDBs. Letters, digits, `-` and `_`. */
  readonly password: string;
}

interface Place {
  readonly name: string;
  readonly dir: string;
}

export interface VtctldSpec extends VitessSettings, Place {
  readonly port: number;
  readonly httpPort: number;
}

export interface VttabletSpec extends VitessSettings, Place {
  /** Its RPC port. */
  readonly port: number;
  readonly httpPort: number;
  /** Unique in the cell. */
  readonly uid: number;
  /** A range of keyspace ids: `-80`. */
  readonly shard: string;
  readonly databasePort: number;
  /** Lakh's where it is not said. */
  readonly keyspace?: string;
  /** What the MariaDB calls the database. */
  readonly database?: string;
}

export interface VtgateSpec extends VitessSettings, Place {
  /** Its MySQL port. */
  readonly port: number;
  readonly httpPort: number;
  readonly rpcPort: number;
  readonly accounts: { readonly password: string; readonly migratePassword: string };
}

/** Of the tablet, or the MariaDB, of this name. */
export function tabletUid(name: string): number {
  return FIRST_UID + Number(/\d+$/.exec(name)?.[0]);
}

/** As `vtctldclient` names it. */
export function tabletAlias(uid: number): string {
  return `${CELL}-${String(uid).padStart(10, '0')}`;
}

export function topologyFlags({ topology, topologyAuth }: VitessSettings): string[] {
  return [
    '--topo-implementation=zk2',
    `--topo-global-server-address=${topology}`,
    `--topo-global-root=${GLOBAL_ROOT}`,
    ...(topologyAuth === undefined ? [] : [`--topo-zk-auth-file=${FROM_INSIDE}/${TOPOLOGY_LOGIN}`]),
  ];
}

/** Whoever reaches its port has to give the password, and so does it where it calls the others. */
const RPC_FLAGS = [
  '--grpc-bind-address=127.0.0.1',
  '--grpc-auth-mode=static',
  `--grpc-auth-static-password-file=${FROM_INSIDE}/${RPC_PASSWORDS}`,
  `--grpc-auth-static-client-creds=${FROM_INSIDE}/${RPC_LOGIN}`,
];

/** What a client of theirs reads, in the folder that it works in. */
export async function writeRpcLogin(owner: Owner | undefined, dir: string, password: string): Promise<void> {
  await writeFor(owner, join(dir, RPC_LOGIN), JSON.stringify({ Username: KEYSPACE, Password: password }));
}

export const RPC_LOGIN_FLAG = `--grpc-auth-static-client-creds=${FROM_INSIDE}/${RPC_LOGIN}`;

async function prepare(spec: VitessSettings & Place, files: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const { dir, password, topologyAuth } = spec;
  const owner = ownerOf(dir);
  makeFolder(dir, owner);
  makeOwnFolder(join(dir, DATA), owner);
  await writeFor(owner, join(dir, RPC_PASSWORDS), JSON.stringify([{ Username: KEYSPACE, Password: password }]));
  await writeRpcLogin(owner, dir, password);
  if (topologyAuth !== undefined) await writeFor(owner, join(dir, TOPOLOGY_LOGIN), `digest:${topologyAuth}`);
  for (const [name, value] of Object.entries(files)) await writeFor(owner, join(dir, name), JSON.stringify(value));
}

function serverPlan(
  spec: VitessSettings & Place & { readonly port: number },
  program: 'vtctld' | 'vttablet' | 'vtgate',
  flags: readonly string[],
): Omit<ServerPlan, 'prepare' | 'ready'> {
  const { name, dir, port, programs } = spec;
  return {
    name,
    role: program,
    host: '127.0.0.1',
    port,
    dir,
    logFile: join(dir, `${program}.log`),
    command: [
      join(programs, program),
      ...topologyFlags(spec),
      ...RPC_FLAGS,
      '--bind-address=127.0.0.1',
      '--config-file-not-found-handling=ignore',
      '--log-level=warn',
      ...flags,
    ],
    // It keeps what it writes there: nothing, but for what its libraries leave.
    env: { PATH: SYSTEM_PATH, TZ: 'UTC', VTDATAROOT: join(FROM_INSIDE, DATA), TMPDIR: join(FROM_INSIDE, DATA) },
    owner: ownerOf(dir),
    stopSignal: 'SIGTERM',
  };
}

/** Keeps the topology: what `vtctldclient` talks to. */
export function vtctldPlan(spec: VtctldSpec): ServerPlan {
  const flags = ['--service-map=grpc-vtctl,grpc-vtctld', `--grpc-port=${spec.port}`, `--port=${spec.httpPort}`];
  return {
    ...serverPlan(spec, 'vtctld', flags),
    prepare: () => prepare(spec),
    ready: async () => (await httpProbe(spec.httpPort, '/healthz')) !== undefined,
  };
}

/** One tablet over one MariaDB. It answers before it serves: a primary has to be told that it is one. */
export function vttabletPlan(spec: VttabletSpec): ServerPlan {
  const readers = [KEYSPACE, `${KEYSPACE}_migrate`];
  const rights = {
    table_groups: [
      { name: KEYSPACE, table_names_or_prefixes: ['%'], readers, writers: readers, admins: [`${KEYSPACE}_migrate`] },
    ],
  };
  const logins = { vt_app: [spec.password], vt_dba: [spec.password] };
  return {
    ...serverPlan(spec, 'vttablet', tabletFlags(spec)),
    prepare: () => prepare(spec, { [DATABASE_LOGINS]: logins, [TABLE_RIGHTS]: rights }),
    ready: async () => (await httpProbe(spec.httpPort, '/healthz')) !== undefined,
  };
}

function tabletFlags(spec: VttabletSpec): string[] {
  const { uid, shard, databasePort, port, httpPort, keyspace = KEYSPACE, database = TABLET_DATABASE } = spec;
  const users = {
    app: 'vt_app',
    appdebug: 'vt_app',
    dba: 'vt_dba',
    repl: 'vt_dba',
    filtered: 'vt_dba',
    allprivs: 'vt_dba',
  };
  return [
    '--unmanaged',
    `--tablet-path=${tabletAlias(uid)}`,
    `--init-keyspace=${keyspace}`,
    `--init-shard=${shard}`,
    '--init-tablet-type=replica',
    `--init-db-name-override=${database}`,
    '--tablet-hostname=127.0.0.1',
    '--db-host=127.0.0.1',
    `--db-port=${databasePort}`,
    ...Object.entries(users).map(([purpose, user]) => `--db-${purpose}-user=${user}`),
    `--db-credentials-file=${FROM_INSIDE}/${DATABASE_LOGINS}`,
    '--db-ssl-mode=disabled',
    '--service-map=grpc-queryservice,grpc-tabletmanager,grpc-updatestream',
    `--grpc-port=${port}`,
    `--port=${httpPort}`,
    '--onterm-timeout=5s',
    '--health-check-interval=1s',
    '--heartbeat-enable',
    '--degraded-threshold=5s',
    '--unhealthy-threshold=30s',
    '--queryserver-config-query-timeout=5s',
    '--queryserver-config-transaction-timeout=5s',
    '--queryserver-config-transaction-cap=100',
    '--queryserver-config-pool-size=50',
    '--queryserver-config-terse-errors',
    `--table-acl-config=${FROM_INSIDE}/${TABLE_RIGHTS}`,
    '--enforce-tableacl-config',
    '--queryserver-config-strict-table-acl',
  ];
}

/** What Lakh's servers connect to, as to one database. */
export function vtgatePlan(spec: VtgateSpec): ServerPlan {
  const { port, httpPort, rpcPort, accounts } = spec;
  const flags = [
    `--cell=${CELL}`,
    `--cells-to-watch=${CELL}`,
    '--tablet-types-to-wait=PRIMARY',
    '--gateway-initial-tablet-timeout=10s',
    '--mysql-server-bind-address=127.0.0.1',
    `--mysql-server-port=${port}`,
    '--mysql-auth-server-impl=static',
    `--mysql-auth-server-static-file=${FROM_INSIDE}/${USERS}`,
    `--grpc-port=${rpcPort}`,
    `--port=${httpPort}`,
    '--transaction-mode=MULTI',
    // By default a topology that cannot be asked takes everything down after a while.
    '--srv-topo-cache-ttl=24h',
    '--tablet-refresh-interval=2s',
    '--healthcheck-timeout=3s',
    '--enable-buffer',
    '--buffer-window=10s',
    '--buffer-max-failover-duration=20s',
    // Bind variables carry URLs.
    '--vtgate-config-terse-errors',
  ];
  const users = {
    [KEYSPACE]: [{ Password: accounts.password, UserData: KEYSPACE }],
    [`${KEYSPACE}_migrate`]: [{ Password: accounts.migratePassword, UserData: `${KEYSPACE}_migrate` }],
  };
  return {
    ...serverPlan(spec, 'vtgate', flags),
    prepare: () => prepare(spec, { [USERS]: users }),
    ready: () => greetsAsMysql(port),
  };
}

export interface TabletDatabaseSpec extends Place {
  readonly port: number;
  readonly uid: number;
  readonly templateDir?: string;
  /** Whether it is to follow its shard's primary: read-only, whatever it was. */
  readonly isReplica?: boolean;
}

/**
 * The MariaDB of one tablet: with the log that Vitess copies by, and for the whole server what Lakh asks for in each session of a plain one. A commit is
 * acknowledged when a replica has it, or when none has answered for a second: with one replica a shard, its loss is not to stop the shard.
 */
export function tabletDatabasePlan({ uid, isReplica = false, ...spec }: TabletDatabaseSpec): ServerPlan {
  const place = isReplica
    ? ['--read-only=1', '--rpl-semi-sync-slave-enabled=1']
    : ['--rpl-semi-sync-master-enabled=1', '--rpl-semi-sync-master-timeout=1000'];
  return mariadbPlan({
    ...spec,
    flags: [
      `--server-id=${uid}`,
      '--log-bin=binlog',
      '--relay-log=relay',
      '--log-slave-updates',
      '--gtid-strict-mode=1',
      '--binlog-format=ROW',
      '--sync-binlog=1',
      '--transaction-isolation=READ-COMMITTED',
      '--innodb-lock-wait-timeout=2',
      '--rpl-semi-sync-master-wait-point=AFTER_SYNC',
      '--slave-net-timeout=4',
      ...place,
    ],
  });
}

/** Has a shard's replica follow its primary; both have {@link createTabletDatabase} behind them. Harmless when it does already. */
export async function followShard(replica: ServerPlan, primary: ServerPlan, password: string): Promise<void> {
  await createReplicationUser(primary, password);
  await followPrimary(replica, { port: primary.port, password });
  await awaitFollowing(replica);
}

/** Its database and the users of Vitess; harmless when they are there. */
export async function createTabletDatabase(
  plan: ServerPlan,
  password: string,
  database: string = TABLET_DATABASE,
): Promise<void> {
  const rights =
    'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, BINLOG MONITOR, SLAVE MONITOR, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER';
  await mariadbSql(
    plan,
    `SET sql_log_bin=0;
    CREATE DATABASE IF NOT EXISTS ${database} CHARACTER SET utf8mb4;
    CREATE OR REPLACE USER vt_app@'%' IDENTIFIED BY '${password}';
    GRANT ${rights} ON *.* TO vt_app@'%';
    CREATE OR REPLACE USER vt_dba@'%' IDENTIFIED BY '${password}';
    GRANT ALL ON *.* TO vt_dba@'%' WITH GRANT OPTION;`,
  );
}
