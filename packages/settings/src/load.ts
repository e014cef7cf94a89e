/** Reads the environment once, at start, into a frozen object; or says everything that is wrong with it. */
import { CodedError } from '@lakh/base';
import { unknownNames } from './names.js';
import type { Environment, Program, Setting, SettingList, SettingsOf } from './setting.js';

/** Every problem of the environment at once. No message contains the value of a secret. */
export class SettingsError extends CodedError {
  readonly code = 'invalid_settings';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export interface LoadOptions {
  /** Names of all programs, which are no mistakes; without them no name is judged. */
  readonly knownNames?: readonly string[];
  /** Reads the file that a `…_FILE` variable names. */
  readonly readSecret?: (path: string) => string;
}

interface Raw {
  readonly text: string;
  /** The variable that it came from. */
  readonly source: string;
  readonly isGiven: boolean;
}

/**
 * Parses every variable of a program. A name of another program is ignored (one environment may serve all of them); a name of none, a
 * malformed value and a conflict are problems.
 *
 * @throws SettingsError listing all problems
 */
export function loadSettings<L extends SettingList>(
  { settings, rules = [] }: Pick<Program<L>, 'settings' | 'rules'>,
  env: Environment,
  { knownNames, readSecret = noSecrets }: LoadOptions = {},
): SettingsOf<L> {
  const problems = knownNames === undefined ? [] : unknownNames(env, settings, knownNames);
  const values: Record<string, unknown> = {};
  const given: Record<string, string> = {};
  for (const [key, setting] of Object.entries<Setting>(settings)) {
    const raw = rawValue(env, setting, problems, readSecret);
    const value = raw && parseRaw(raw, setting, problems);
    values[key] = value;
    if (raw?.isGiven && value !== undefined) given[key] = raw.text;
  }
  // The list's types and the loop above read the same table; the type of the whole cannot be built up entry by entry.
  const loaded = values as SettingsOf<L>;
  for (const rule of rules) problems.push(...rule(loaded, given as Partial<Record<keyof L, string>>));
  if (problems.length > 0) throw new SettingsError(problems);
  return Object.freeze(loaded);
}

function noSecrets(): never {
  throw new Error('no setting of this program is a secret');
}

function parseRaw({ source, text }: Raw, { parser, secret }: Setting, problems: string[]): unknown {
  const shown = secret ? 'something else (not shown: it is a secret)' : JSON.stringify(text);
  const malformed = `${source}: expected ${parser.expected}, got ${shown}`;
  try {
    const value = parser.parse(text);
    if (value === undefined) problems.push(malformed);
    return value;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    problems.push(`${malformed}: ${error.message}`);
    return undefined;
  }
}

function rawValue(
  env: Environment,
  setting: Setting,
  problems: string[],
  readSecret: (path: string) => string,
): Raw | undefined {
  const { name } = setting;
  const direct = env[name];
  const fileName = `${name}_FILE`;
  const path = setting.secret ? env[fileName] : undefined;
  if (direct !== undefined && path !== undefined) {
    problems.push(`${name} and ${fileName} are both set (the latter to ${JSON.stringify(path)}): keep one`);
    return undefined;
  }
  if (direct === '' || path === '') {
    problems.push(`${path === '' ? fileName : name} is set but empty: give it a value or unset it`);
    return undefined;
  }
  if (direct !== undefined) return { text: direct, source: name, isGiven: true };
  if (path !== undefined) {
    const content = secretFrom(fileName, path, problems, readSecret);
    return content === undefined ? undefined : { text: content, source: fileName, isGiven: true };
  }
  if (setting.default !== undefined) return { text: setting.default, source: name, isGiven: false };
  if (setting.required) problems.push(`${name} is required: ${setting.parser.expected}`);
  return undefined;
}

function secretFrom(
  fileName: string,
  path: string,
  problems: string[],
  readSecret: (path: string) => string,
): string | undefined {
  try {
    const content = readSecret(path).trim();
    if (content !== '') return content;
    problems.push(`${fileName}: the file ${JSON.stringify(path)} is empty`);
  } catch (error) {
    const reason = (error as { code?: string }).code ?? 'unreadable';
    problems.push(`${fileName}: cannot read ${JSON.stringify(path)} (${reason})`);
  }
  return undefined;
}

/** The settings as a log line may show them: a secret only says whether it is set. */
export function loggableSettings(
  list: SettingList,
  settings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, list[key]?.secret ? '(set)' : value]),
  );
}
