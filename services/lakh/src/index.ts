export { cliReference } from './help.js';
