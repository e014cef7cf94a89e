import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

export interface SmallDisk {
  /** Takes all the room that is left. */
  fill(): void;
  free(): void;
  unmount(): void;
}

/** A folder on a disk of its own, in memory; only root can make one. */
export function mountDisk(dir: string, megabytes: number): SmallDisk {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', dir]);
  const filler = join(dir, 'filler');
  return {
    fill: () => void execFileSync('sh', ['-c', 'cat /dev/zero > "$0" 2>/dev/null || true', filler]),
    free: () => rmSync(filler),
    unmount: () => void execFileSync('umount', ['--lazy', dir]),
  };
}
