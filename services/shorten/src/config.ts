import { loadSettings, type ProgramConfig, type Settings } from '@lakh/service-kit';

/** The only reader of the environment in this service. */
export function readConfig(): ProgramConfig<'shorten'> {
  return {
    settings: loadSettings(process.env, 'shorten'),
    startedByNpm: process.env.npm_lifecycle_event !== undefined,
  };
}

/** What the `lakh` tool needs of the same environment. */
export function readToolConfig(): Settings<'tool'> {
  return loadSettings(process.env, 'tool');
}
