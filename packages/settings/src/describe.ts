/** Settings in words: for --help, and for docs/reference/configuration.md, whose table a test compares with this. */
import { type Program, type Setting, type SettingList, variablesOf } from './setting.js';

const defaultText = ({ required, default: text }: Setting): string => (required ? 'required' : (text ?? 'not set'));

/** One paragraph a setting, as --help prints it. */
export function describeSettings(settings: SettingList): string {
  return Object.values(settings)
    .map((setting) => {
      const file = setting.secret ? ` (secret: also ${setting.name}_FILE)` : '';
      return [
        `  ${setting.name}=<${setting.parser.expected}>${file}`,
        `      ${setting.description} [${defaultText(setting)}]`,
      ].join('\n');
    })
    .join('\n');
}

interface Documented {
  readonly setting: Setting;
  readonly programs: string[];
  /** Of programs whose default is another than the first one's. */
  readonly otherDefaults: string[];
}

/**
 * The settings of all programs, each once, as the first program that has it has it, and beside what stands before it there.
 *
 * @throws Error where two programs mean different things by one name
 */
function joined(programs: readonly Program[]): readonly Documented[] {
  const rows: Documented[] = [];
  for (const { name: program, settings } of programs) {
    let place = rows.length;
    for (const setting of Object.values(settings)) {
      const at = rows.findIndex((row) => row.setting.name === setting.name);
      const row = rows[at] ?? { setting, programs: [], otherDefaults: [] };
      if (row.setting.parser !== setting.parser || row.setting.description !== setting.description) {
        throw new Error(`${program} and ${row.programs.join(', ')} mean different things by ${setting.name}`);
      }
      row.programs.push(program);
      if (setting.default !== undefined && setting.default !== row.setting.default)
        row.otherDefaults.push(`${program}: \`${setting.default}\``);
      if (at < 0) rows.splice(place, 0, row);
      place = (at < 0 ? place : at) + 1;
    }
  }
  return rows;
}

/** Every variable of any of the programs. */
export function variablesOfAll(programs: readonly Program[]): readonly string[] {
  return joined(programs)
    .flatMap(({ setting }) => variablesOf(setting))
    .sort();
}

const cell = (value: string): string => value.replaceAll('|', '\\|');

/** The table of docs/reference/configuration.md. */
export function settingsTable(programs: readonly Program[]): string {
  const rows = joined(programs).map(({ setting, programs: readers, otherDefaults }) => {
    const name = setting.secret ? `\`${setting.name}\` \\*` : `\`${setting.name}\``;
    const value = setting.default === undefined ? defaultText(setting) : `\`${setting.default}\``;
    const defaults = [value, ...otherDefaults].join('; ');
    return `| ${[name, defaults, setting.parser.expected, readers.join(', '), setting.description].map(cell).join(' | ')} |`;
  });
  return ['| variable | default | expected | programs | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}
