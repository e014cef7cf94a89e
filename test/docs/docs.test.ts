import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KNOWN_NAMES, RENAMED_NAMES } from '@lakh/settings';
import { pages, prose, read, root, sources } from './support.js';

/** What a heading is linked as: GitHub's rule. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...prose(markdown).matchAll(/^#+ (.+)$/gm)].map((m) => (m[1] as string).toLowerCase());
  return new Set(headings.map((text) => text.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}

describe('links between pages', () => {
  const linksOf = (page: string): string[] =>
    [...prose(read(page)).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)]
      .map((m) => m[1] as string)
      .filter((target) => !/^[a-z]+:/.test(target));

  test.each(pages())('those of %s lead somewhere', (page) => {
    const broken = linksOf(page).filter((target) => {
      const [path, anchor] = target.split('#', 2) as [string, string?];
      const file = path === '' ? page : join(dirname(page), decodeURIComponent(path));
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && !anchorsOf(read(file)).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('every page of docs is linked from another one', () => {
    const linked = new Set(
      pages().flatMap((page) => linksOf(page).map((target) => join(dirname(page), target.split('#')[0] ?? ''))),
    );
    expect(pages().filter((page) => page.startsWith('docs/') && !linked.has(page))).toEqual([]);
  });

  test('pages that sources name exist', () => {
    const missing = sources().flatMap((file) =>
      [...read(file).matchAll(/\bdocs\/[\w./-]+\.(?:md|yaml)\b/g)]
        .filter(([page]) => !existsSync(join(root, page)))
        .map(([page]) => `${file}: ${page}`),
    );
    expect(missing).toEqual([]);
  });
});

test.each(pages())('no point of %s is made twice', (page) => {
  for (const section of prose(read(page)).split(/^#+ /m)) {
    const points = [...section.matchAll(/^- \*\*(.+?)\.?\*\*/gm)].map((m) => (m[1] as string).split(/[.,]/)[0]);
    expect(points).toEqual([...new Set(points)]);
  }
});

describe('runbooks', () => {
  const errors = read('packages/id-range/src/errors.ts');
  const named = [...errors.matchAll(/\brefusal\(\s*'([a-z_]+)'/g)].map((m) => m[1] as string);
  const refusals = [...(/REFUSALS[^[]*\[([^\]]*)\]/.exec(errors)?.[1] ?? '').matchAll(/'([a-z_]+)'/g)].map(
    (m) => m[1] as string,
  );
  const elsewhere = sources().flatMap((file) =>
    [...read(file).matchAll(/\bSee docs\/runbooks\/([a-z_]+)\.md/g)].map((m) => m[1] as string),
  );
  const codes = [...new Set([...named, ...refusals, ...elsewhere])];

  test('there are errors that name one', () => {
    expect(named.length).toBeGreaterThan(5);
    expect(refusals.length).toBeGreaterThan(5);
  });

  test.each(codes)('%s has one, which says what to look at and what to do', (code) => {
    const page = `docs/runbooks/${code}.md`;
    expect(existsSync(join(root, page))).toBe(true);
    const text = read(page);
    expect(text.split('\n')[0]).toBe(`# ${code}`);
    for (const part of ['**Symptom.**', '**Why it ', '**Check', '**Do today.**']) expect(text).toContain(part);
  });

  test.each(codes)('%s is in the list of runbooks and beside its error', (code) => {
    expect(read('docs/runbooks/README.md')).toContain(`[${code}](${code}.md)`);
    expect(read('docs/reference/errors.md')).toMatch(new RegExp(`\\| \`${code}\` .*runbooks/${code}\\.md`));
  });
});

describe('what pages mention', () => {
  const settings = new Set(KNOWN_NAMES);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

  test.each(pages())('settings and npm scripts of %s exist', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const earlier = page === 'CHANGELOG.md' ? RENAMED_NAMES : {};
    const unknownSettings = [...text.matchAll(/\bLAKH_[A-Z0-9_]*[A-Z0-9]\b(?!_|…)/g)]
      .map(([name]) => name)
      .filter((name) => !settings.has(name) && !Object.hasOwn(earlier, name));
    const unknownScripts = [...text.matchAll(/\bnpm run ([a-z:]+)/g)]
      .map((m) => m[1] as string)
      .filter((name) => !Object.hasOwn(scripts, name));
    expect({ unknownSettings, unknownScripts }).toEqual({ unknownSettings: [], unknownScripts: [] });
  });
});
