import { loadSettings, type ProgramConfig } from '@lakh/service-kit';

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<'redirect'> {
  return {
    settings: loadSettings(process.env, 'redirect'),
    startedByNpm: process.env.npm_lifecycle_event !== undefined,
  };
}
