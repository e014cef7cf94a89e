import { describeSettings } from '@lakh/settings';
import { COMMANDS, type CommandDefinition } from './commands.js';
import { commandSettings } from './settings.js';

const EXIT_STATUS = `Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 problems were found.`;
const WHICH = `Works on the system of LAKH_ZOOKEEPER and LAKH_DATABASE or, when neither is set, on the data file in LAKH_DATA_DIR (./data): through
the server that runs on it, or on the file itself when none does. Says on stderr which system it is. Where two are
at hand (nothing is set, and there is a stack in ./.stack; or both are set), what changes something has to be told which.`;

/** `lakh --help`. */
export function generalHelp(): string {
  const width = Math.max(...COMMANDS.map((command) => usageOf(command).length));
  const lines = COMMANDS.map((command) => `  ${usageOf(command).padEnd(width)}  ${command.summary}`);
  return `lakh: looks at and repairs the ranges of counters that links are made from, and keeps API keys and tokens.

Usage: lakh <command> [--json] [--help]

Commands:
${lines.join('\n')}

${WHICH}

${EXIT_STATUS}
lakh <command> --help says more, with examples.

Settings, from the environment [default]:
${describeSettings(commandSettings)}
`;
}

/** `lakh <command> --help`. */
export function commandHelp(command: CommandDefinition): string {
  const options = Object.entries(command.options).map(([name, { type, meaning }]): readonly [string, string] => [
    type === 'boolean' ? `--${name}` : `--${name} <${type === 'count' ? 'n' : name}>`,
    meaning,
  ]);
  const all = [...options, ['--json', 'print JSON'] as const, ['--help', 'print this'] as const];
  const width = Math.max(...all.map(([name]) => name.length));
  return `Usage: lakh ${usageOf(command)} [options]

${command.summary}
${command.details}

Options:
${all.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`).join('\n')}

Examples:
${command.examples.map((line) => `  ${line}`).join('\n')}
`;
}

function usageOf({ name, argument }: CommandDefinition): string {
  return argument === undefined ? name : `${name} <${argument}>`;
}

/** The whole of docs/reference/cli.md. */
export function cliReference(): string {
  const sections = COMMANDS.map((command) =>
    [`## lakh ${command.name}`, '', '```text', commandHelp(command).trimEnd(), '```'].join('\n'),
  );
  return `${[
    '# The operator’s commands',
    '',
    '`npm run lakh -- <command>`, or `npx lakh <command>`, from the folder of this repository. (`npm run --silent` leaves out npm’s own two',
    'lines, so that stdout is the answer alone.)',
    '',
    WHICH,
    '',
    '`--json` prints the answer as one JSON value, and a failure as `{"error": {"code", "message"}}`; codes are those of [errors](errors.md).',
    EXIT_STATUS,
    '',
    'What changes something is conditional on what was read: two people at once, or servers that lease meanwhile, do no harm. Nothing is',
    'ever lowered. Settings are in [configuration](configuration.md), under the program `tool`. What to type after which refusal is in the',
    '[runbooks](../runbooks/README.md).',
    '',
    ...sections.flatMap((section) => [section, '']),
    'This page is written by `node scripts/write-reference.mjs` from `packages/commands/src/commands.ts`.',
  ].join('\n')}\n`;
}
