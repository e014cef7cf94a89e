import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import * as house from '../../scripts/house.mjs';

interface Wing {
  readonly rooms: readonly string[];
  readonly from: readonly string[];
  readonly within?: boolean;
  readonly pure?: boolean;
}

const wings: Readonly<Record<string, Wing>> = house.wings;

const root = join(__dirname, '..', '..');
const rooms = Object.values(wings).flatMap(({ rooms }) => rooms);
const wingOf = (room: string) => Object.values(wings).find(({ rooms }) => rooms.includes(room)) as Wing;
const manifestOf = (room: string) => JSON.parse(readFileSync(join(root, room, 'package.json'), 'utf8'));
const roomNamed = new Map<string, string>(rooms.map((room) => [manifestOf(room).name, room]));

function sources(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(m?ts|mjs|js)$/.test(entry.name) ? [path] : [];
  });
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s*'([^']+)'|(?:^|\n)\s*import\s*'([^']+)'|\bimport\('([^']+)'\)/g;

function importsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(importPattern)].map((m) => (m[1] ?? m[2] ?? m[3]) as string);
}

/** Who is imported: a room may have further doors, `@lakh/mysql/settings`. */
const roomOf = (specifier: string): string => specifier.split('/').slice(0, 2).join('/');

/** Every import of a room's sources, as `[file, specifier]`. */
function importsOfRoom(room: string): [file: string, specifier: string][] {
  return sources(join(root, room, 'src')).flatMap((file) =>
    importsOf(file).map((specifier): [string, string] => [relative(root, file), specifier]),
  );
}

function mayImport(room: string, specifier: string): boolean {
  const { from, within = false, pure = false, rooms: own } = wingOf(room);
  if (specifier.startsWith('.')) return true;
  if (specifier.startsWith('node:')) return !pure;
  if (!specifier.startsWith('@lakh/')) {
    const { dependencies, devDependencies } = manifestOf(room);
    // What only tests use is no part of what `npm start` installs (test/docs/lock-file.test.ts).
    const libraries = Object.keys({ ...dependencies, ...(room.startsWith('test/') ? devDependencies : {}) });
    return libraries.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  }
  const target = roomNamed.get(roomOf(specifier)) ?? '';
  return (within && own.includes(target)) || from.some((wing) => wings[wing]?.rooms.includes(target));
}

/** What is reached from `start` along `next` and leads back to something on the way; undefined where nothing does. */
function cycleFrom(start: string, next: (node: string) => readonly string[]): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path, node];
    if (done.has(node)) return undefined;
    for (const target of next(node)) {
      const cycle = visit(target, [...path, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  return visit(start, []);
}

describe('the direction of imports', () => {
  test('every workspace is a room of one wing', () => {
    const built = ['.', 'test'].flatMap((dir) => {
      const { references } = JSON.parse(readFileSync(join(root, dir, 'tsconfig.json'), 'utf8'));
      const paths: string[] = references.map((r: { path: string }) => join(dir, r.path));
      expect(paths.filter((path) => path.startsWith('test/') !== (dir === 'test'))).toEqual([]);
      return paths;
    });
    expect(built.sort()).toEqual([...rooms].sort());
  });

  test.each(rooms)('%s imports only what it may', (room) => {
    expect(importsOfRoom(room).filter(([, specifier]) => !mayImport(room, specifier))).toEqual([]);
  });

  test.each(rooms)('%s has a manifest and project references that say what it imports', (room) => {
    const { references } = JSON.parse(readFileSync(join(root, room, 'tsconfig.json'), 'utf8'));
    const imported = new Set(
      importsOfRoom(room)
        .map(([, specifier]) => specifier)
        .filter((specifier) => specifier.startsWith('@lakh/'))
        .map(roomOf),
    );
    const declared = Object.keys(manifestOf(room).dependencies ?? {}).filter((name) => name.startsWith('@lakh/'));
    expect(declared.sort()).toEqual([...imported].sort());
    expect(references.map((r: { path: string }) => join(room, r.path)).sort()).toEqual(
      [...imported].map((name) => roomNamed.get(name)).sort(),
    );
  });

  test('rooms import one another in no circle', () => {
    const next = (room: string) =>
      Object.keys(manifestOf(room).dependencies ?? {}).flatMap((name) => roomNamed.get(name) ?? []);
    expect(rooms.flatMap((room) => cycleFrom(room, next) ?? [])).toEqual([]);
  });

  test('is drawn in docs/architecture.md, with what each room is', () => {
    const imports = new Map(
      rooms.map((room) => [
        room,
        Object.keys(manifestOf(room).dependencies ?? {}).flatMap((name) => roomNamed.get(name) ?? []),
      ]),
    );
    const page = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
    expect(page).toContain(house.picture(imports));
    expect(page).toContain(house.roomTable((room) => readFileSync(join(root, room, 'README.md'), 'utf8')));
  });

  test('files of one room import one another in no circle', () => {
    const next = (file: string) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => join(file, '..', specifier.replace(/\.js$/, '.ts')));
    const cycles = rooms
      .flatMap((room) => sources(join(root, room, 'src')))
      .flatMap((file) => cycleFrom(file, next) ?? []);
    expect(cycles.map((file) => relative(root, file))).toEqual([]);
  });

  test('only config.ts reads process.env', () => {
    const readers = rooms
      .flatMap((room) => sources(join(root, room, 'src')))
      .filter((file) => /process\.env\b/.test(readFileSync(file, 'utf8')))
      .map((file) => relative(root, file))
      .filter((file) => !file.endsWith('/config.ts'));
    expect(readers).toEqual([]);
  });
});
