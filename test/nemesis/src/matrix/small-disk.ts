import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FILLER = 'filler';
const PAGE = 4_096;
const PAGES_AT_ONCE = 256;

/** A folder whose disk is its own, in memory, and can be filled. What is in it before and after lies beside it meanwhile. */
export class SmallDisk {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** `dir` is made when it is missing. Throws where nothing may be mounted: {@link whyNoDisk} tells before. */
  static mount(dir: string, megabytes: number): SmallDisk {
    const hadSome = existsSync(dir);
    if (hadSome) renameSync(dir, beside(dir));
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    mount(dir, megabytes);
    if (hadSome) {
      copy(beside(dir), dir);
      rmSync(beside(dir), { recursive: true });
    }
    return new SmallDisk(dir);
  }

  /** Takes all the room that is left. */
  fill(): void {
    const file = openSync(join(this.#dir, FILLER), 'a', 0o600);
    try {
      for (const pages of [PAGES_AT_ONCE, 1]) while (wasWritten(file, pages * PAGE));
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what {@link fill} took. */
  free(): void {
    rmSync(join(this.#dir, FILLER), { force: true });
  }

  /** What was on it is in the folder from then on. Nothing may use it any more. */
  unmount(): void {
    this.free();
    copy(this.#dir, beside(this.#dir));
    unmount(this.#dir);
    rmSync(this.#dir, { recursive: true });
    renameSync(beside(this.#dir), this.#dir);
  }
}

const beside = (dir: string): string => `${dir}.beside`;

/** With owners and modes. */
function copy(from: string, to: string): void {
  execFileSync('cp', ['--archive', '--no-target-directory', from, to], { stdio: 'pipe' });
}

/** Why no {@link SmallDisk} can be had here; undefined where it can. Found by trying. */
export function whyNoDisk(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-disk-'));
  try {
    mount(dir, 1);
    unmount(dir);
    return undefined;
  } catch (error) {
    const told = (error as { readonly stderr?: string }).stderr?.trim() || (error as Error).message;
    return `a disk of its own needs root, or \`unshare --map-root-user --mount\` before the command: ${told}`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function mount(dir: string, megabytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', dir], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

function unmount(dir: string): void {
  execFileSync('umount', [dir], { encoding: 'utf8', stdio: 'pipe' });
}

/** False: there is no room for it. What there was room for of it was written. */
function wasWritten(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes)) === bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
