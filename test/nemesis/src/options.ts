import { parseArgs } from 'node:util';
import { describeFault, FAULTS, type FaultName, isFaultName } from './catalogue.js';

/** A wrong command line; the program prints it with a hint at `--help` and exits 2. */
export class UsageError extends Error {}

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
  const { values, positionals } = parsed(args);
  if (values.help) return 'help';
  if (positionals.length > 0) throw new UsageError(`${positionals[0]}: there are only options`);
  if (values.list) return 'list';
  return {
    minutes: minutesOf(values.minutes),
    seed: seedOf(values.seed),
    only: values.only === undefined ? undefined : faultsOf(values.only),
    json: values.json ?? false,
    dir: values.dir,
  };
}

/** The answer to `--list`. */
export function listFaults(): string {
  const width = Math.max(...FAULTS.map((name) => name.length));
  return FAULTS.map((name) => `${name.padEnd(width)}  ${describeFault(name).what}\n`).join('');
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { minutes: text, seed: text, only: text, dir: text, list: flag, json: flag, help: flag },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function minutesOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_MINUTES;
  const minutes = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && minutes > 0 && minutes <= MAX_MINUTES) return minutes;
  throw new UsageError(`--minutes ${text}: must be a number above 0, at most ${MAX_MINUTES}`);
}

function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) <= MAX_SEED) return Number(text);
  throw new UsageError(`--seed ${text}: must be a whole number from 0 to ${MAX_SEED}`);
}

function faultsOf(text: string): FaultName[] {
  const names = [...new Set(text.split(','))];
  return names.map((name) => {
    if (isFaultName(name)) return name;
    throw new UsageError(`--only ${JSON.stringify(name)}: no such fault; --list names them`);
  });
}
