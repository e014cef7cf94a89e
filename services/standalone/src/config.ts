import { loadSettings, type ProgramConfig } from '@lakh/service-kit';

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<'standalone'> {
  return {
    settings: loadSettings(process.env, 'standalone'),
    startedByNpm: process.env.npm_lifecycle_event !== undefined,
  };
}
