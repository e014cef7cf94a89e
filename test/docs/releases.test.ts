import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { read, root, sources } from './support.js';

const { version, workspaces } = JSON.parse(read('package.json')) as { version: string; workspaces: string[] };
const headings = [...read('CHANGELOG.md').matchAll(/^## (.+)$/gm)].map((m) => m[1] as string);
const released = headings.slice(1);

const numbersOf = (text: string) => text.split('.').map(Number) as [number, number, number];
const isBefore = (a: string, b: string) => {
  const [one, two] = [numbersOf(a), numbersOf(b)];
  const at = one.findIndex((number, i) => number !== two[i]);
  return at >= 0 && (one[at] as number) < (two[at] as number);
};

describe('a release', () => {
  test('has one version, in every manifest, program and description', () => {
    const rooms = workspaces.flatMap((pattern) => {
      const parent = pattern.replace('/*', '');
      return pattern.endsWith('/*') ? readdirSync(join(root, parent)).map((name) => `${parent}/${name}`) : [pattern];
    });
    const manifests = rooms.map((room) => [room, JSON.parse(read(`${room}/package.json`)).version]);
    expect(manifests.filter(([, own]) => own !== version)).toEqual([]);
    const programs = sources()
      .filter((file) => /^services\/\w+\/src\/main\.ts$/.test(file))
      .flatMap((file) => [...read(file).matchAll(/^ {2,4}version: '(.+)',$/gm)].map((m) => m[1]));
    expect(programs.length).toBeGreaterThan(3);
    expect(
      [...programs, parse(read('docs/reference/openapi.yaml')).info.version].filter((own) => own !== version),
    ).toEqual([]);
  });

  test('has a section of the changelog with its date, the newest first, below what is not released', () => {
    expect(headings[0]).toBe('Unreleased');
    expect(released.filter((heading) => !/^\d+\.\d+\.\d+ – \d{4}-\d\d-\d\d$/.test(heading))).toEqual([]);
    const versions = released.map((heading) => heading.split(' ')[0] as string);
    expect(versions.filter((each, i) => i > 0 && !isBefore(each, versions[i - 1] as string))).toEqual([]);
    expect(versions.filter((each) => isBefore(version, each))).toEqual([]);
  });

  test('is the one that the update is tried from, by the commit of its tag', () => {
    const text = read('test/system/support/previous-release.ts');
    const [, previous, commit] = /version: '(.+)', commit: '([0-9a-f]{40})'/.exec(text) ?? [];
    expect(previous).toBe(released[0]?.split(' ')[0]);
    const tag = spawnSync('git', ['rev-parse', '--quiet', '--verify', `v${previous}^{commit}`], {
      cwd: root,
      encoding: 'utf8',
    });
    if (tag.status === 0) expect(tag.stdout.trim()).toBe(commit);
  });

  // A copy without its tags, or before the first, has nothing to compare.
  const tags = spawnSync('git', ['tag', '--list', 'v*'], { cwd: root, encoding: 'utf8' }).stdout?.split('\n') ?? [];
  (tags.some(Boolean) ? test : test.skip)('has a tag, and a tag has a section', () => {
    expect(tags.filter(Boolean).sort()).toEqual(released.map((heading) => `v${heading.split(' ')[0]}`).sort());
  });
});
