import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BUILD_DEADLINE_MS = 120_000;

/** The newest section of the changelog that has a date: by its commit, for a clone may come without tags. */
export const PREVIOUS = { version: '0.1.0', commit: '1274b581e32c33f73868b070b25f8fdaa7a48ea7' } as const;

/** Why the previous release cannot be had here; undefined when it can. */
export function whyNoPrevious(root: string): string | undefined {
  const { status } = spawnSync('git', ['-C', root, 'rev-parse', '--quiet', '--verify', `${PREVIOUS.commit}^{commit}`]);
  if (status === 0) return undefined;
  return `the history here lacks ${PREVIOUS.version} (${PREVIOUS.commit}): a copy without git, or a shallow clone`;
}

/** Takes the previous release's sources from the history into `dir` and builds its programs there, with the packages that are installed here. */
export async function buildPrevious(root: string, dir: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const archive = spawn('git', ['-C', root, 'archive', PREVIOUS.commit], { stdio: ['ignore', 'pipe', 'inherit'] });
  const unpacked = spawn('tar', ['-x', '-C', dir], { stdio: [archive.stdout, 'inherit', 'inherit'] });
  const ends = await Promise.all([once(archive, 'exit'), once(unpacked, 'exit')]);
  if (ends.some(([code]) => code !== 0)) throw new Error(`${PREVIOUS.version} could not be unpacked`);

  link(join(root, 'node_modules'), join(dir, 'node_modules'));
  for (const room of ['packages', 'services'].flatMap((wing) =>
    readdirSync(join(dir, wing)).map((name) => join(wing, name)),
  )) {
    const own = join(root, room, 'node_modules');
    if (existsSync(own)) symlinkSync(own, join(dir, room, 'node_modules'));
  }
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const programs = ['shorten', 'redirect', 'lakh'].map((name) => join('services', name));
  await run(process.execPath, [tsc, '-b', ...programs], { cwd: dir, timeout: BUILD_DEADLINE_MS }).catch((error) => {
    throw new Error(`${PREVIOUS.version} could not be built: ${error.stdout || error.message}`);
  });
}

/** Every installed package, but of Lakh's own rooms those that are beside `to`. */
function link(from: string, to: string): void {
  mkdirSync(join(to, '@lakh'), { recursive: true });
  for (const name of readdirSync(from).filter((each) => each !== '@lakh'))
    symlinkSync(join(from, name), join(to, name));
  for (const name of readdirSync(join(from, '@lakh'))) {
    symlinkSync(readlinkSync(join(from, '@lakh', name)), join(to, '@lakh', name));
  }
}
