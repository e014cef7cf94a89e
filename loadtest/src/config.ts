import { readFileSync } from 'node:fs';
import { installSettings } from '@lakh/local';
import { defineProgram, type Environment, loadSettings, type SettingList, text } from '@lakh/settings';

const k6Settings = {
  token: {
    name: 'LAKH_TOKEN',
    parser: text('an API token'),
    secret: true,
    description: 'API token that a load test sends where --token-file names none; `stack env` prints one.',
  },
  k6: {
    name: 'LAKH_K6',
    parser: text('a program'),
    description: 'The k6 binary; else k6 of the PATH.',
  },
} as const satisfies SettingList;

export const bench = defineProgram({ name: 'bench', settings: installSettings });
export const loadtest = defineProgram({ name: 'loadtest', settings: k6Settings });

/** What both programs take from the environment. */
export interface Config {
  /** Where programs are looked for. */
  readonly path: string;
  /** npm started this process: it ends when npm does. */
  readonly startedByNpm: boolean;
  /** What `go install` gets: proxies, caches and certificates are the user's own. */
  readonly buildEnvironment: Readonly<Record<string, string>>;
  /** What servers, generators and k6 get: enough to run, and no LAKH_ or K6_ setting of the caller's shell. */
  readonly childEnvironment: Readonly<Record<string, string>>;
}

export interface LoadtestConfig extends Config {
  /** Path of a k6 binary; wins over PATH and is never replaced silently. */
  readonly k6: string | undefined;
  readonly token: string | undefined;
}

const CHILD_VARIABLES = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'];

/** Parses the environment once; `env` is a parameter for tests. */
export function readConfig(env: Environment = process.env): Config {
  const defined = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.freeze({
    path: env.PATH ?? '',
    startedByNpm: env.npm_lifecycle_event !== undefined,
    buildEnvironment: Object.fromEntries(defined.filter(([name]) => !name.startsWith('LAKH_'))),
    childEnvironment: Object.fromEntries(defined.filter(([name]) => CHILD_VARIABLES.includes(name))),
  });
}

/** @throws SettingsError for a value that cannot be used */
export function readLoadtestConfig(env: Environment = process.env): LoadtestConfig {
  return Object.freeze({
    ...readConfig(env),
    ...loadSettings(loadtest, env, { readSecret: (path) => readFileSync(path, 'utf8') }),
  });
}
