import { type HostPort, parseHostPort } from '@lakh/settings';
import { TLS_OPTIONS, type TlsMode, type TlsOptions, tlsOptionsOf, unknownOption } from '@lakh/tls';
import { InvalidRedisUrlError } from './errors.js';
import type { NodeAddress } from './node.js';

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** What an address says. Credentials and database are those of the servers that hold the data; TLS is for all. */
export type RedisTarget = Credentials & { readonly tls?: TlsOptions } & (
    | { readonly kind: 'single'; readonly node: NodeAddress; readonly database: number }
    | {
        readonly kind: 'sentinel';
        readonly nodes: readonly HostPort[];
        /** The name that the sentinels know the master by. */
        readonly name: string;
        readonly database: number;
        /** What the sentinels themselves ask for. */
        readonly sentinel?: Credentials;
      }
    | { readonly kind: 'cluster'; readonly nodes: readonly HostPort[] }
  );

const FORMS =
  'redis://host:6379/0, unix:///run/redis/redis.sock?db=0, redis+sentinel://host1:26379,host2,host3/name or redis+cluster://host1:6379,host2,host3, each with user:password@ before the hosts if needed; with TLS rediss://, rediss+sentinel://, rediss+cluster://';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

const SENTINEL_OPTIONS = ['sentinel-username', 'sentinel-password'] as const;
type Option = (typeof TLS_OPTIONS)[number] | (typeof SENTINEL_OPTIONS)[number] | 'db';
type Options = Readonly<Partial<Record<Option, string>>>;

interface Parts {
  readonly hosts: string;
  /** What comes after the hosts, without its `/`. */
  readonly path: string;
  readonly credentials: Credentials;
  readonly options: Options;
  readonly secured: { readonly tls?: TlsOptions };
}

/**
 * Reads an address of one of the forms. User, password, the master's name, paths and what comes behind the `?` are percent-decoded.
 *
 * @throws InvalidRedisUrlError that says what is wrong and shows no part of the address
 */
