import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lines of the shared list of URLs from the web, and of its substitute. */
const LINE_COUNT = 47_940;

export interface UrlLines {
  readonly lines: readonly string[];
  readonly source: string;
}

/**
 * 47,940 distinct lines, of which one is no URL: the list beside the repository where there is one, otherwise the same number
 * made from the sample beside this file, the same ones on every machine.
 */
export function readUrlLines(root: string): UrlLines {
  const shared = join(root, '..', 'shared', 'data', 'urls.txt');
  if (existsSync(shared)) return { lines: linesOf(shared), source: 'URLs from the web' };
  return { lines: generateLines(join(__dirname, 'sample-urls.txt')), source: 'generated URLs' };
}

/** The sample's first line as it is, and the others over and over with a number of their own in place of `{n}`. */
function generateLines(sampleFile: string): string[] {
  const [noUrl, ...templates] = linesOf(sampleFile) as [string, ...string[]];
  return Array.from({ length: LINE_COUNT }, (_, n) =>
    n === 0 ? noUrl : (templates[n % templates.length] as string).replace('{n}', String(n)),
  );
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
