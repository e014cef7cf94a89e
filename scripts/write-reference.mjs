/** `node scripts/write-reference.mjs`: writes the pages of docs/reference that are made from code, and the picture in docs/architecture.md. Build first. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cliReference } from '../packages/commands/dist/index.js';
import { configurationReference } from '../packages/settings/dist/index.js';
import { root } from './ensure.mjs';
import { picture, wings } from './house.mjs';

writeFileSync(join(root, 'docs', 'reference', 'configuration.md'), configurationReference());
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
const page = join(root, 'docs', 'architecture.md');
const text = readFileSync(page, 'utf8');
writeFileSync(
  page,
  text.replace(/```mermaid\nflowchart TD\n[\s\S]*?```/, () => picture(imports)),
);
