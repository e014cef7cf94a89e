import type { Parser } from './parsers.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * One variable. `default` is text that goes through the same parser as what an operator writes. A setting without default that is not
 * required is `undefined` when it is not set.
 */
export interface Setting<T = unknown> {
  readonly name: `LAKH_${string}`;
  readonly parser: Parser<T>;
  readonly description: string;
  readonly default?: string;
  readonly required?: true;
  /** Never echoed; may be given as `<name>_FILE`, the path of a file that holds it. */
  readonly secret?: true;
  /** A number that limits a whole server: each of several processes has its part of it. */
  readonly isShared?: true;
}

/** Settings by the key of their value: the name without `LAKH_`, in camel case. */
export type SettingList = Readonly<Record<string, Setting>>;

type ValueOf<S extends Setting> =
  S['parser'] extends Parser<infer T>
    ? S extends { default: string } | { required: true }
      ? T
      : T | undefined
    : never;

/** What {@link loadSettings} makes of a list. */
export type SettingsOf<L extends SettingList> = { readonly [K in keyof L]: ValueOf<L[K]> };

/**
 * What settings must be to each other: a message for each contradiction, which names both variables and both values, secrets excepted.
 * `values` lacks what is not set or malformed; `given` has the texts that somebody wrote.
 */
export type Rule<L extends SettingList> = {
  // A method's parameters may be narrower: the rule of one room is a rule of every list that contains the room's.
  rule(values: Partial<SettingsOf<L>>, given: Readonly<Partial<Record<keyof L, string>>>): readonly string[];
}['rule'];

/** Whoever reads settings. */
export interface Program<L extends SettingList = SettingList> {
  /** As docs/reference/configuration.md calls it. */
  readonly name: string;
  readonly settings: L;
  readonly rules?: readonly Rule<NoInfer<L>>[];
}

/** Checks the rules of a program against its settings. */
export function defineProgram<const L extends SettingList>(program: Program<L>): Program<L> {
  return program;
}

/** The same setting for a program that can do without it. */
export function optional<S extends Setting>({ required: _, ...setting }: S): Omit<S, 'required'> {
  return setting;
}

/** The same setting for a program that has to know whether somebody gave it. */
export function withoutDefault<S extends Setting>({ default: _, ...setting }: S): Omit<S, 'default'> {
  return setting;
}

/** The variables that give a setting. */
export function variablesOf({ name, secret }: Setting): readonly string[] {
  return secret ? [name, `${name}_FILE`] : [name];
}
