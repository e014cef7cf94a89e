import { backoff } from '@lakh/base';

/** Failures in a row after which nobody waits any more for a server that is probably away. */
const DEFAULT_FAILURES_TO_OPEN = 3;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

export interface HealthOptions {
  /** One bounded attempt to reach the server; rejects with the reason. */
  readonly probe: () => Promise<void>;
  readonly changed: (available: boolean, reason: string) => void;
  readonly random: () => number;
  /** Failures in a row that open it; default 3. */
  readonly failuresToOpen?: number;
}

/**
 * A circuit breaker that closes itself: after `failuresToOpen` failures in a row it is open, and callers are to be refused
 * at once. A probe in the background, not a caller's request, finds out when the server is back (a server that is taken
 * out of a balancer for being not ready gets no requests to find out with).
 */
export class Health {
  readonly #options: HealthOptions;
  readonly #pauseMs: (probes: number) => number;
  #failures = 0;
  #probes = 0;
  #open = false;
  #closed = false;
  #reason = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    // Drawn, so that the servers of a deployment do not knock at the same instant.
    this.#pauseMs = backoff({ firstMs: FIRST_PAUSE_MS, capMs: LONGEST_PAUSE_MS, random: options.random });
  }

  get available(): boolean {
    return !this.#open;
  }

  /** Why it is not available; empty while it is. */
  get reason(): string {
    return this.#open ? this.#reason : '';
  }

  success(): void {
    this.#failures = 0;
    if (!this.#open) return;
    this.#open = false;
    this.#probes = 0;
    clearTimeout(this.#timer);
    this.#options.changed(true, '');
  }

  failure(reason: string): void {
    this.#failures += 1;
    this.#reason = reason;
    if (this.#open || this.#closed || this.#failures < (this.#options.failuresToOpen ?? DEFAULT_FAILURES_TO_OPEN))
      return;
    this.#open = true;
    this.#scheduleProbe();
    this.#options.changed(false, reason);
  }

  /** As if nothing had been seen yet; tells nobody. */
  forget(): void {
    this.#failures = 0;
    this.#probes = 0;
    this.#open = false;
    clearTimeout(this.#timer);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #scheduleProbe(): void {
    this.#probes += 1;
    this.#timer = setTimeout(() => void this.#probe(), this.#pauseMs(this.#probes));
    this.#timer.unref();
  }

  async #probe(): Promise<void> {
    try {
      await this.#options.probe();
      this.success();
    } catch (error) {
      this.#reason = error instanceof Error ? error.message : String(error);
      if (this.#open && !this.#closed) this.#scheduleProbe();
    }
  }
}
