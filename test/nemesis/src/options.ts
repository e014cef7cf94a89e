import { columns } from '@lakh/base';
import { FLAG, parseOptions, TEXT, UsageError, wholeNumber } from '@lakh/local';
import { describeFault, FAULTS, type FaultName, isFaultName } from './catalogue.js';

export interface CommandLine {
  readonly minutes: number;
  /** Absent: one is drawn. */
  readonly seed: number | undefined;
  readonly only: readonly FaultName[] | undefined;
  readonly json: boolean;
  /** Absent: a folder of its own, removed afterwards when all is well. */
  readonly dir: string | undefined;
}

const DEFAULT_MINUTES = 5;
const MAX_MINUTES = 60;
const MAX_SEED = 2 ** 31 - 1;

export const NEMESIS_HELP = `usage: npm run nemesis -- [OPTION …]

Starts the whole system on this machine (see npm run stack), lets many clients create, follow and delete links, and meanwhile makes
faults by a seeded schedule: one after another, each once in a round, from the second round on often two at a time. Then everything is
healed, every link is followed, and the history of all requests and faults is judged: no code twice, every acknowledged link leads to
its URL, what was deleted stays deleted, ledger and store agree, and every counter that is no link is accounted for.

options:
  --minutes N      how long to make faults (${DEFAULT_MINUTES}; at most ${MAX_MINUTES}); starting, healing and judging come on top
  --seed S         from 0 to ${MAX_SEED}; the same seed makes the same faults in the same order. Drawn and printed without it
  --only A,B,…     only these faults
  --list           names the faults, and makes none
  --json           the verdict as JSON
  --dir D          where the system and its history live; kept. Otherwise a temporary folder, kept only when something is wrong
  --help           this text

exit: 0 no key repeated and nothing is lost that may not be, 1 something is wrong or could not be run, 2 wrong arguments
`;

/** Throws {@link UsageError}. */
export function parseCommandLine(args: readonly string[]): CommandLine | 'help' | 'list' {
  const { values, positionals } = parseOptions(args, {
    minutes: TEXT,
    seed: TEXT,
    only: TEXT,
    dir: TEXT,
    list: FLAG,
    json: FLAG,
    help: FLAG,
  });
  if (values.help) return 'help';
  if (positionals.length > 0) throw new UsageError(`${positionals[0]}: there are only options`);
  if (values.list) return 'list';
  return {
    minutes: minutesOf(values.minutes),
    seed: values.seed === undefined ? undefined : wholeNumber('--seed', values.seed, 0, MAX_SEED),
    only: values.only === undefined ? undefined : faultsOf(values.only),
    json: values.json,
    dir: values.dir,
  };
}

/** The answer to `--list`. */
export function listFaults(): string {
  return `${columns(FAULTS.map((name) => [name, describeFault(name).what])).join('\n')}\n`;
}

function minutesOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_MINUTES;
  const minutes = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && minutes > 0 && minutes <= MAX_MINUTES) return minutes;
  throw new UsageError(`--minutes ${text}: must be a number above 0, at most ${MAX_MINUTES}`);
}

function faultsOf(text: string): FaultName[] {
  const names = [...new Set(text.split(','))];
  return names.map((name) => {
    if (isFaultName(name)) return name;
    throw new UsageError(`--only ${JSON.stringify(name)}: no such fault; --list names them`);
  });
}
