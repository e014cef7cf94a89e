/** How a program is told what to do: one variable, one parser. It knows no program and no domain. */
export { describeSettings, settingsTable, variablesOfAll } from './describe.js';
export { KNOWN_NAMES } from './known-names.js';
export { type LoadOptions, loadSettings, loggableSettings, SettingsError } from './load.js';
export { nearest, RENAMED_NAMES, serviceLinks } from './names.js';
export {
  boolean,
  formatAddress,
  type HostPort,
  integer,
  isLoopback,
  listenAddress,
  matching,
  oneOf,
  type Parser,
  parseHostPort,
  text,
} from './parsers.js';
export {
  defineProgram,
  type Environment,
  optional,
  type Program,
  type Rule,
  type Setting,
  type SettingList,
  type SettingsOf,
  withoutDefault,
} from './setting.js';
