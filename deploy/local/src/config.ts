import { SettingError } from './errors.js';

/** Where Debian puts servers; a plain user's PATH often lacks the sbin folders. Server plans use exactly this. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Requests a second of one client address; far above what loopback clients reach, so that load tests are not limited. */
const DEFAULT_GATEWAY_RATE = 100_000;

/** Settings of these programs themselves: never passed to a Lakh server. */
const OWN = new Set(['LAKH_INSTALL', 'LAKH_GATEWAY_RATE', 'LAKH_K6']);

/** Settings that the stack decides for its servers: addresses, folders, identities and who is trusted. */
const DECIDED = new Set([
  'LAKH_LISTEN',
  'LAKH_ADMIN_LISTEN',
  'LAKH_PUBLIC_URL',
  'LAKH_DATA_DIR',
  'LAKH_ZOOKEEPER',
  'LAKH_SHARDS',
  'LAKH_SHARDS_FILE',
  'LAKH_REDIS',
  'LAKH_REDIS_FILE',
  'LAKH_TRUSTED_PROXIES',
  'LAKH_SERVER_ID',
]);

export interface LocalSettings {
  /** False with LAKH_INSTALL=0: missing Debian packages are named, not installed. */
  readonly installAllowed: boolean;
  /** Folders of executables: the user's PATH, then Debian's. */
  readonly searchPath: readonly string[];
  /** LAKH_GATEWAY_RATE: requests a second of one client address. */
  readonly gatewayRatePerS: number;
  /** LAKH_… settings that reach the servers. */
  readonly serverSettings: Readonly<Record<string, string>>;
  /** Names that are set, and that the stack decides itself: to be warned about. */
  readonly ignoredSettings: readonly string[];
  /** For Node's own switches, such as a profiler. */
  readonly nodeOptions: string | undefined;
  /** Run by `npm run`, whose death does not reach this process as a signal. */
  readonly underNpm: boolean;
}

/** Reads the environment once. Throws {@link SettingError} for a value that it cannot use. */
export function readSettings(env: Readonly<Record<string, string | undefined>> = process.env): LocalSettings {
  const lakh = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[0].startsWith('LAKH_') && entry[1] !== undefined,
  );
  return Object.freeze({
    installAllowed: flag('LAKH_INSTALL', env.LAKH_INSTALL, true),
    searchPath: [...new Set(`${env.PATH ?? ''}:${SYSTEM_PATH}`.split(':').filter((dir) => dir.startsWith('/')))],
    gatewayRatePerS: gatewayRate(env.LAKH_GATEWAY_RATE),
    serverSettings: Object.freeze(Object.fromEntries(lakh.filter(([name]) => !OWN.has(name) && !DECIDED.has(name)))),
    ignoredSettings: lakh.map(([name]) => name).filter((name) => DECIDED.has(name)),
    nodeOptions: env.NODE_OPTIONS || undefined,
    underNpm: env.npm_lifecycle_event !== undefined,
  });
}

function flag(name: string, value: string | undefined, otherwise: boolean): boolean {
  if (value === undefined || value === '') return otherwise;
  if (value === '0' || value === 'false') return false;
  if (value === '1' || value === 'true') return true;
  throw new SettingError(`${name}=${value}: must be 0 or 1`);
}

function gatewayRate(value: string | undefined): number {
  if (value === undefined || value === '') return DEFAULT_GATEWAY_RATE;
  if (/^\d{1,7}$/.test(value) && Number(value) >= 1 && Number(value) <= 1_000_000) return Number(value);
  throw new SettingError(`LAKH_GATEWAY_RATE=${value}: must be a whole number of requests a second from 1 to 1000000`);
}
