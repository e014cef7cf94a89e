import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The wall clock of one process under libfaketime, which takes the offset from a file and reads that anew every second. The
 * monotonic clock is left alone: a machine's wall clock can be set, its monotonic one cannot.
 */
export class SkewedClock {
  readonly environment: Readonly<Record<string, string>>;
  readonly #file: string;

  constructor(dir: string, library: string) {
    this.#file = join(dir, 'clock');
    this.environment = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // The name that versions before 0.9.11 know.
      DONT_FAKE_MONOTONIC: '1',
    };
    this.set(0);
  }

  /** Seconds ahead of the right time; behind, when negative. */
  set(offsetS: number): void {
    writeFileSync(this.#file, `${offsetS < 0 ? '-' : '+'}${Math.abs(offsetS)}\n`);
  }
}

/** Where Debian's package has the library; undefined where it is not installed. */
export function findFaketime(libraries = '/usr/lib'): string | undefined {
  return readdirSync(libraries)
    .map((architecture) => join(libraries, architecture, 'faketime'))
    .flatMap((dir) => {
      try {
        return readdirSync(dir).map((name) => join(dir, name));
      } catch {
        return [];
      }
    })
    .find((file) => file.endsWith('/libfaketime.so.1'));
}
