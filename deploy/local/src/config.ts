import { defineProgram, type Environment, loadSettings } from '@lakh/settings';
import { installSettings, stackSettings } from './settings.js';

export const stack = defineProgram({ name: 'stack', settings: stackSettings });
/** `npm test`, which needs the servers too. */
export const tests = defineProgram({ name: 'test', settings: installSettings });

/** Where Debian puts servers; a plain user's PATH often lacks the sbin folders. Server plans use exactly this. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Settings of these programs themselves: never passed to a Lakh server. */
const OWN = new Set([
  'LAKH_INSTALL',
  'LAKH_VITESS',
  'LAKH_GATEWAY_RATE',
  'LAKH_GATEWAY_REQUESTS',
  'LAKH_K6',
  'LAKH_TOKEN',
]);

/** Settings that the stack decides for its servers: addresses, folders, identities and who is trusted. */
const DECIDED = new Set([
  'LAKH_LISTEN',
  'LAKH_ADMIN_LISTEN',
  'LAKH_PUBLIC_URL',
  'LAKH_DATA_DIR',
  'LAKH_ZOOKEEPER',
  'LAKH_ZOOKEEPER_AUTH',
  'LAKH_ZOOKEEPER_AUTH_FILE',
  'LAKH_DATABASE',
  'LAKH_DATABASE_FILE',
  'LAKH_REDIS',
  'LAKH_REDIS_FILE',
  'LAKH_TRUSTED_PROXIES',
  'LAKH_SERVER_ID',
  'LAKH_RUN_AS',
]);

/** What finding and installing servers and tools depends on. */
export interface InstallSettings {
  /** Without it missing Debian packages are named, not installed. */
  readonly installAllowed: boolean;
  /** Folders of executables: the user's PATH, then Debian's. */
  readonly searchPath: readonly string[];
  /** The folder of Vitess's programs, where somebody has named it. */
  readonly vitess: string | undefined;
  /** What a compiler gets: proxies, caches and certificates are the user's own. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface LocalSettings extends InstallSettings {
  /** Requests a second of one client address. */
  readonly gatewayRatePerS: number;
  /** In progress, of one client. */
  readonly gatewayRequests: number;
  /** LAKH_… settings that reach the servers. */
  readonly serverSettings: Readonly<Record<string, string>>;
  /** Names that are set, and that the stack decides itself: to be warned about. */
  readonly ignoredSettings: readonly string[];
  /** For Node's own switches, such as a profiler. */
  readonly nodeOptions: string | undefined;
  /** Run by `npm run`, whose death does not reach this process as a signal. */
  readonly underNpm: boolean;
}

/** @throws SettingsError for a value that cannot be used */
export function readInstallSettings(env: Environment = process.env): InstallSettings {
  const { install, vitess } = loadSettings(tests, env);
  return {
    installAllowed: install,
    searchPath: [...new Set(`${env.PATH ?? ''}:${SYSTEM_PATH}`.split(':').filter((dir) => dir.startsWith('/')))],
    vitess,
    environment: Object.fromEntries(
      Object.entries(env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('LAKH_'),
      ),
    ),
  };
}

/** Reads the environment once. Judges no name: the servers do. @throws SettingsError for a value that cannot be used */
export function readSettings(env: Environment = process.env): LocalSettings {
  const lakh = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[0].startsWith('LAKH_') && entry[1] !== undefined,
  );
  const { gatewayRate, gatewayRequests } = loadSettings(stack, env);
  return Object.freeze({
    gatewayRatePerS: gatewayRate,
    gatewayRequests,
    ...readInstallSettings(env),
    serverSettings: Object.freeze(Object.fromEntries(lakh.filter(([name]) => !OWN.has(name) && !DECIDED.has(name)))),
    ignoredSettings: lakh.map(([name]) => name).filter((name) => DECIDED.has(name)),
    nodeOptions: env.NODE_OPTIONS || undefined,
    underNpm: env.npm_lifecycle_event !== undefined,
  });
}
