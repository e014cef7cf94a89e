import { loadSettings, type Settings } from '@lakh/settings';

/** The only reader of the environment in this program. */
export function readConfig(): Settings<'tool'> {
  return loadSettings(process.env, 'tool');
}
