import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFoundError } from '@lakh/http';
import { siteRoutes } from './site-routes.js';

/** More than any of them needs; a larger one is not served, and the log says so. */
const MAX_BYTES = 256 * 1024;

const TYPES = {
  getRobots: 'text/plain; charset=utf-8',
  getFavicon: 'image/x-icon',
  getSecurityText: 'text/plain; charset=utf-8',
  // As the platforms want them: this type, 200, and no redirect on the way.
  getAssetLinks: 'application/json',
  getAppleAssociation: 'application/json',
} as const;

export type SiteFileName = keyof typeof TYPES;

export const SITE_FILE_NAMES = Object.keys(TYPES) as readonly SiteFileName[];

export interface SiteFile {
  readonly type: string;
  readonly body: Buffer;
}

/**
 * What robots read where nobody wrote another: links may be followed, for each answers by itself that it is not to be listed, which who is not
 * let in never learns.
 */
const ROBOTS = 'User-agent: *\nDisallow: /api/\nDisallow: /-/\n';

export type ReadSiteFile = (name: SiteFileName) => Promise<SiteFile>;

/**
 * Reads a file of the folder as it is now, so that one that was changed needs no restart. Rejects with NotFoundError where there is none.
 *
 * @param dir undefined: there is no folder
 */
export function siteFilesIn(dir: string | undefined): ReadSiteFile {
  return async (name) => {
    const body = dir === undefined ? undefined : await read(join(dir, siteRoutes[name].path));
    if (body !== undefined) return { type: TYPES[name], body };
    if (name === 'getRobots') return { type: TYPES[name], body: Buffer.from(ROBOTS) };
    throw new NotFoundError('There is nothing here.');
  };
}

/** Undefined: there is no such file. */
async function read(path: string): Promise<Buffer | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    if (stat.size > MAX_BYTES) throw new Error(`${path} has more than ${MAX_BYTES} bytes: it is not served`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
