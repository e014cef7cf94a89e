import { join } from 'node:path';
import * as house from '../../scripts/house.mjs';
import { read } from './support.js';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const locked: Readonly<Record<string, Locked>> = JSON.parse(read('package-lock.json')).packages;
const installed = Object.entries(locked).filter(([path, { link }]) => path.includes('node_modules/') && !link);
const rooms: readonly string[] = Object.values(house.wings).flatMap((wing) => wing.rooms);
const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Whether `name` is there for the package at `path`, looked for as Node does. */
function isThere(path: string, name: string): boolean {
  const folders = path.split('/');
  return folders
    .map((_, i) => folders.slice(0, folders.length - i).join('/'))
    .concat('')
    .some((folder) => `${folder}${folder && '/'}node_modules/${name}` in locked);
}

describe('the lock file', () => {
  test('is the one of these manifests', () => {
    const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;
    for (const dir of ['', ...rooms]) {
      const manifest = JSON.parse(read(join(dir, 'package.json')));
      for (const kind of kinds)
        expect([dir, kind, locked[dir]?.[kind] ?? {}]).toEqual([dir, kind, manifest[kind] ?? {}]);
    }
    const folders = Object.keys(locked).filter((path) => path !== '' && !path.includes('node_modules/'));
    expect(folders.sort()).toEqual([...rooms].sort());
  });

  test('names no host, and what each package has to contain', () => {
    expect(installed.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
    expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([]);
  });

  test('lists the binaries of every platform', () => {
    const lacking = Object.entries(locked).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !isThere(path, name)),
    );
    expect(lacking).toEqual([]);
    const platforms = (owner: string) =>
      installed.filter(([path]) => nameOf(path).startsWith(owner)).flatMap(([, { os = [] }]) => os);
    for (const owner of ['@biomejs/cli-', '@swc/core-', '@libsql/', '@typescript/', '@unrs/resolver-binding-'])
      expect([owner, platforms(owner)]).toEqual([owner, expect.arrayContaining(['darwin', 'linux', 'win32'])]);
  });
});

describe('what npm start installs', () => {
  const toRun = installed.filter(([, { dev }]) => !dev);
  const names = new Set(toRun.map(([path]) => nameOf(path)));

  test('holds nothing that only tests need', () => {
    const forTests = ['', ...rooms].flatMap((dir) => Object.keys(locked[dir]?.devDependencies ?? {}));
    expect(forTests).toEqual(expect.arrayContaining(['jest', '@swc/core', '@biomejs/biome', 'fast-check']));
    expect(forTests.filter((name) => names.has(name))).toEqual([]);
    const testRooms = house.wings.test?.rooms ?? [];
    expect(testRooms.flatMap((room) => Object.keys(locked[room]?.dependencies ?? {})).sort()).toEqual(
      expect.not.arrayContaining([expect.not.stringMatching(/^@lakh\//)]),
    );
  });

  test('holds the compiler, and runs on less than 150 packages', () => {
    expect(names).toContain('typescript');
    expect(toRun.filter(([, { os, cpu }]) => !os && !cpu).length).toBeLessThan(140);
  });

  test('runs no script of theirs', () => {
    expect(read('.npmrc').split('\n')).toContain('ignore-scripts=true');
  });
});
