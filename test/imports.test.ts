import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * Who may import whom (docs/architecture.md). A workspace may import the ones listed for it and the libraries in its own
 * manifest; `pure` ones may not import Node's I/O modules either.
 */
const allowed: Record<string, { readonly pure?: boolean; readonly from: readonly string[] }> = {
  'packages/id-range': { pure: true, from: [] },
  'packages/short-code': { pure: true, from: [] },
  'packages/links': { pure: true, from: [] },
  'packages/operations': { pure: true, from: ['id-range', 'links', 'short-code'] },
  'packages/service-kit': { from: [] },
  'packages/id-range-zookeeper': { from: ['id-range'] },
  'packages/links-mysql': { from: ['id-range', 'links'] },
  'packages/links-redis': { from: ['links'] },
  'packages/cluster-storage': { from: ['links', 'links-mysql', 'links-redis', 'service-kit'] },
  'packages/embedded': { from: ['id-range', 'links'] },
  'packages/testkit': { from: ['id-range', 'links'] },
  'deploy/local': { from: [] },
  loadtest: { from: ['local', 'id-range', 'id-range-zookeeper', 'short-code', 'links', 'links-mysql'] },
  // A test that is a program: with the simulation the only one beside the tests that may import testkit, for its fault proxy.
  nemesis: { from: ['id-range', 'id-range-zookeeper', 'links', 'local', 'short-code', 'testkit'] },
  // The other one, for the simulated clock and its random numbers.
  simulation: {
    from: ['id-range', 'id-range-zookeeper', 'links', 'links-mysql', 'operations', 'short-code', 'testkit'],
  },
  'services/shorten': {
    from: ['cluster-storage', 'id-range', 'id-range-zookeeper', 'links', 'links-mysql', 'service-kit', 'short-code'],
  },
  'services/redirect': { from: ['cluster-storage', 'links', 'service-kit'] },
  'services/standalone': {
    from: ['embedded', 'links', 'operations', 'redirect', 'service-kit', 'shorten', 'short-code'],
  },
  'services/lakh': {
    from: ['embedded', 'id-range-zookeeper', 'links-mysql', 'operations', 'service-kit', 'short-code'],
  },
};

const root = join(__dirname, '..');

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

/** Every import of a workspace's sources, as `[file, specifier]`. */
function importsOfWorkspace(workspace: string): [file: string, specifier: string][] {
  return sources(join(root, workspace, 'src')).flatMap((file) =>
    importsOf(file).map((specifier): [string, string] => [relative(root, file), specifier]),
  );
}

describe('the direction of imports', () => {
  test('every workspace is listed here', () => {
    const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
    expect(references.map((r: { path: string }) => r.path).sort()).toEqual(Object.keys(allowed).sort());
  });

  test.each(Object.keys(allowed))('%s imports only what it may', (workspace) => {
    const manifest = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
    const rule = allowed[workspace] as (typeof allowed)[string];
    const libraries = Object.keys(manifest.dependencies ?? {}).filter((name) => !name.startsWith('@lakh/'));
    const refused = importsOfWorkspace(workspace).filter(([, specifier]) => {
      if (specifier.startsWith('.')) return false;
      if (specifier.startsWith('node:')) return rule.pure === true;
      if (specifier.startsWith('@lakh/')) return !rule.from.includes(specifier.slice('@lakh/'.length));
      return !libraries.some((name) => specifier === name || specifier.startsWith(`${name}/`));
    });
    expect(refused).toEqual([]);
  });

  test.each(Object.keys(allowed))('%s has a manifest and project references that say what it imports', (workspace) => {
    const manifest = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
    const { references } = JSON.parse(readFileSync(join(root, workspace, 'tsconfig.json'), 'utf8'));
    const imported = new Set(
      importsOfWorkspace(workspace)
        .map(([, specifier]) => specifier)
        .filter((specifier) => specifier.startsWith('@lakh/'))
        .map((specifier) => specifier.slice('@lakh/'.length)),
    );
    const declared = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith('@lakh/'));
    expect(declared.map((name) => name.slice('@lakh/'.length)).sort()).toEqual([...imported].sort());
    expect(references.map((r: { path: string }) => r.path.split('/').at(-1)).sort()).toEqual([...imported].sort());
  });

  test('only config.ts reads process.env', () => {
    const readers = Object.keys(allowed)
      .flatMap((workspace) => sources(join(root, workspace, 'src')))
      .filter((file) => /process\.env\b/.test(readFileSync(file, 'utf8')))
      .map((file) => relative(root, file))
      .filter((file) => !file.endsWith('/config.ts'));
    expect(readers).toEqual([]);
  });

  test('no import cycle inside a workspace', () => {
    for (const workspace of Object.keys(allowed)) {
      const files = sources(join(root, workspace, 'src'));
      const edges = new Map(
        files.map((file) => [
          file,
          importsOf(file)
            .filter((specifier) => specifier.startsWith('.'))
            .map((specifier) => join(file, '..', specifier.replace(/\.js$/, '.ts'))),
        ]),
      );
      const state = new Map<string, 'open' | 'done'>();
      const visit = (file: string, path: readonly string[]): void => {
        if (state.get(file) === 'done') return;
        if (state.get(file) === 'open')
          throw new Error(`cycle: ${[...path, file].map((f) => relative(root, f)).join(' → ')}`);
        state.set(file, 'open');
        for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
        state.set(file, 'done');
      };
      for (const file of files) visit(file, []);
    }
  });
});
