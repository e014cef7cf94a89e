import { columns } from '@lakh/base';
import { FLAG, parseOptions, TEXT, UsageError, wholeNumber } from '@lakh/local';
import {
  ALL_MUTANT_NAMES,
  ALL_SETTING_NAMES,
  ALL_SETTINGS,
  type AnyMutantName,
  type AnySetting,
  settingOf,
  whatIs,
} from './choices.js';

export interface CommandLine {
  readonly schedules: number;
  /** Absent: one is drawn. */
  readonly seed: number | undefined;
  readonly setting: AnySetting | undefined;
  readonly mutant: AnyMutantName | undefined;
  readonly workers: number;
  readonly path: string | undefined;
  readonly json: boolean;
}

const DEFAULT_SCHEDULES = '10000';
const MAX_SCHEDULES = 100_000_000;
const DEFAULT_WORKERS = '2';
const MAX_WORKERS = 64;
const MAX_SEED = 2 ** 31 - 1;

export const SIMULATION_HELP = `usage: npm run simulate -- [OPTION …]

Runs the real issuing, its stop included, the real ZooKeeper and MySQL adapters, the real use case and the real repair over simulated
wires, an ensemble and a database in memory, on simulated time: thousands of schedules of faults, each decided by a seed. No counter may be
issued twice. Beside them, in the setting shared-copy, it runs the real relay, reader, resolver and in-process cache over a simulated Redis and
database: nothing may be served for longer than promised after it is no more true. A schedule that shows otherwise is shrunk, and printed with the command that replays it.

options:
  --schedules N   how many (${DEFAULT_SCHEDULES}); they are shared between the settings; a fortieth as many come on top for shared-copy
  --seed S        from 0 to ${MAX_SEED}; drawn and printed without it
  --setting NAME  only this one; --list names them
  --mutant NAME   with this guard taken out, in its own setting; it has to be found
  --workers N     threads (${DEFAULT_WORKERS})
  --path P        replays one schedule that was found, with its --seed and its --setting or --mutant
  --json          the answer as JSON
  --list          names settings and mutants, and runs nothing
  --help          this text

exit: 0 nothing was found, 1 something was, or the simulation itself failed, 2 wrong arguments
`;

/** Throws {@link UsageError}. */
export function parseCommandLine(args: readonly string[]): CommandLine | 'help' | 'list' {
  const { values, positionals } = parseOptions(args, {
    schedules: { ...TEXT, default: DEFAULT_SCHEDULES },
    seed: TEXT,
    setting: TEXT,
    mutant: TEXT,
    workers: { ...TEXT, default: DEFAULT_WORKERS },
    path: TEXT,
    json: FLAG,
    list: FLAG,
    help: FLAG,
  });
  if (values.help) return 'help';
  if (positionals.length > 0) throw new UsageError(`${positionals[0]}: there are only options`);
  if (values.list) return 'list';
  const setting = oneOf('setting', values.setting, ALL_SETTING_NAMES);
  const mutant = oneOf('mutant', values.mutant, ALL_MUTANT_NAMES);
  const seed = values.seed === undefined ? undefined : wholeNumber('--seed', values.seed, 0, MAX_SEED);
  if (mutant !== undefined && setting !== undefined && settingOf(mutant) !== setting) {
    throw new UsageError(`--mutant ${mutant}: belongs to the setting ${settingOf(mutant)}, not ${setting}`);
  }
  if (values.path !== undefined) {
    if (!/^\d+(:\d+)*$/.test(values.path)) throw new UsageError(`--path ${values.path}: must be numbers with colons`);
    if (seed === undefined || (setting ?? mutant) === undefined) {
      throw new UsageError('--path: replays only with --seed, and --setting or --mutant');
    }
  }
  return {
    schedules: wholeNumber('--schedules', values.schedules, 1, MAX_SCHEDULES),
    seed,
    setting,
    mutant,
    workers: wholeNumber('--workers', values.workers, 1, MAX_WORKERS),
    path: values.path,
    json: values.json,
  };
}

/** The answer to `--list`. */
export function listChoices(): string {
  const lines = columns([
    ...ALL_SETTING_NAMES.map((name) => [`  ${name}`, ALL_SETTINGS[name]]),
    ...ALL_MUTANT_NAMES.map((name) => [`  ${name}`, `${whatIs(name)} (${settingOf(name)})`]),
  ]);
  lines.splice(ALL_SETTING_NAMES.length, 0, 'mutants:');
  return ['settings:', ...lines, ''].join('\n');
}

function oneOf<T extends string>(option: string, text: string | undefined, names: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${option} ${JSON.stringify(text)}: no such ${option}; --list names them`);
}
