import type { ProgramConfig } from '@lakh/process';
import { loadSettings } from '@lakh/settings';

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<'shorten'> {
  return {
    settings: loadSettings(process.env, 'shorten'),
    startedByNpm: process.env.npm_lifecycle_event !== undefined,
  };
}
