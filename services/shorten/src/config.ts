import { loadSettings, type ProgramConfig } from '@lakh/service-kit';

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<'shorten'> {
  return {
    settings: loadSettings(process.env, 'shorten'),
    startedByNpm: process.env.npm_lifecycle_event !== undefined,
  };
}
