import { formatAddress } from '@lakh/settings';
import { InvalidShardsError } from './errors.js';

/** One database server. */
export interface Member {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

const DEFAULT_PORT = 3306;
/** What needs no quoting in a database's name; nothing else is worth the trouble. */
const DATABASE = /^[0-9A-Za-z_$-]{1,64}$/;

/** `host:port/database`, for people: carries neither user nor password. */
export function memberName(member: Member): string {
  return `${formatAddress(member)}/${member.database}`;
}

/**
 * Reads `LAKH_SHARDS`: shards apart by white space, members by commas, each `mysql://user:password@host:port/database`; this release
 * uses one member of one shard. User, password and database are percent-decoded, so that a comma, a blank, `@`, `:` or `/` in one is
 * written in that way. Throws {@link InvalidShardsError}, which names the member by its place and never repeats what was written there.
 */
export function parseDatabase(text: string): Member {
  const shards = text
    .split(/\s+/)
    .filter((shard) => shard !== '')
    .map((shard, s) => shard.split(',').map((member, m) => parseMember(member, `shard ${s + 1}, member ${m + 1}`)));
  const [[member, ...replicas] = [], ...more] = shards;
  if (!member) throw new InvalidShardsError('no shard is given');
  if (more.length > 0) throw new InvalidShardsError(`${shards.length} shards are given; this release uses one`);
  if (replicas.length > 0) {
    throw new InvalidShardsError(`a shard of ${replicas.length + 1} members is given; this release uses one member`);
  }
  return member;
}

function parseMember(text: string, place: string): Member {
  const fail = (what: string): never => {
    throw new InvalidShardsError(`${place}: ${what}`);
  };
  if (!URL.canParse(text)) return fail('is not a URL of the form mysql://user:password@host:port/database');
  const url = new URL(text);
  if (url.protocol !== 'mysql:') return fail('does not start with mysql://');
  if (url.search !== '' || url.hash !== '') return fail('has a query or a fragment (a ? or # is written %3F or %23)');
  const decode = (part: string, what: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      return fail(`has a ${what} that is not percent-encoded correctly`);
    }
  };
  const member: Member = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user: decode(url.username, 'user'),
    password: decode(url.password, 'password'),
    database: decode(url.pathname.slice(1), 'database'),
  };
  if (member.host === '') return fail('has no host');
  if (member.port === 0) return fail('has port 0');
  if (member.user === '') return fail('has no user');
  if (!DATABASE.test(member.database))
    return fail('has no database, or one with other characters than 0-9 A-Z a-z _ $ -');
  return member;
}
