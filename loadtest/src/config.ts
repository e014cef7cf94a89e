/** The only reader of `process.env` in this workspace. */
export interface Config {
  /** `LAKH_K6`: path of a k6 binary; wins over PATH and is never replaced silently. */
  readonly k6: string | undefined;
  /** Where programs are looked for. */
  readonly path: string;
  /** npm started this process: it ends when npm does. */
  readonly startedByNpm: boolean;
  /** What `go install` gets: proxies, caches and certificates are the user's own. */
  readonly buildEnvironment: Readonly<Record<string, string>>;
  /** What servers, generators and k6 get: enough to run, and no LAKH_ or K6_ setting of the caller's shell. */
  readonly childEnvironment: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const CHILD_VARIABLES = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'];

/** Parses the environment once; `env` is a parameter for tests. */
export function readConfig(env: Environment = process.env): Config {
  const defined = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.freeze({
    k6: env.LAKH_K6 || undefined,
    path: env.PATH ?? '',
    startedByNpm: env.npm_lifecycle_event !== undefined,
    buildEnvironment: Object.fromEntries(defined.filter(([name]) => !name.startsWith('LAKH_'))),
    childEnvironment: Object.fromEntries(defined.filter(([name]) => CHILD_VARIABLES.includes(name))),
  });
}
