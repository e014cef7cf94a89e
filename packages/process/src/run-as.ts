import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';

export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/**
 * From root to somebody without its rights, for good. What was opened stays open; files are from now on the other's to read or not, and the
 * kernel shows nobody but root this process's memory and environment.
 */
export function becomeUser({ uid, gid }: Ids): void {
  if (!process.setgroups || !process.setgid || !process.setuid) {
    throw new Error('LAKH_RUN_AS: this system has no user ids');
  }
  loadWhatIsLoadedLate();
  // The user last: without root's rights the others could not be set.
  process.setgroups([]);
  process.setgid(gid);
  process.setuid(uid);
}

/**
 * Libraries put off loading some of their files until they are wanted (character sets, for one), when this process may not read them any
 * more: the repository may be where root alone can go.
 */
function loadWhatIsLoadedLate(): void {
  const { cache } = createRequire(import.meta.url);
  const seen = new Set<string>();
  for (let files = Object.keys(cache); files.length > 0; files = Object.keys(cache).filter((file) => !seen.has(file))) {
    for (const file of files) {
      seen.add(file);
      if (!/\.c?js$/.test(file)) continue;
      const load = createRequire(file);
      for (const [, wanted = ''] of readFileSync(file, 'utf8').matchAll(/\brequire\(\s*['"]([^'"]+)['"]\s*\)/g)) {
        if (isBuiltin(wanted)) continue;
        try {
          load(wanted);
        } catch {
          // Optional, of another system, or in a comment: whoever wants it has to do without, as anywhere else.
        }
      }
    }
  }
}