export function parseRedisUrl(url: string): RedisTarget {
  const match = /^([a-z+]+):\/\/(?:([^/]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url);
  if (match === null) throw new InvalidRedisUrlError(`not an address of Redis: expected ${FORMS}`);
  const [, scheme = '', userinfo, hosts = '', path = '', query = ''] = match;
  const isSecure = scheme.startsWith('rediss');
  const kind = isSecure ? scheme.replace('rediss', 'redis') : scheme;
  const form = FORMS_BY_KIND.get(kind);
  if (form === undefined) throw new InvalidRedisUrlError(`unknown kind of address: expected ${FORMS}`);
  const options = parseOptions(query, isSecure ? [...form.options, ...TLS_OPTIONS] : form.options);
  return form.read({
    hosts,
    path,
    credentials: userinfo === undefined ? {} : parseUserinfo(userinfo),
    options,
    secured: isSecure ? { tls: parseTls(options) } : {},
  });
}

interface Form {
  readonly options: readonly Option[];
  readonly read: (parts: Parts) => RedisTarget;
}

const FORMS_BY_KIND: ReadonlyMap<string, Form> = new Map([
  ['redis', { options: [], read: readSingle }],
  ['unix', { options: ['db'], read: readUnix }],
  ['redis+sentinel', { options: SENTINEL_OPTIONS, read: readSentinel }],
  ['redis+cluster', { options: [], read: readCluster }],
]);

function readSingle({ hosts, path, credentials, secured }: Parts): RedisTarget {
  const [node, ...more] = parseNodes(hosts, REDIS_PORT);
  if (node === undefined || more.length > 0)
    throw new InvalidRedisUrlError('several hosts need redis+sentinel:// or redis+cluster:// before them');
  return { kind: 'single', node, database: parseDatabase(path), ...secured, ...credentials };
}

function readUnix({ hosts, path, credentials, options }: Parts): RedisTarget {
  if (hosts !== '' || path === '')
    throw new InvalidRedisUrlError(
      'unix:// is followed by the absolute path of a socket: unix:///run/redis/redis.sock',
    );
  const node = { path: decode(`/${path}`) };
  return { kind: 'single', node, database: parseDatabase(options.db ?? ''), ...credentials };
}

function readSentinel({ hosts, path, credentials, options, secured }: Parts): RedisTarget {
  const [name = '', database = '', ...rest] = path.split('/');
  if (name === '' || rest.length > 0)
    throw new InvalidRedisUrlError(
      'a Sentinel address ends with the name of the master: redis+sentinel://h1,h2,h3/name, or …/name/database',
    );
  const { 'sentinel-username': username, 'sentinel-password': password } = options;
  if (username !== undefined && password === undefined)
    throw new InvalidRedisUrlError('there is a sentinel-username but no sentinel-password');
  return {
    kind: 'sentinel',
    nodes: parseNodes(hosts, SENTINEL_PORT),
    name: decode(name),
    database: parseDatabase(database),
    ...(password !== undefined && { sentinel: { ...(username !== undefined && { username }), password } }),
    ...secured,
    ...credentials,
  };
}

function readCluster({ hosts, path, credentials, secured }: Parts): RedisTarget {
  if (path !== '') throw new InvalidRedisUrlError('a Cluster has one database: nothing comes after its hosts');
  return { kind: 'cluster', nodes: parseNodes(hosts, REDIS_PORT), ...secured, ...credentials };
}

function parseUserinfo(userinfo: string): Credentials {
  const colon = userinfo.indexOf(':');
  const username = decode(colon < 0 ? userinfo : userinfo.slice(0, colon));
  const password = colon < 0 ? '' : decode(userinfo.slice(colon + 1));
  if (password === '') throw new InvalidRedisUrlError('there is a user but no password before the @');
  return username === '' ? { password } : { username, password };
}

function parseNodes(hosts: string, defaultPort: number): HostPort[] {
  return hosts.split(',').map((text, index) => {
    const node = parseHostPort(text, defaultPort);
    if (node === undefined || node.port === 0) {
      throw new InvalidRedisUrlError(`host ${index + 1} is not host or host:port`);
    }
    return node;
  });
}

function parseDatabase(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,5}$/.test(text)) throw new InvalidRedisUrlError('the database is not a number');
  return Number(text);
}

function parseOptions(query: string, mayHave: readonly Option[]): Options {
  const options: Partial<Record<Option, string>> = {};
  for (const part of query === '' ? [] : query.split('&')) {
    const equals = part.indexOf('=');
    const given = part.slice(0, Math.max(0, equals));
    const name = mayHave.find((known) => known === given);
    if (name === undefined) throw new InvalidRedisUrlError(noneOf(mayHave, unknownOption(query, given, mayHave)));
    const value = decode(part.slice(equals + 1));
    if (value === '') throw new InvalidRedisUrlError(`${name} has no value`);
    if (options[name] !== undefined) throw new InvalidRedisUrlError(`${name} is given twice`);
    options[name] = value;
  }
  return options;
}

function noneOf(mayHave: readonly Option[], which: string): string {
  const known = mayHave.length === 0 ? 'nothing may come there' : `known are ${mayHave.join(', ')}`;
  return `an option ${which === '' ? '' : `${which} `}behind the ? is unknown for this kind of address: ${known} (those of TLS need rediss; a ? in a password is written %3F)`;
}

const MODES: readonly TlsMode[] = ['verify-identity', 'verify-ca', 'required'];

/** The names are those of the database's members. */
function parseTls(options: Options): TlsOptions {
  const mode = MODES.find((known) => known === (options['ssl-mode'] ?? 'verify-identity'));
  if (mode === undefined) throw new InvalidRedisUrlError(`ssl-mode is none of ${MODES.join(', ')}`);
  return tlsOptionsOf(mode, options, (what) => {
    throw new InvalidRedisUrlError(`there is ${what}`);
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidRedisUrlError('a % is not followed by two hexadecimal digits');
  }
}
