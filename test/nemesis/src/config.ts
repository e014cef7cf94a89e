import { type LocalSettings, readSettings, stackSettings } from '@lakh/local';
import { defineProgram, type Environment } from '@lakh/settings';

export const nemesis = defineProgram({ name: 'nemesis', settings: stackSettings });

/** The only reader of `process.env` in this workspace. */
export interface Config {
  readonly settings: LocalSettings;
  /** npm started this process: it ends when npm does. */
  readonly startedByNpm: boolean;
}

export function readConfig(env: Environment = process.env): Config {
  return { settings: readSettings(env), startedByNpm: env.npm_lifecycle_event !== undefined };
}
