import { constants } from 'node:os';
import type { ParseArgsConfig } from 'node:util';
import { UsageError } from '../errors.js';
import { MAX_SERVERS } from '../stack/layout.js';
import { DATABASES, type DatabaseKind, REDISES, type RedisKind } from '../stack/state.js';
import { FLAG, parseOptions, TEXT, wholeNumber } from './command-line.js';
import { VERBS, type Verb } from './help.js';

const DEFAULT_DIR = './.stack';
const DEFAULT_LOG_LINES = '50';
const MAX_LOG_LINES = 100_000;
/** An ensemble of an even number of nodes bears no more losses than one of a node less. */
const MAX_ZOOKEEPERS = 9;

/** What was asked for, checked as far as that is possible without looking at the stack. */
export type Command =
  | { readonly verb: 'help'; readonly of?: Verb }
  | {
      readonly verb: 'up';
      readonly dir: string;
      readonly isDetached: boolean;
      readonly layout: {
        readonly shorten?: number;
        readonly redirect?: number;
        readonly zookeeper?: number;
        readonly port?: number;
        readonly db?: DatabaseKind;
        readonly redis?: RedisKind;
      };
    }
  | { readonly verb: 'status'; readonly dir: string; readonly isJson: boolean }
  | {
      readonly verb: 'logs';
      readonly dir: string;
      readonly name: string;
      readonly isFollowing: boolean;
      readonly lines: number;
    }
  | { readonly verb: 'kill'; readonly dir: string; readonly name: string; readonly signal: NodeJS.Signals }
  | { readonly verb: 'reshard'; readonly dir: string; readonly name: string | undefined }
  | { readonly verb: 'promote'; readonly dir: string; readonly name: string }
  | { readonly verb: 'start' | 'restart'; readonly dir: string; readonly names: readonly string[] }
  | {
      readonly verb: 'scale';
      readonly dir: string;
      readonly targets: { readonly shorten?: number; readonly redirect?: number };
    }
  | { readonly verb: 'env'; readonly dir: string }
  | { readonly verb: 'down'; readonly dir: string; readonly isWiping: boolean };

type Options = NonNullable<ParseArgsConfig['options']>;

const COMMON: Options = {
  dir: { ...TEXT, default: DEFAULT_DIR },
  help: { ...FLAG, short: 'h' },
};

const OPTIONS: Readonly<Record<Verb, Options>> = {
  up: {
    detach: { ...FLAG, short: 'd' },
    shorten: TEXT,
    redirect: TEXT,
    zookeeper: TEXT,
    db: TEXT,
    redis: TEXT,
    port: TEXT,
  },
  status: { json: FLAG },
  logs: { follow: { ...FLAG, short: 'f' }, lines: { ...TEXT, short: 'n', default: DEFAULT_LOG_LINES } },
  kill: { signal: { ...TEXT, short: 's', default: 'SIGKILL' } },
  start: {},
  restart: {},
  promote: {},
  reshard: {},
  scale: {},
  env: {},
  down: { wipe: FLAG },
};

