/**
 * Every LAKH_ variable of every program, once. `default` is text that goes through the same parser as what an operator
 * writes. A setting without default that is not required is `undefined` when it is not set.
 */
import {
  alphabet,
  boolean,
  cidrList,
  integer,
  listenAddress,
  matching,
  oneOf,
  origin,
  type Parser,
  redirectStatus,
  text,
  zooKeeperAddress,
} from './parsers.js';

export type Program = 'shorten' | 'redirect' | 'standalone' | 'tool' | 'stack' | 'loadtest' | 'bench' | 'test';

export interface SettingDefinition {
  readonly name: `LAKH_${string}`;
  readonly programs: readonly Program[];
  readonly parser: Parser<unknown>;
  readonly description: string;
  readonly default?: string;
  readonly required?: true;
  /** Programs that do without it although it is required of the others. */
  readonly optionalFor?: readonly Program[];
  /** Never echoed; may be given as `<name>_FILE`, the path of a file that holds it. */
  readonly secret?: true;
}

const servers = ['shorten', 'redirect', 'standalone'] as const;
const creators = ['shorten', 'standalone'] as const;
const redirectors = ['redirect', 'standalone'] as const;
const distributed = ['shorten', 'redirect'] as const;
/** The tool works on whichever system the environment names. */
const tool = 'tool' as const;

