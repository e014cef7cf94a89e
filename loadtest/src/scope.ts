import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from './arguments.js';

type Release = () => Promise<unknown> | unknown;

const PARENT_CHECK_INTERVAL_MS = 500;

/** What a program started or made, released last-in first-out, whatever ends it. */
export class Scope {
  readonly #releases: Release[] = [];
  #closing: Promise<void> | undefined;

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Registers what undoes something. Once the scope closes, it is undone at once. */
  defer(release: Release): void {
    if (this.#closing === undefined) this.#releases.push(release);
    else this.#closing = this.#closing.then(async () => void (await release()));
  }

  /** Runs every release; a failing one is reported to stderr and does not keep the others from running. */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    for (let release = this.#releases.pop(); release !== undefined; release = this.#releases.pop()) {
      try {
        await release();
      } catch (error) {
        progress(`while cleaning up: ${messageOf(error)}`);
      }
    }
  }

  /** A folder of its own under `parent` (default: the system's temporary folder), removed with the scope. */
  async folder(purpose: string, parent: string = tmpdir()): Promise<string> {
    const dir = await mkdtemp(join(parent, `lakh-${purpose}-`));
    this.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
    return dir;
  }
}

/** Progress goes to stderr: stdout carries only the answer. */
export function progress(text: string): void {
  process.stderr.write(`lakh: ${text}\n`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/**
 * Runs a main program: its result is the exit code, an error is exit 1 with its message, a {@link UsageError} exit 2. SIGINT, SIGTERM
 * and the end of npm (which does not pass a SIGTERM on) release everything first.
 */
export async function runMain(startedByNpm: boolean, main: (scope: Scope) => Promise<number>): Promise<void> {
  const scope = new Scope();
  const end = (exitCode: number) => void scope.close().then(() => process.exit(exitCode));
  process.once('SIGINT', () => end(130));
  process.once('SIGTERM', () => end(143));
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (startedByNpm && process.ppid !== parent && !scope.closing) end(143);
  }, PARENT_CHECK_INTERVAL_MS);
  watch.unref();
  try {
    process.exitCode = await main(scope);
  } catch (error) {
    // What fails because a signal is ending its servers is no news.
    if (!scope.closing) progress(error instanceof UsageError ? `${error.message} (try --help)` : messageOf(error));
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
  await scope.close();
  clearInterval(watch);
}
