import { parseArgs } from 'node:util';
import { UsageError, wholeNumber } from '../arguments.js';

export const BENCHES = ['redirect', 'shorten', 'allocate'] as const;
export type BenchName = (typeof BENCHES)[number];

export interface BenchOptions {
  readonly bench: BenchName;
  readonly rounds: number;
  readonly seconds: number;
  readonly quick: boolean;
  readonly json: boolean;
  readonly profile: boolean;
  readonly strict: boolean;
  readonly dir: string | undefined;
}

const DEFAULTS = { rounds: 5, seconds: 5 } as const;
const MAX = { rounds: 100, seconds: 300 } as const;

export const BENCH_HELP = `usage: npm run bench -- ${BENCHES.join('|')} [OPTION …]

Measures Lakh beside its rivals and limits, in turns and on pinned cores; starts and ends every server itself.

  redirect   redirects answered by L1, beside bare node:http, express 5 and nginx
  shorten    the store's inserts beside one row a statement and bare multi-row INSERTs; creates over HTTP beside an express echo
  allocate   next() and base62 beside loops that only allocate such strings

options:
  --rounds N    rounds, each of which measures every subject once (${DEFAULTS.rounds}), at most ${MAX.rounds}
  --seconds S   length of each measurement (${DEFAULTS.seconds}), at most ${MAX.seconds}
  --quick       one round of 1 s over small sets: shows that everything runs, its figures mean nothing
  --profile     afterwards runs each of ours once more under node --cpu-prof and prints where its time goes
  --strict      exit 3 when a target is missed
  --dir DIR     where data folders are made (default: the system's temporary folder); a real disk for durable figures
  --json        the report as JSON
  --help        this text

exit: 0 measured, 3 a target missed (with --strict), 2 wrong arguments, 1 could not be measured
`;

/** The options of a command line, or `help`. Throws {@link UsageError}. */
export function parseBench(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parsed(args);
  if (values.help) return 'help';
  const [name, ...rest] = positionals;
  const bench = BENCHES.find((known) => known === name);
  if (bench === undefined || rest.length > 0) throw new UsageError(`name one benchmark: ${BENCHES.join(', ')}`);
  const quick = values.quick ?? false;
  const numberOf = (key: 'rounds' | 'seconds') => {
    const text = values[key];
    return text === undefined ? (quick ? 1 : DEFAULTS[key]) : wholeNumber(`--${key}`, text, MAX[key]);
  };
  return {
    bench,
    rounds: numberOf('rounds'),
    seconds: numberOf('seconds'),
    quick,
    json: values.json ?? false,
    profile: values.profile ?? false,
    strict: values.strict ?? false,
    dir: values.dir,
  };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: text,
        seconds: text,
        quick: flag,
        json: flag,
        profile: flag,
        strict: flag,
        dir: text,
        help: flag,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
