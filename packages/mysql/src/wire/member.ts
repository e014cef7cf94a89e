import { formatAddress } from '@lakh/settings';
import { TLS_OPTIONS, type TlsOptions, unknownOption } from '@lakh/tls';
import { InvalidDatabaseError } from './errors.js';
import { parseTls } from './tls.js';

/** One database server, and as whom it is used. */
export interface Member {
  readonly host: string;
  readonly port: number;
  /** The unix socket to connect to, instead of host and port. */
  readonly socketPath?: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Undefined: without TLS. */
  readonly tls?: TlsOptions;
}

export const MEMBER_FORM = 'mysql://user:password@host:port/database';

const DEFAULT_PORT = 3306;
/** What needs no quoting in a database's name; nothing else is worth the trouble. */
const DATABASE = /^[0-9A-Za-z_$-]{1,64}$/;

/** `host:port/database`, for people: carries neither user nor password. */
export function memberName(member: Member): string {
  const address = member.socketPath === undefined ? formatAddress(member) : `unix:${member.socketPath}`;
  return `${address}/${member.database}`;
}

/**
 * Reads `LAKH_DATABASE`: members by commas, each `mysql://user:password@host:port/database`. User, password and database are percent-decoded, so
 * that a comma, a blank, `@`, `:` or `/` in one is written in that way. Behind a `?` may come `socket`, and what {@link parseTls} reads.
 * Throws {@link InvalidDatabaseError}, which names the member by its place and never repeats what was written there.
 */
export function parseDatabase(text: string): readonly Member[] {
  if (text.trim() === '') throw new InvalidDatabaseError('no member is given');
  const texts = text.split(',').map((member) => member.trim());
  // First of all: a comma in a password makes two of one, of which nothing may be said.
  for (const [index, member] of texts.entries()) checkIsUrl(member, placeOf(index));
  const members = texts.map((member, index) => parseMember(new URL(member), placeOf(index)));
  const names = members.map(memberName);
  names.forEach((name, index) => {
    const first = names.indexOf(name);
    if (first < index) throw new InvalidDatabaseError(`members ${first + 1} and ${index + 1} are the same server`);
  });
  const other = members.findIndex(({ database }) => database !== members[0]?.database);
  if (other > 0)
    throw new InvalidDatabaseError(
      `members 1 and ${other + 1} name different databases: members are servers of one database, which has one name on all of them`,
    );
  return members;
}

/** For what works on one server alone. */
export function onlyMember([member, ...more]: readonly Member[]): Member {
  if (member === undefined || more.length > 0)
    throw new InvalidDatabaseError(`${1 + more.length} members are given; this uses one`);
  return member;
}

const placeOf = (index: number) => `member ${index + 1}`;

function checkIsUrl(text: string, place: string): void {
  const why = /\s/.test(text)
    ? 'has white space in it (members are set apart by commas; a blank is written %20)'
    : URL.canParse(text)
      ? ''
      : `is not a URL of the form ${MEMBER_FORM}`;
  if (why !== '') throw new InvalidDatabaseError(`${place}: ${why}`);
}

function parseMember(url: URL, place: string): Member {
  const fail = (what: string): never => {
    throw new InvalidDatabaseError(`${place}: ${what}`);
  };
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') return fail('does not start with mysql://');
  if (url.hash !== '') return fail('has a fragment (a # is written %23)');
  const decode = (part: string, what: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      return fail(`has a ${what} that is not percent-encoded correctly`);
    }
  };
  const options = parseOptions(url, fail);
  const { socket: socketPath } = options;
  if (socketPath !== undefined && !socketPath.startsWith('/')) return fail('has a socket that is no absolute path');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (socketPath !== undefined && (host !== 'localhost' || url.port !== ''))
    return fail('has a socket, and another host than localhost, or a port');
  const tls = parseTls(options, host, fail);
  if (socketPath !== undefined && tls !== undefined) return fail('has a socket, which needs no ssl-mode');
  const member: Member = {
    host,
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    ...(socketPath === undefined ? {} : { socketPath }),
    user: decode(url.username, 'user'),
    password: decode(url.password, 'password'),
    database: decode(url.pathname.slice(1), 'database'),
    ...(tls === undefined ? {} : { tls }),
  };
  if (member.host === '') return fail('has no host');
  if (member.port === 0) return fail('has port 0');
  if (member.user === '') return fail('has no user');
  if (!DATABASE.test(member.database))
    return fail('has no database, or one with other characters than 0-9 A-Z a-z _ $ -');
  return member;
}

/** What may come behind the `?` of a member. */
const OPTIONS = ['socket', ...TLS_OPTIONS] as const;
type MemberOptions = Readonly<Partial<Record<(typeof OPTIONS)[number], string>>>;

function parseOptions({ search, searchParams }: URL, fail: (what: string) => never): MemberOptions {
  const options: Record<string, string> = {};
  for (const [name, value] of searchParams) {
    if (!OPTIONS.some((known) => known === name)) {
      const which = unknownOption(search, name, OPTIONS);
      return fail(
        `has an option ${which === '' ? '' : `${which} `}behind its ? that is none of ${OPTIONS.join(', ')} (a ? in a name or password is written %3F)`,
      );
    }
    if (value === '') return fail(`has ${name} without a value`);
    if (name in options) return fail(`has ${name} twice`);
    options[name] = value;
  }
  return options;
}
