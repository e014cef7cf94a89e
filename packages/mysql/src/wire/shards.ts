import { InvalidShardsError } from './errors.js';

/** One database server that holds a copy of a shard. */
export interface Member {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** The members of one shard; the first is the primary as long as there is only one. */
export type ShardSpec = readonly Member[];

const DEFAULT_PORT = 3306;
/** What needs no quoting in a database's name; nothing else is worth the trouble. */
const DATABASE = /^[0-9A-Za-z_$-]{1,64}$/;

/** `host:port/database`, for people: carries neither user nor password. */
export function memberName({ host, port, database }: Member): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
}

/**
 * Reads `LAKH_SHARDS`: shards apart by white space, members by commas, each `mysql://user:password@host:port/database`.
 * User, password and database are percent-decoded, so that a comma, a blank, `@`, `:` or `/` in one is written in that way.
 * Throws {@link InvalidShardsError}, which names the member by its place and never repeats what was written there.
 */
export function parseShards(text: string): readonly ShardSpec[] {
  const shards = text.split(/\s+/).filter((shard) => shard !== '');
  if (shards.length === 0) throw new InvalidShardsError('no shard is given');
  return shards.map((shard, s) =>
    shard.split(',').map((member, m) => parseMember(member, `shard ${s + 1}, member ${m + 1}`)),
  );
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

/** How many buckets codes hash to; shards own buckets, and a shard is split by giving half of its buckets away. */
export const BUCKETS = 1024;

/**
 * The bucket of a code, 0 … 1,023: FNV-1a (32 bits) over the domain's id in decimal, a colon and the code (ASCII), its upper bits
 * folded into the lower ten. Stored placement depends on it: never change it.
 */
export function bucketOf(domainId: number, code: string): number {
  const key = `${domainId}:${code}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash >>>= 0;
  return (hash ^ (hash >>> 10) ^ (hash >>> 20)) & (BUCKETS - 1);
}

/** Tells which of several shards a code lives on. */
export interface ShardRouter<T> {
  /** The shard of global tables: settings, the ledger. */
  readonly first: T;
  readonly all: readonly T[];
  of(domainId: number, code: string): T;
}

/** A router over the only shard there is. */
export function routeToOne<T>(shard: T): ShardRouter<T> {
  return { first: shard, all: [shard], of: () => shard };
}
