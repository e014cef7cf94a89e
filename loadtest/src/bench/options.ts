import { FLAG, parseOptions, TEXT, UsageError, wholeNumber } from '@lakh/local';

const BENCHES = ['redirect', 'shorten', 'data', 'vitess', 'l1', 'allocate'] as const;
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
  readonly kills: number;
  readonly ids: number;
  readonly links: number;
  readonly idle: number;
  /** Ids of groups and trials; empty: all. */
  readonly only: readonly string[];
}

const DEFAULTS = { rounds: 5, seconds: 5, kills: 12, ids: 1_000_000_000, links: 10_000_000, idle: 600 } as const;
const QUICK = { rounds: 1, seconds: 1, kills: 1, ids: 5_000_000, links: 2_000, idle: 1 } as const;
const MAX = {
  rounds: 100,
  seconds: 300,
  kills: 1000,
  ids: 100_000_000_000,
  links: 1_000_000_000,
  idle: 86_400,
} as const;

/** Groups and trials by their ids, in the order in which they run. */
const PARTS: Readonly<Record<BenchName, readonly string[]>> = {
  redirect: ['redirect', 'redirect_many', 'browser', 'arrivals', 'behind-nginx', 'workers', 'idle'],
  shorten: ['store-64', 'store-256', 'store-1024', 'batch', 'create', 'create-workers'],
  data: ['finds-256', 'through', 'staleness', 'herd', 'capacity'],
  vitess: ['finds', 'creates', 'batch'],
  l1: ['hits-100', 'hits-many', 'misses', 'ratios', 'bytes'],
  allocate: ['codes', 'leases-1', 'leases-8', 'servers', 'writes', 'failover', 'memory'],
};

export const BENCH_HELP = `usage: npm run bench -- ${BENCHES.join('|')} [OPTION …]

Measures Lakh beside its rivals and limits, in turns and on pinned cores; starts and ends every server itself.

  redirect   redirects answered by L1, beside bare node:http, express 5, nginx and Go's net/http: few links and many, a browser's
             requests, how long answers take at a constant rate, nginx before it, two cores; a server that has nothing to do
  shorten    the store's inserts beside one row a statement and bare multi-row INSERTs; creates over HTTP beside an express echo,
             and in batches; what a create costs on two cores
  data       what a redirect costs through Redis and through the database, beside one SELECT a request; how soon changes
             are seen; many callers of one code; redirects and creates with ten million links beside a hundred thousand
  vitess     finds, inserts and batches through a vtgate over two shards, beside one MariaDB; skipped where there is no Vitess
  l1         the cache in the process by itself: S3-FIFO beside LRU and W-TinyLFU, what a hit and a miss cost, how many requests
             are hits, and what it weighs
  allocate   next() and base62 beside loops that only allocate such strings; leases on a 3-node ensemble beside a bare versioned-write
             loop, 1, 4 and 8 servers, ZooKeeper's writes, a leader's death, memory

options:
  --rounds N    rounds, each of which measures every subject once (${DEFAULTS.rounds}), at most ${MAX.rounds}
  --seconds S   length of each measurement (${DEFAULTS.seconds}), at most ${MAX.seconds}
  --only PART   only this part (may be repeated):
${BENCHES.map((name) => `                ${name}: ${PARTS[name].join(', ')}`).join('\n')}
  --kills N     allocate, failover: how often the leader is killed (${DEFAULTS.kills})
  --ids N       allocate, memory: counters issued (${DEFAULTS.ids})
  --links N     data, capacity: links in the larger table (${DEFAULTS.links})
  --idle S      redirect, idle: seconds without a request before the first is timed (${DEFAULTS.idle})
  --quick       one round of 1 s over small sets, several subjects at once: shows that everything runs, its figures mean nothing
  --profile     afterwards runs each of ours once more under node --cpu-prof and prints where its time goes
  --strict      exit 3 when a target is missed
  --dir DIR     where data folders are made (default: the system's temporary folder); a real disk for durable figures
  --json        the report as JSON
  --help        this text

exit: 0 measured, 3 a target missed (with --strict), 2 wrong arguments, 1 could not be measured
`;

/** The options of a command line, or `help`. Throws {@link UsageError}. */
export function parseBench(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parseOptions(args, {
    rounds: TEXT,
    seconds: TEXT,
    only: { ...TEXT, multiple: true },
    kills: TEXT,
    ids: TEXT,
    links: TEXT,
    idle: TEXT,
    quick: FLAG,
    profile: FLAG,
    strict: FLAG,
    dir: TEXT,
    json: FLAG,
    help: FLAG,
  });
  if (values.help) return 'help';
  const [name, ...rest] = positionals;
  const bench = BENCHES.find((known) => known === name);
  if (bench === undefined || rest.length > 0) throw new UsageError(`name one benchmark: ${BENCHES.join(', ')}`);
  const { quick, json, profile, strict, dir, only = [] } = values;
  const numberOf = (key: keyof typeof DEFAULTS) => {
    const text = values[key];
    return text === undefined ? (quick ? QUICK : DEFAULTS)[key] : wholeNumber(`--${key}`, text, 1, MAX[key]);
  };
  const unknown = only.find((part) => !PARTS[bench].includes(part));
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}: ${bench} has ${PARTS[bench].join(', ')}`);
  return {
    bench,
    rounds: numberOf('rounds'),
    seconds: numberOf('seconds'),
    quick,
    json,
    profile,
    strict,
    dir,
    kills: numberOf('kills'),
    ids: numberOf('ids'),
    links: numberOf('links'),
    idle: numberOf('idle'),
    only,
  };
}
