/** `node scripts/write-reference.mjs`: writes the pages of docs/reference that are made from code, and the picture in docs/architecture.md. Build first. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { cliReference } from '../packages/commands/dist/index.js';
import { settingsTable, variablesOfAll } from '../packages/settings/dist/index.js';
import { root } from './ensure.mjs';
import { picture, programsOf, roomTable, wings } from './house.mjs';

writeFileSync(join(root, 'docs', 'reference', 'cli.md'), cliReference());

const rooms = Object.values(wings).flatMap((wing) => wing.rooms);
const manifests = new Map(
  rooms.map((room) => [room, JSON.parse(readFileSync(join(root, room, 'package.json'), 'utf8'))]),
);
const roomNamed = new Map([...manifests].map(([room, { name }]) => [name, room]));
const imports = new Map(
  [...manifests].map(([room, { dependencies = {} }]) => [
    room,
    Object.keys(dependencies).flatMap((name) => roomNamed.get(name) ?? []),
  ]),
);
/** Replaces what `pattern` finds on a page that is otherwise written by hand. */
function rewrite(page, pattern, text) {
  const file = join(root, 'docs', page);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(pattern, () => text),
  );
}

rewrite('architecture.md', /```mermaid\nflowchart TD\n[\s\S]*?```/, picture(imports));
const readme = (room) => readFileSync(join(root, room, 'README.md'), 'utf8');
rewrite('architecture.md', /\| room \| what it is \|\n[\s\S]*?(?=\n\n)/, roomTable(readme));

const configs = rooms.map((room) => join(root, room, 'dist', 'config.js')).filter((file) => existsSync(file));
const modules = await Promise.all(configs.map((file) => import(pathToFileURL(file).href)));
const programs = modules.flatMap(programsOf);
rewrite('reference/configuration.md', /\| variable \|[\s\S]*?\n(?=\n)/, `${settingsTable(programs)}\n`);
writeFileSync(
  join(root, 'packages', 'settings', 'src', 'known-names.ts'),
  `/** The variables of every program. Written by \`node scripts/write-reference.mjs\`, as the table of docs/reference/configuration.md is. */
export const KNOWN_NAMES: readonly string[] = [
${variablesOfAll(programs)
  .map((name) => `  '${name}',\n`)
  .join('')}];
`,
);

// What a server reads, so that nothing at run time reads YAML.
const description = parse(readFileSync(join(root, 'docs', 'reference', 'openapi.yaml'), 'utf8'), { merge: true });
writeFileSync(join(root, 'packages', 'api', 'openapi.json'), `${JSON.stringify(description, null, 1)}\n`);
