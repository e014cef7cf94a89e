/** The operator's commands, as they are typed. */
export { cliReference } from './help.js';
export { run } from './run.js';
export { serveOperations } from './serve.js';
export { type CommandSettings, commandSettings } from './settings.js';
