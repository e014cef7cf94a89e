import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const root = join(__dirname, '..', '..');

export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Files below `dir` (from the root) that `pattern` matches, without what is installed, built or stored. */
export function filesBelow(dir: string, pattern: RegExp): string[] {
  const passedBy = new Set(['node_modules', 'dist', 'data', 'coverage']);
  return readdirSync(join(root, dir), { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory())
      return passedBy.has(entry.name) || entry.name.startsWith('.') ? [] : filesBelow(path, pattern);
    return pattern.test(path) ? [path] : [];
  });
}

/** Every source of every workspace; tests are not among them. */
export function sources(): string[] {
  return ['packages', 'services', 'deploy', 'loadtest', 'test/nemesis'].flatMap((dir) =>
    filesBelow(dir, /\/src\/.*\.ts$/),
  );
}

export const pages = (): string[] => filesBelow('', /\.md$/).map((file) => relative('', file));

/** Markdown without fenced blocks. */
export const prose = (markdown: string): string => markdown.replace(/^```[^\n]*\n[\s\S]*?^```/gm, '');

/** The part of a page below the heading `title`, up to the next heading of any level. */
export function section(page: string, title: string): string {
  const lines = prose(read(page)).split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === title);
  if (start < 0) throw new Error(`${page} has no heading ${JSON.stringify(title)}`);
  const end = lines.findIndex((line, i) => i > start && /^#+ /.test(line));
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

/** Rows of the tables in a text, as trimmed cells; neither headings nor the lines under them. */
export function tableRows(text: string): string[][] {
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
  const isRule = (row: readonly string[] | undefined) => row?.every((cell) => /^:?-+:?$/.test(cell)) ?? false;
  return rows.filter((row, i) => !isRule(row) && !isRule(rows[i + 1]));
}

/** The words in backticks of a cell. */
export const ticked = (cell: string | undefined): string[] =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map((m) => m[1] as string);
