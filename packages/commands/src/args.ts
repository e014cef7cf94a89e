import { parseArgs } from 'node:util';
import { usageReason } from '@lakh/process';
import { COMMANDS, type CommandDefinition, type CommandName, type OptionDefinition } from './commands.js';
import { commandHelp, generalHelp } from './help.js';

export interface Invocation {
  readonly command: CommandName;
  readonly argument: string;
  readonly flags: ReadonlySet<string>;
  readonly counts: ReadonlyMap<string, number>;
  readonly texts: ReadonlyMap<string, string>;
  readonly json: boolean;
}

/** Something to print instead of running. */
export interface Printout {
  readonly exitCode: 0 | 2;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** @param argv what follows the program's name */
export function parseInvocation(argv: readonly string[], version: string): Invocation | Printout {
  const words = argv.filter((word) => !word.startsWith('-'));
  if (argv.length === 0 || words[0] === 'help') return printout(generalHelp(), argv.length > 0);
  const command = COMMANDS.find(({ name }) => name.split(' ').every((word, i) => words[i] === word));
  const asksForHelp = argv.some((word) => word === '--help' || word === '-h');
  if (command === undefined) {
    if (argv[0] === '--version' || argv[0] === '-v') return printout(`lakh ${version}\n`, true);
    if (asksForHelp) return printout(generalHelp(), true);
    return usageError(unknown(words, argv), undefined);
  }
  if (asksForHelp) return printout(commandHelp(command), true);
  try {
    return invocationOf(command, argv);
  } catch (error) {
    return usageError(usageReason(error), command);
  }
}

function unknown(words: readonly string[], argv: readonly string[]): string {
  const [first] = words;
  const second = COMMANDS.flatMap(({ name }) =>
    name.startsWith(`${first} `) ? [name.slice(name.indexOf(' ') + 1)] : [],
  );
  const typed = words.slice(0, 2).join(' ') || argv.join(' ');
  return `unknown command: ${typed}${second.length === 0 ? '' : `: ${first} is followed by ${second.join(', ')}`}`;
}

function invocationOf(command: CommandDefinition, argv: readonly string[]): Invocation {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type }]) => [
      name,
      { type: type === 'boolean' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { ...options, json: { type: 'boolean' } },
    strict: true,
    allowPositionals: true,
  });
  const rest = positionals.slice(command.name.split(' ').length);
  const wanted = command.argument === undefined ? 0 : 1;
  if (rest.length < wanted) throw new Error(`<${command.argument}> is missing`);
  if (rest.length > wanted) throw new Error(`unexpected argument: ${rest.slice(wanted).join(' ')}`);
  const given = Object.entries(values).filter(([name]) => name !== 'json');
  const textsOf = (type: OptionDefinition['type']): readonly (readonly [string, string])[] =>
    given.flatMap(([name, value]) =>
      typeof value === 'string' && command.options[name]?.type === type ? [[name, value] as const] : [],
    );
  return {
    command: command.name,
    argument: rest[0] ?? '',
    flags: new Set(given.flatMap(([name, value]) => (value === true ? [name] : []))),
    counts: new Map(textsOf('count').map(([name, value]) => [name, countOf(name, value)])),
    texts: new Map(textsOf('text')),
    json: values.json === true,
  };
}

function countOf(name: string, text: string): number {
  if (!/^[1-9]\d{0,12}$/.test(text)) throw new Error(`--${name} takes a positive integer, not ${JSON.stringify(text)}`);
  return Number(text);
}

function printout(text: string, isAsked: boolean): Printout {
  return { exitCode: isAsked ? 0 : 2, stream: isAsked ? 'stdout' : 'stderr', text };
}

function usageError(reason: string, command: CommandDefinition | undefined): Printout {
  const text = command === undefined ? 'Try lakh --help.\n' : commandHelp(command);
  return { exitCode: 2, stream: 'stderr', text: `lakh: ${reason}\n\n${text}` };
}
