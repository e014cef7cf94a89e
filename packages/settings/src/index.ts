/** How a program is told what to do: one variable, one parser. It knows no program and no domain. */
export { formatAddress, isLoopback, type ListenAddress } from './parsers.js';
export { type Environment, loadSettings, loggableSettings, SettingsError } from './settings.js';
export { configurationReference, describeSettings } from './settings-describe.js';
export { listSettings, type Program, type SettingDefinition, type Settings } from './settings-registry.js';
