import { columns } from '@lakh/base';
import { FLAG, parseOptions, TEXT, UsageError, wholeNumber } from '@lakh/local';
import {
  ALL_FAULTS,
  MATRIX,
  MATRIX_FAULTS,
  type MatrixFault,
  type MatrixFaultName,
  VITESS_FAULTS,
} from './matrix-faults.js';

export interface MatrixCommand {
  readonly faults: readonly MatrixFaultName[];
  /** Absent: one is drawn. */
  readonly seed: number | undefined;
  /** Absent: a folder of its own, removed afterwards. */
  readonly dir: string | undefined;
}

const MAX_SEED = 2 ** 31 - 1;

export const MATRIX_HELP = `usage: npm run faults -- [OPTION …]

Starts the whole system on this machine (see npm run stack) and breaks one thing after another under load: people follow links, others
create, edit and delete them. Prints for each fault what failed and for how long, what was lost, and how old what was served ever was.

options:
  --short          the faults that npm test makes
  --vitess         those of a database on Vitess; its programs are LAKH_VITESS's, the PATH's, or built once by Go
  --only A,B,…     only these
  --seed S         from 0 to ${MAX_SEED}: what clients choose. Drawn and printed without it
  --list           names the faults, and makes none
  --dir D          where the system lives; kept. Otherwise a temporary folder
  --help           this text

exit: 0 everything as promised, 1 something is not or could not be run, 2 wrong arguments
`;

export const SHORT_FAULTS = MATRIX_FAULTS.filter((name) => (MATRIX[name] as MatrixFault).isShort);

/** Throws {@link UsageError}. */
export function parseMatrixCommand(args: readonly string[]): MatrixCommand | 'help' | 'list' {
  const { values, positionals } = parseOptions(args, {
    short: FLAG,
    vitess: FLAG,
    only: TEXT,
    seed: TEXT,
    dir: TEXT,
    list: FLAG,
    help: FLAG,
  });
  if (values.help) return 'help';
  if (positionals.length > 0) throw new UsageError(`${positionals[0]}: there are only options`);
  if (values.list) return 'list';
  const { short, vitess, only } = values;
  const given = Object.entries({ short, vitess, only }).flatMap(([name, value]) => (value ? `--${name}` : []));
  if (given.length > 1) throw new UsageError(`${given.join(' and ')}: give one of them`);
  return {
    faults: only === undefined ? (short ? SHORT_FAULTS : vitess ? VITESS_FAULTS : MATRIX_FAULTS) : faultsOf(only),
    seed: values.seed === undefined ? undefined : wholeNumber('--seed', values.seed, 0, MAX_SEED),
    dir: values.dir,
  };
}

/** The answer to `--list`. */
export function listMatrix(): string {
  return `${columns(ALL_FAULTS.map((name) => [name, MATRIX[name].what])).join('\n')}\n`;
}

function faultsOf(text: string): readonly MatrixFaultName[] {
  return [...new Set(text.split(','))].map((name) => {
    const known = ALL_FAULTS.find((fault) => fault === name);
    if (known !== undefined) return known;
    throw new UsageError(`--only ${JSON.stringify(name)}: no such fault; --list names them`);
  });
}
