import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeSettings,
  KNOWN_NAMES,
  type Program,
  type Setting,
  settingsTable,
  variablesOfAll,
} from '@lakh/settings';
import * as house from '../../scripts/house.mjs';
import { read, root } from './support.js';

const configs = Object.values(house.wings)
  .flatMap(({ rooms }) => rooms.map((room) => join(root, room, 'src', 'config.ts')))
  .filter((file) => existsSync(file));
const programs: readonly Program[] = configs.flatMap((file) => house.programsOf(require(file)));
const all: readonly [key: string, setting: Setting][] = programs.flatMap(({ settings }) => Object.entries(settings));

describe('the settings of all programs', () => {
  test('every config.ts says which programs read it', () => {
    expect(configs.filter((file) => house.programsOf(require(file)).length === 0)).toEqual([]);
    expect(programs.map(({ name }) => name).sort()).toEqual(
      ['shorten', 'redirect', 'standalone', 'tool', 'stack', 'test', 'bench', 'loadtest', 'nemesis'].sort(),
    );
  });

  test('a key is its variable’s name in camel case', () => {
    for (const [key, { name }] of all) {
      const words = name.slice('LAKH_'.length).toLowerCase();
      expect(key).toBe(words.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
    }
  });

  test('every default is what its own parser accepts, and no name ends in _FILE twice over', () => {
    const names = new Set(all.map(([, { name }]) => name as string));
    for (const [, setting] of all) {
      if (setting.default !== undefined) expect(setting.parser.parse(setting.default)).toBeDefined();
      if (setting.secret) expect(names).not.toContain(`${setting.name}_FILE`);
    }
  });

  test('--help names every setting that applies and none that does not', () => {
    const help = describeSettings(programs.find(({ name }) => name === 'redirect')?.settings ?? {});
    expect(help).toContain('LAKH_L1_TTL_MS');
    expect(help).toContain('LAKH_DATABASE_FILE');
    expect(help).not.toContain('LAKH_ZOOKEEPER');
  });

  test('are known to each of them by name (node scripts/write-reference.mjs)', () => {
    expect(KNOWN_NAMES).toEqual(variablesOfAll(programs));
  });

  test('are the table of docs/reference/configuration.md (node scripts/write-reference.mjs)', () => {
    const table = read('docs/reference/configuration.md')
      .split('\n')
      .filter((line) => /^\| (variable |`LAKH_)/.test(line));
    expect(table.join('\n')).toBe(settingsTable(programs).replace('\n|---|---|---|---|---|', ''));
  });
});
