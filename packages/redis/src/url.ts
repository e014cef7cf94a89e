import { type HostPort, parseHostPort } from '@lakh/settings';
import { InvalidRedisUrlError } from './errors.js';

interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** What an address says. Credentials are for the data nodes; sentinels are asked without any. */
export type RedisTarget = Credentials &
  (
    | { readonly kind: 'single'; readonly tls: boolean; readonly node: HostPort; readonly database: number }
    | {
        readonly kind: 'sentinel';
        readonly nodes: readonly HostPort[];
        /** The name that the sentinels know the master by. */
        readonly name: string;
        readonly database: number;
      }
    | { readonly kind: 'cluster'; readonly nodes: readonly HostPort[] }
  );

const FORMS =
  'redis://host:6379/0, rediss://…, redis+sentinel://host1:26379,host2,host3/name or redis+cluster://host1:6379,host2,host3, each with user:password@ before the hosts if needed';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

/**
 * Reads an address of one of the four forms. User and password are percent-decoded.
 *
 * @throws InvalidRedisUrlError that says what is wrong and shows no part of the address
 */
export function parseRedisUrl(url: string): RedisTarget {
  const parts = /^([a-z+]+):\/\/(?:([^/]*)@)?([^/?#]*)(?:\/([^?#]*))?$/.exec(url);
  if (parts === null) throw new InvalidRedisUrlError(`not an address of Redis: expected ${FORMS}`);
  const [, scheme, userinfo, hosts = '', path = ''] = parts;
  const credentials = userinfo === undefined ? {} : parseUserinfo(userinfo);
  switch (scheme) {
    case 'redis':
    case 'rediss': {
      const nodes = parseNodes(hosts, REDIS_PORT);
      if (nodes.length > 1) {
        throw new InvalidRedisUrlError('several hosts need redis+sentinel:// or redis+cluster:// before them');
      }
      return {
        kind: 'single',
        tls: scheme === 'rediss',
        node: nodes[0]!,
        database: parseDatabase(path),
        ...credentials,
      };
    }
    case 'redis+sentinel': {
      const [name = '', database = '', ...rest] = path.split('/');
      if (name === '' || rest.length > 0) {
        throw new InvalidRedisUrlError(
          'a Sentinel address ends with the name of the master: redis+sentinel://h1,h2,h3/name',
        );
      }
      const nodes = parseNodes(hosts, SENTINEL_PORT);
      return { kind: 'sentinel', nodes, name: decode(name), database: parseDatabase(database), ...credentials };
    }
    case 'redis+cluster':
      if (path !== '') throw new InvalidRedisUrlError('a Cluster has one database: nothing comes after its hosts');
      return { kind: 'cluster', nodes: parseNodes(hosts, REDIS_PORT), ...credentials };
    default:
      throw new InvalidRedisUrlError(`unknown kind of address: expected ${FORMS}`);
  }
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

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidRedisUrlError('a % is not followed by two hexadecimal digits');
  }
}
