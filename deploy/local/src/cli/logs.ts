import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const CHUNK_BYTES = 65_536;
/** As far back as the end of a log is looked for. */
const MAX_TAIL_BYTES = 16 * 1024 * 1024;
const FOLLOW_POLL_MS = 200;
const NEWLINE = 10;

/** The last lines of a log, and how long it was then; what it has of them in its last 16 MiB. */
export function tailOf(file: string, lines: number): { readonly text: string; readonly endBytes: number } {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const chunks: Buffer[] = [];
    let start = size;
    // A newline at the very end ends the last line and starts none.
    let wanted = lines + 1;
    let cut = 0;
    while (lines > 0 && wanted > 0 && start > 0 && size - start < MAX_TAIL_BYTES) {
      const length = Math.min(CHUNK_BYTES, start);
      start -= length;
      const chunk = Buffer.alloc(length);
      readSync(fd, chunk, 0, length, start);
      const isLast = chunks.length === 0;
      for (let at = length - 1; at >= 0 && wanted > 0; at--) {
        if (chunk[at] !== NEWLINE) {
          if (isLast && at === length - 1) wanted--;
          continue;
        }
        wanted--;
        if (wanted === 0) cut = at + 1;
      }
      chunks.unshift(chunk);
    }
    return { text: Buffer.concat(chunks).subarray(cut).toString('utf8'), endBytes: size };
  } finally {
    closeSync(fd);
  }
}

/** Hands over what is added to a log, from `fromBytes` on, until aborted. A log that became shorter is read from its start. */
export async function follow(
  file: string,
  fromBytes: number,
  write: (data: Buffer) => void,
  signal: AbortSignal,
): Promise<void> {
  let at = fromBytes;
  while (!signal.aborted) {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size < at) at = 0;
    if (size === at) {
      await sleep(FOLLOW_POLL_MS, undefined, { signal }).catch(() => {});
      continue;
    }
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - at));
    const fd = openSync(file, 'r');
    try {
      const read = readSync(fd, chunk, 0, chunk.length, at);
      at += read;
      write(chunk.subarray(0, read));
    } finally {
      closeSync(fd);
    }
  }
}