/** Reads a command line (without the program's name). Throws {@link UsageError}. */
export function parseCommand(argv: readonly string[]): Command {
  const [first, ...rest] = argv;
  if (first === undefined || first === '--help' || first === '-h') return { verb: 'help' };
  if (first === 'help') return rest[0] === undefined ? { verb: 'help' } : { verb: 'help', of: verbOf(rest[0]) };
  const verb = verbOf(first);
  const { values, positionals } = parseOptions(rest, { ...COMMON, ...OPTIONS[verb] });
  if (values.help === true) return { verb: 'help', of: verb };
  const dir = String(values.dir);
  if (dir === '' || dir.includes('\0')) throw new UsageError('--dir needs the name of a folder');
  switch (verb) {
    case 'up':
      takes(verb, positionals, 0, 0);
      return {
        verb,
        dir,
        isDetached: values.detach === true,
        layout: {
          ...given('shorten', values.shorten, 1, MAX_SERVERS),
          ...given('redirect', values.redirect, 1, MAX_SERVERS),
          ...given('zookeeper', values.zookeeper, 1, MAX_ZOOKEEPERS),
          ...(values.db === undefined ? {} : { db: kindOf('--db', DATABASES, String(values.db)) }),
          ...(values.redis === undefined ? {} : { redis: kindOf('--redis', REDISES, String(values.redis)) }),
          ...given('port', values.port, 1, 65_535),
        },
      };
    case 'status':
      takes(verb, positionals, 0, 0);
      return { verb, dir, isJson: values.json === true };
    case 'logs':
      takes(verb, positionals, 1, 1);
      return {
        verb,
        dir,
        name: positionals[0] as string,
        isFollowing: values.follow === true,
        lines: wholeNumber('--lines', String(values.lines), 0, MAX_LOG_LINES),
      };
    case 'kill':
      takes(verb, positionals, 1, 1);
      return { verb, dir, name: positionals[0] as string, signal: signalOf(String(values.signal)) };
    case 'reshard':
      takes(verb, positionals, 0, 1);
      return { verb, dir, name: positionals[0] };
    case 'promote':
      takes(verb, positionals, 1, 1);
      return { verb, dir, name: positionals[0] as string };
    case 'start':
    case 'restart':
      takes(verb, positionals, 1, Number.POSITIVE_INFINITY);
      return { verb, dir, names: positionals };
    case 'scale':
      takes(verb, positionals, 1, 2);
      return { verb, dir, targets: targetsOf(positionals) };
    case 'env':
      takes(verb, positionals, 0, 0);
      return { verb, dir };
    case 'down':
      takes(verb, positionals, 0, 0);
      return { verb, dir, isWiping: values.wipe === true };
  }
}

function verbOf(text: string): Verb {
  if ((VERBS as readonly string[]).includes(text)) return text as Verb;
  throw new UsageError(`no verb ${JSON.stringify(text)}; there are ${VERBS.join(', ')}`);
}

function kindOf<T extends string>(option: string, kinds: readonly T[], text: string): T {
  const kind = kinds.find((known) => known === text);
  if (kind === undefined) throw new UsageError(`${option} ${JSON.stringify(text)} is not one of ${kinds.join(', ')}`);
  return kind;
}

function takes(verb: Verb, positionals: readonly string[], least: number, most: number): void {
  if (positionals.length < least) throw new UsageError(`${verb}: something is missing; see ${verb} --help`);
  if (positionals.length > most) throw new UsageError(`${verb}: too much: ${positionals.slice(most).join(' ')}`);
}

function given<K extends string>(name: K, value: unknown, least: number, most: number): { readonly [P in K]?: number } {
  if (value === undefined) return {};
  return { [name]: wholeNumber(`--${name}`, String(value), least, most) } as { readonly [P in K]?: number };
}

/** `SIGTERM`, `TERM` or `term`. */
function signalOf(text: string): NodeJS.Signals {
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  if (Object.hasOwn(constants.signals, name)) return name as NodeJS.Signals;
  throw new UsageError(`no signal ${JSON.stringify(text)}`);
}

function targetsOf(positionals: readonly string[]): { shorten?: number; redirect?: number } {
  const targets: { shorten?: number; redirect?: number } = {};
  for (const text of positionals) {
    const [, role, count] = /^(shorten|redirect)=(.*)$/s.exec(text) ?? [];
    if (role === undefined) throw new UsageError(`scale: ${JSON.stringify(text)} is not shorten=N or redirect=N`);
    if (targets[role as 'shorten' | 'redirect'] !== undefined) throw new UsageError(`scale: ${role} is given twice`);
    targets[role as 'shorten' | 'redirect'] = wholeNumber(role, String(count), 1, MAX_SERVERS);
  }
  return targets;
}
