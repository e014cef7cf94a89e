/** Reads the environment once, at start, into a frozen object; or says everything that is wrong with it. */

import { readFileSync } from 'node:fs';
import { CodedError } from '@lakh/base';
import { formatAddress, isLoopback, type ListenAddress } from './parsers.js';
import { listSettings, type Program, type SettingDefinition, type Settings } from './settings-registry.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every problem of the environment at once. No message contains the value of a secret. */
export class SettingsError extends CodedError {
  readonly code = 'invalid_settings';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** What was read: parsed values by key, and the text as it was written, for messages. */
interface Reading {
  readonly values: Map<string, unknown>;
  readonly given: Map<string, string>;
}

/**
 * Parses every LAKH_ variable that applies to `program`. A name of another program is ignored (one environment may serve
 * all of them); a name of none, a malformed value and a conflict are problems.
 *
 * @param readSecret reads the file that a `…_FILE` variable names
 * @throws SettingsError listing all problems
 */
export function loadSettings<P extends Program>(
  env: Environment,
  program: P,
  readSecret: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): Settings<P> {
  const problems = unknownNames(env);
  const reading: Reading = { values: new Map(), given: new Map() };
  for (const definition of listSettings(program)) {
    const raw = rawValue(env, definition, program, problems, readSecret);
    if (raw === undefined) continue;
    const value = definition.parser.parse(raw.text);
    if (value === undefined) {
      const shown = definition.secret ? 'something else (not shown: it is a secret)' : JSON.stringify(raw.text);
      problems.push(`${raw.source}: expected ${definition.parser.expected}, got ${shown}`);
      continue;
    }
    reading.values.set(definition.key, value);
    if (raw.isGiven) reading.given.set(definition.key, raw.text);
  }
  problems.push(...conflicts(reading, program));
  if (problems.length > 0) throw new SettingsError(problems);
  const complete = listSettings(program).map(({ key }): [string, unknown] => [key, reading.values.get(key)]);
  // The registry's types and this loop read the same table; the type of the whole cannot be built up entry by entry.
  return Object.freeze(Object.fromEntries(complete)) as Settings<P>;
}

function rawValue(
  env: Environment,
  definition: SettingDefinition,
  program: Program,
  problems: string[],
  readSecret: (path: string) => string,
): { text: string; source: string; isGiven: boolean } | undefined {
  const { name } = definition;
  const direct = env[name];
  const fileName = `${name}_FILE`;
  const path = definition.secret ? env[fileName] : undefined;
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
  if (definition.default !== undefined) return { text: definition.default, source: name, isGiven: false };
  if (definition.required && !definition.optionalFor?.includes(program))
    problems.push(`${name} is required: ${definition.parser.expected}`);
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
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    problems.push(`${fileName}: cannot read ${JSON.stringify(path)} (${reason})`);
  }
  return undefined;
}

function unknownNames(env: Environment): string[] {
  const known = new Set(listSettings().flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])));
  return Object.keys(env)
    .filter((name) => name.startsWith('LAKH_') && env[name] !== undefined && !known.has(name))
    .map((name) => {
      if (name.endsWith('_FILE') && known.has(name.slice(0, -'_FILE'.length))) {
        return `${name} is unknown: only a secret can be given as a file`;
      }
      const near = nearest(name, known);
      return `${name} is unknown${near === undefined ? '' : `: did you mean ${near}?`}`;
    });
}

/** The closest known name, if it is close enough to have been meant. */
function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = 4;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance, by the row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Rules between settings. Each message names both variables and both values, secrets excepted. */
function conflicts({ values, given }: Reading, program: Program): string[] {
  const found: string[] = [];
  const applies = (key: string): boolean => listSettings(program).some((definition) => definition.key === key);
  const listen = values.get('listen') as ListenAddress | undefined;
  const admin = values.get('adminListen') as ListenAddress | undefined;
  const isOpen = values.get('open') === true;

  if (listen && admin && listen.port !== 0 && listen.port === admin.port && listen.host === admin.host) {
    found.push(
      `LAKH_LISTEN=${formatAddress(listen)} and LAKH_ADMIN_LISTEN=${formatAddress(admin)} are the same address`,
    );
  }
  if (listen && !isLoopback(listen.host)) {
    const beyond = `LAKH_LISTEN=${formatAddress(listen)} is beyond loopback`;
    if (applies('publicUrl') && !values.has('publicUrl')) {
      found.push(`${beyond}: LAKH_PUBLIC_URL (not set or not usable) must say what short URLs begin with`);
    }
    if (applies('open') && !given.has('apiTokensFile') && !isOpen) {
      found.push(
        `${beyond} and LAKH_API_TOKENS_FILE is not set: anyone could create links; set it, or LAKH_OPEN=true if that is meant`,
      );
    }
  }
  if (isOpen && given.has('apiTokensFile')) {
    found.push(
      `LAKH_OPEN=${given.get('open')} lets anyone create links and LAKH_API_TOKENS_FILE=${given.get('apiTokensFile')} does not: keep one`,
    );
  }
  const codec = values.get('codec');
  if (codec === 'sealed' && !values.has('sealedKeys')) {
    found.push('LAKH_CODEC=sealed needs LAKH_SEALED_KEYS, which is not set or not usable');
  }
  for (const [key, name, owner] of [
    ['sealedKeys', 'LAKH_SEALED_KEYS', 'sealed'],
    ['sqidsAlphabet', 'LAKH_SQIDS_ALPHABET', 'sqids'],
    ['sqidsMinLength', 'LAKH_SQIDS_MIN_LENGTH', 'sqids'],
  ] as const) {
    if (codec === undefined || codec === owner || !given.has(key)) continue;
    const shown = key === 'sealedKeys' ? `${name} (secret)` : `${name}=${given.get(key)}`;
    found.push(`${shown} has no effect with LAKH_CODEC=${codec}: unset it, or set LAKH_CODEC=${owner}`);
  }
  return found;
}

/** The settings as a log line may show them: a secret only says whether it is set. */
export function loggableSettings(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const secrets = new Set(listSettings().flatMap(({ key, secret }) => (secret ? [key] : [])));
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, secrets.has(key) ? '(set)' : value]),
  );
}
