/** Everything that can be chosen: settings and mutants of the allocator, and those of the shared copy. */
import { COPY_MUTANT_NAMES, COPY_MUTANTS, type CopyMutantName } from './copy/mutants.js';
import { MUTANT_NAMES, MUTANTS, type MutantName } from './mutants.js';
import { SETTING_NAMES, SETTINGS, type Setting } from './schedule.js';

export type AnySetting = Setting | 'shared-copy';
export type AnyMutantName = MutantName | CopyMutantName;

export const ALL_SETTINGS: Readonly<Record<AnySetting, string>> = {
  ...SETTINGS,
  'shared-copy': 'Redis as a copy of the database’s links: either may lose its end, stop, lag, or be cut off from some',
};
export const ALL_SETTING_NAMES: readonly AnySetting[] = [...SETTING_NAMES, 'shared-copy'];
export const ALL_MUTANT_NAMES: readonly AnyMutantName[] = [...MUTANT_NAMES, ...COPY_MUTANT_NAMES];

const isOfCopy = (mutant: AnyMutantName): mutant is CopyMutantName => mutant in COPY_MUTANTS;

/** In which a mutant's guard is the last one. */
export function settingOf(mutant: AnyMutantName): AnySetting {
  return isOfCopy(mutant) ? 'shared-copy' : MUTANTS[mutant].setting;
}

export function whatIs(mutant: AnyMutantName): string {
  return isOfCopy(mutant) ? COPY_MUTANTS[mutant].what : MUTANTS[mutant].what;
}