export const settingsRegistry = {
  listen: {
    name: 'LAKH_LISTEN',
    programs: servers,
    parser: listenAddress,
    default: '127.0.0.1:8080',
    description: 'Where the public listener binds.',
  },
  adminListen: {
    name: 'LAKH_ADMIN_LISTEN',
    programs: [...servers, tool],
    parser: listenAddress,
    default: '127.0.0.1:8081',
    description: 'Where health and metrics are served; keep it private.',
  },
  publicUrl: {
    name: 'LAKH_PUBLIC_URL',
    programs: creators,
    parser: origin,
    description:
      'What short URLs begin with. Required when LAKH_LISTEN is beyond loopback, else the listening address.',
  },
  dataDir: {
    name: 'LAKH_DATA_DIR',
    programs: ['standalone', tool],
    parser: text('a folder'),
    default: './data',
    description: 'Folder of the SQLite file.',
  },
  codec: {
    name: 'LAKH_CODEC',
    programs: creators,
    parser: oneOf('base62', 'sqids', 'sealed'),
    default: 'base62',
    description: 'How counters become codes; fixed for a database at its first start.',
  },
  sealedKeys: {
    name: 'LAKH_SEALED_KEYS',
    programs: [...creators, tool],
    parser: text('keys of the sealed codec'),
    secret: true,
    description: 'Keys of the sealed codec; required by LAKH_CODEC=sealed.',
  },
  sqidsAlphabet: {
    name: 'LAKH_SQIDS_ALPHABET',
    programs: creators,
    parser: alphabet,
    description: 'Alphabet of the sqids codec, shuffled for this database.',
  },
  sqidsMinLength: {
    name: 'LAKH_SQIDS_MIN_LENGTH',
    programs: creators,
    parser: integer(0, 32),
    description: 'Shortest code of the sqids codec, in characters.',
  },
  rangeSize: {
    name: 'LAKH_RANGE_SIZE',
    programs: creators,
    parser: integer(1, 1_000_000_000),
    default: '100000',
    description: 'Counters in a leased range.',
  },
  runwayS: {
    name: 'LAKH_RUNWAY_S',
    programs: creators,
    parser: integer(1, 86_400),
    default: '600',
    description: 'How long to be able to issue without a lease, in seconds, at the present rate.',
  },
  rangesMaxHeld: {
    name: 'LAKH_RANGES_MAX_HELD',
    programs: creators,
    parser: integer(2, 10_000),
    default: '32',
    description: 'Most ranges held at once: what a crash can lose.',
  },
  namespace: {
    name: 'LAKH_NAMESPACE',
    programs: [...creators, tool],
    parser: matching(/^[a-z0-9][a-z0-9-]{0,31}$/, '1 to 32 of a-z, 0-9 and -, not beginning with -'),
    default: 'links',
    description: 'Counter sequence that feeds links.',
  },
  zookeeper: {
    name: 'LAKH_ZOOKEEPER',
    programs: ['shorten', tool],
    parser: zooKeeperAddress,
    required: true,
    optionalFor: [tool],
    description: 'ZooKeeper ensemble; the chroot is /lakh when left out.',
  },
  zookeeperAuth: {
    name: 'LAKH_ZOOKEEPER_AUTH',
    programs: ['shorten', tool],
    parser: matching(/^[^:\s]+:\S+$/, 'user:password'),
    secret: true,
    description: 'Digest credentials; nodes are then created for this user only.',
  },
  shards: {
    name: 'LAKH_SHARDS',
    programs: [...distributed, tool],
    parser: text('shards apart by white space, members by commas, each mysql://user:password@host:port/database'),
    required: true,
    optionalFor: [tool],
    secret: true,
    description: 'MySQL or MariaDB servers that hold the links.',
  },
  redis: {
    name: 'LAKH_REDIS',
    programs: distributed,
    parser: matching(
      /^(rediss?|redis\+sentinel|redis\+cluster):\/\/\S+$/,
      'a redis://, rediss://, redis+sentinel:// or redis+cluster:// URL',
    ),
    secret: true,
    description: 'Shared cache (L2); without it reads go from L1 to the database.',
  },
  migrate: {
    name: 'LAKH_MIGRATE',
    programs: ['shorten'],
    parser: oneOf('auto', 'never'),
    default: 'auto',
    description: 'Whether a start may migrate the database; with never, a server needs no right to change tables.',
  },
  apiTokensFile: {
    name: 'LAKH_API_TOKENS_FILE',
    programs: creators,
    parser: text('a file'),
    description: 'File of hashed API tokens, one `name:sha256` a line; with it every API call needs a token.',
  },
  open: {
    name: 'LAKH_OPEN',
    programs: creators,
    parser: boolean,
    default: 'false',
    description: 'Lets anyone who reaches a listener beyond loopback create links.',
  },
  redirectStatus: {
    name: 'LAKH_REDIRECT_STATUS',
    programs: redirectors,
    parser: redirectStatus,
    default: '301',
    description: 'Status of a redirect.',
  },
  redirectMaxAgeS: {
    name: 'LAKH_REDIRECT_MAX_AGE_S',
    programs: redirectors,
    parser: integer(0, 86_400),
    default: '90',
    description: 'How long a browser may reuse a redirect, in seconds.',
  },
  l1TtlMs: {
    name: 'LAKH_L1_TTL_MS',
    programs: redirectors,
    parser: integer(0, 3_600_000),
    default: '5000',
    description: 'How long a link stays in the in-process cache, in milliseconds.',
  },
  l1MaxBytes: {
    name: 'LAKH_L1_MAX_BYTES',
    programs: redirectors,
    parser: integer(0, 17_179_869_184),
    default: '67108864',
    description: 'Size of the in-process cache, in bytes.',
  },
  l2TtlS: {
    name: 'LAKH_L2_TTL_S',
    programs: distributed,
    parser: integer(1, 2_592_000),
    default: '3600',
    description: 'How long a link stays in Redis, in seconds.',
  },
  l2DeadlineMs: {
    name: 'LAKH_L2_DEADLINE_MS',
    programs: distributed,
    parser: integer(1, 60_000),
    default: '100',
    description: 'Longest wait for Redis, in milliseconds.',
  },
  storeDeadlineMs: {
    name: 'LAKH_STORE_DEADLINE_MS',
    programs: [...distributed, tool],
    parser: integer(10, 60_000),
    default: '3000',
    description: 'Longest wait for the database, in milliseconds.',
  },
  leaseDeadlineMs: {
    name: 'LAKH_LEASE_DEADLINE_MS',
    programs: ['shorten', tool],
    parser: integer(10, 60_000),
    default: '3000',
    description:
      'How long a ZooKeeper node that does not answer may hold up leases, in milliseconds; a call to it is given up at half of it.',
  },
  leaseAttemptMs: {
    name: 'LAKH_LEASE_ATTEMPT_MS',
    programs: ['shorten', tool],
    parser: integer(100, 600_000),
    default: '10000',
    description:
      'How long one attempt to lease may take in all, in milliseconds; one that took longer is given up. A repair waits for it, so it has to be the same for all.',
  },
  urlMaxLength: {
    name: 'LAKH_URL_MAX_LENGTH',
    programs: creators,
    parser: integer(64, 8192),
    default: '2048',
    description: 'Longest target URL, in characters.',
  },
  trustedProxies: {
    name: 'LAKH_TRUSTED_PROXIES',
    programs: servers,
    parser: cidrList,
    description: 'Whose X-Forwarded-For and X-Request-Id are believed; without it nobody’s.',
  },
  maxInFlight: {
    name: 'LAKH_MAX_IN_FLIGHT',
    programs: servers,
    parser: integer(1, 1_000_000),
    default: '4096',
    description: 'Unfinished requests beyond which the server answers 503.',
  },
  maxConnections: {
    name: 'LAKH_MAX_CONNECTIONS',
    programs: servers,
    parser: integer(1, 1_000_000),
    default: '16384',
    description: 'Connections of the public listener beyond which new ones are closed.',
  },
  drainTimeoutMs: {
    name: 'LAKH_DRAIN_TIMEOUT_MS',
    programs: servers,
    parser: integer(0, 600_000),
    default: '10000',
    description: 'Longest wait for requests in flight when stopping, in milliseconds.',
  },
  serverId: {
    name: 'LAKH_SERVER_ID',
    programs: servers,
    parser: matching(/^[0-9A-Za-z._-]{1,64}$/, '1 to 64 of 0-9, A-Z, a-z, ., _ and -'),
    description: 'Name of this server in logs, leases and ZooKeeper; made from host, pid and chance when not set.',
  },
  workers: {
    name: 'LAKH_WORKERS',
    programs: servers,
    parser: integer(1, 1),
    default: '1',
    description: 'Processes to run, one a core. One is all there is for now; run more servers instead.',
  },
  logLevel: {
    name: 'LAKH_LOG_LEVEL',
    programs: servers,
    parser: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info',
    description: 'Least severe log line to write.',
  },
  restoreSkip: {
    name: 'LAKH_RESTORE_SKIP',
    programs: [tool],
    parser: integer(100_000, 1_000_000_000_000),
    default: '100000000',
    description: 'Counters that `lakh restore` skips: more than can have been issued since the copy was made.',
  },
  install: {
    name: 'LAKH_INSTALL',
    programs: ['stack', 'bench', 'test'],
    parser: boolean,
    default: 'true',
    description: 'Whether missing Debian packages may be installed.',
  },
  gatewayRate: {
    name: 'LAKH_GATEWAY_RATE',
    programs: ['stack'],
    parser: integer(1, 1_000_000),
    default: '100000',
    description: 'Requests a second that the stack’s gateway lets one client address make.',
  },
  k6: {
    name: 'LAKH_K6',
    programs: ['loadtest'],
    parser: text('a program'),
    description: 'The k6 binary; else k6 of the PATH.',
  },
} as const satisfies Record<string, SettingDefinition>;

type Registry = typeof settingsRegistry;
type ValueOf<D extends SettingDefinition, P extends Program> =
  D['parser'] extends Parser<infer T>
    ? D extends { optionalFor: readonly (infer Q)[] }
      ? [P] extends [Exclude<Program, Q>]
        ? T
        : T | undefined
      : D extends { default: string } | { required: true }
        ? T
        : T | undefined
    : never;

/** What {@link loadSettings} gives program `P`: only the settings that apply to it. */
export type Settings<P extends Program> = {
  readonly [K in keyof Registry as [P] extends [Registry[K]['programs'][number]] ? K : never]: ValueOf<Registry[K], P>;
};

/** The registry as a list, in the order of the documentation. */
export function listSettings(program?: Program): readonly (SettingDefinition & { readonly key: string })[] {
  return Object.entries<SettingDefinition>(settingsRegistry)
    .filter(([, definition]) => program === undefined || definition.programs.includes(program))
    .map(([key, definition]) => ({ key, ...definition }));
}
