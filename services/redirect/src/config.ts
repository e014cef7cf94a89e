import type { ProgramConfig } from '@lakh/process';
import { loadSettings } from '@lakh/settings';

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<'redirect'> {
  return {
    settings: loadSettings(process.env, 'redirect'),
    startedByNpm: process.env.npm_lifecycle_event !== undefined,
  };
}
