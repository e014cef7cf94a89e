/** What the long checks (model.mjs, mutation.mjs) share: they exit 2 where the check could not be made. */
import { parseArgs } from 'node:util';
import { say } from './ensure.mjs';

/** Ends the program with a reason. */
export function giveUp(reason) {
  say(reason);
  process.exit(2);
}

/** The options of `npm run SCRIPT`, as parseArgs takes them; --help prints `help` and ends. */
export function readOptions(script, help, options) {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', default: false } } });
    if (!values.help) return values;
  } catch (error) {
    giveUp(`${error.message}; see npm run ${script} -- --help`);
  }
  process.stdout.write(help);
  process.exit(0);
}

/** The lines of a Markdown table; the first row is its head. */
export function markdownTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |\n`;
  return [
    line(rows[0]),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|\n`,
    ...rows.slice(1).map(line),
  ].join('');
}
