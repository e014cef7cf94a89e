/** The registry in words: for --help, and for docs/reference/configuration.md, which a test compares with this. */
import { listSettings, type Program, type SettingDefinition } from './settings-registry.js';

function defaultText(definition: SettingDefinition, program?: Program): string {
  if (definition.required && (program === undefined || !definition.optionalFor?.includes(program))) return 'required';
  return definition.default ?? 'not set';
}

/** One paragraph a setting, as --help prints it; all settings when no program is named. */
export function describeSettings(program?: Program): string {
  return listSettings(program)
    .map((definition) => {
      const file = definition.secret ? ` (secret: also ${definition.name}_FILE)` : '';
      return [
        `  ${definition.name}=<${definition.parser.expected}>${file}`,
        `      ${definition.description} [${defaultText(definition, program)}]`,
      ].join('\n');
    })
    .join('\n');
}

const cell = (value: string): string => value.replaceAll('|', '\\|');

/** The whole of docs/reference/configuration.md. */
export function configurationReference(): string {
  const rows = listSettings().map((definition) => {
    const name = definition.secret ? `\`${definition.name}\` \\*` : `\`${definition.name}\``;
    const value = definition.default === undefined ? defaultText(definition) : `\`${definition.default}\``;
    return `| ${[name, value, definition.parser.expected, definition.programs.join(', '), definition.description].map(cell).join(' | ')} |`;
  });
  return `${[
    '# Configuration',
    '',
    'Every program reads its settings from environment variables, once, at its start. An unknown `LAKH_` name, a malformed value',
    'and two settings that contradict each other stop the start; the message lists every problem at once. A variable that applies',
    'to another program is ignored, so that one environment can serve all of them. An empty value is an error, not a default.',
    '',
    'A variable with \\* is a secret: it is never logged, and instead of it `<name>_FILE` may name a file that holds the value.',
    'Both at once is an error.',
    '',
    'Beyond loopback, a program that creates links needs `LAKH_PUBLIC_URL`, and either `LAKH_API_TOKENS_FILE` or `LAKH_OPEN=true`.',
    '',
    '| variable | default | expected | programs | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '## API tokens',
    '',
    'Each line of `LAKH_API_TOKENS_FILE` is `name:sha256`, the token’s SHA-256 in lower-case hexadecimal; empty lines and lines that',
    'begin with `#` do not count. The name is what logs call the caller. To make a token and its line:',
    '',
    '```sh',
    'token=$(openssl rand -hex 32)   # give this to the caller; it is stored nowhere',
    'echo "ci:$(printf %s "$token" | sha256sum | cut -d" " -f1)" >> tokens.txt',
    '```',
    '',
    'Use random tokens of at least 128 bits, as above: a plain SHA-256 is safe because there is nothing to guess, and would not be for',
    'a password. The file should be readable by its owner only; a server warns when it is not.',
    '',
    'This page is written by `node scripts/write-reference.mjs` from `packages/settings/src/settings-registry.ts`.',
  ].join('\n')}\n`;
}
