import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitStatusOf, watchInterruption } from '@lakh/local';

type Release = () => Promise<unknown> | unknown;

/** What a program started or made, released last-in first-out, whatever ends it. */
export class Scope {
  readonly #releases: Release[] = [];
  #closing: Promise<void> | undefined;

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Call before starting anything: throws once the scope closes, since nobody would end what starts then. */
  assertOpen(): void {
    if (this.closing) throw new Error('interrupted');
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
        progress(`while cleaning up: ${error instanceof Error ? error.message : error}`);
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

const EXIT_INTERRUPTED = 130;

/**
 * Runs a main program: its result, or what its error comes to, is the exit status. A signal, or the end of npm (which does not pass a SIGTERM on), releases everything and exits 130. A second signal changes nothing: every
 * release is bounded, and none may be left out.
 */
export async function runMain(startedByNpm: boolean, main: (scope: Scope) => Promise<number>): Promise<void> {
  const scope = new Scope();
  const { stop, dispose } = watchInterruption({ watchLauncher: startedByNpm });
  stop.addEventListener('abort', () => void scope.close().then(() => process.exit(EXIT_INTERRUPTED)));
  process.exitCode = await exitStatusOf(
    () => main(scope),
    // What fails because an interruption is ending its servers is no news.
    (line) => scope.closing || progress(line),
  );
  await scope.close();
  dispose();
}
