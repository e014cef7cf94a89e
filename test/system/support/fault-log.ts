/** A fault that was made, and what it may have cost. Times are of `performance.now()`. */
export interface Fault {
  readonly name: string;
  /** Requests that were under way at some moment of it: a killed process takes some milliseconds to be gone. */
  inFlight: number;
  readonly startMs: number;
  endMs: number;
}

export interface Failure {
  readonly why: string;
  readonly sentMs: number;
  readonly failedMs: number;
}

/** Ends the request; `why` when it failed. */
export type EndRequest = (why?: string) => void;

/** Says which failed requests were in flight at which fault. */
export class FaultLog {
  readonly faults: Fault[] = [];
  readonly failures: Failure[] = [];
  #inFlight = 0;

  /** Call when a request is sent. */
  begin(): EndRequest {
    const sentMs = performance.now();
    this.#inFlight += 1;
    for (const fault of this.faults) if (fault.endMs === Number.POSITIVE_INFINITY) fault.inFlight += 1;
    return (why) => {
      this.#inFlight -= 1;
      if (why !== undefined) this.failures.push({ why, sentMs, failedMs: performance.now() });
    };
  }

  /** Makes a fault that is over when `make` resolves, as when a killed process is gone. */
  async during(name: string, make: () => Promise<void>): Promise<void> {
    const startMs = performance.now();
    const fault: Fault = { name, inFlight: this.#inFlight, startMs, endMs: Number.POSITIVE_INFINITY };
    this.faults.push(fault);
    await make();
    fault.endMs = performance.now();
  }

  /** Each fault with the failures of requests that were under way while it happened, and a text for each failure of no fault. */
  attributed(): {
    readonly byFault: readonly { readonly fault: Fault; readonly failures: Failure[] }[];
    readonly unexplained: string[];
  } {
    const byFault = this.faults.map((fault) => ({ fault, failures: [] as Failure[] }));
    const unexplained: string[] = [];
    for (const failure of this.failures) {
      const { sentMs, failedMs, why } = failure;
      const cause = byFault.find(({ fault }) => sentMs <= fault.endMs && failedMs >= fault.startMs);
      if (cause) cause.failures.push(failure);
      else unexplained.push([`${why}: ${span(sentMs, failedMs)}`, ...this.faults.map(describe)].join('; '));
    }
    return { byFault, unexplained };
  }
}

function describe({ name, inFlight, startMs, endMs }: Fault): string {
  return `${name} (${inFlight} in flight): ${span(startMs, endMs)}`;
}

function span(fromMs: number, toMs: number): string {
  return `from ${fromMs.toFixed(1)} to ${toMs.toFixed(1)} ms`;
}
