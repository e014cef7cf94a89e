import { loadSettings, type Settings } from '@lakh/service-kit';

/** The only reader of the environment in this program. */
export function readConfig(): Settings<'tool'> {
  return loadSettings(process.env, 'tool');
}
