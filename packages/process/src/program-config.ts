import { readFileSync } from 'node:fs';
import {
  type Environment,
  KNOWN_NAMES,
  loadSettings,
  type Program,
  type SettingList,
  type SettingsOf,
  serviceLinks,
} from '@lakh/settings';

/** What a program takes from its environment. */
export interface ProgramConfig<S = Readonly<Record<string, unknown>>> {
  readonly settings: S;
  /** Variables of Kubernetes' that only look like settings. */
  readonly ignored: readonly string[];
  /** npm set its variables in our environment: drain when it dies. */
  readonly startedByNpm: boolean;
}

/** @throws SettingsError listing everything that is wrong with the settings */
export function readProgramConfig<L extends SettingList>(
  program: Program<L>,
  env: Environment,
): ProgramConfig<SettingsOf<L>> {
  return {
    settings: loadSettings(program, env, {
      knownNames: KNOWN_NAMES,
      readSecret: (path) => readFileSync(path, 'utf8'),
    }),
    ignored: serviceLinks(env),
    startedByNpm: env.npm_lifecycle_event !== undefined,
  };
}
