import { type LocalSettings, readSettings } from '@lakh/local';

/** The only reader of `process.env` in this workspace. */
export interface Config {
  readonly settings: LocalSettings;
  /** npm started this process: it ends when npm does. */
  readonly startedByNpm: boolean;
}

export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  return { settings: readSettings(env), startedByNpm: env.npm_lifecycle_event !== undefined };
}
