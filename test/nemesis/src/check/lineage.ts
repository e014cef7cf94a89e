import type { DatabaseEvent } from '../history.js';

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the database held during a span of time: everything of these spans, perhaps more. */
interface Version extends Span {
  readonly holds: readonly Span[];
}

/**
 * What a database that was set back to old copies must still have. After a restore it has what its copy had, and what came since; of
 * what was under way at either moment nothing is certain.
 */
export class DatabaseLineage {
  readonly #versions: readonly Version[];

  /** Throws for a restore of a copy that was never made. */
  constructor(events: readonly DatabaseEvent[]) {
    const always = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
    let now: Version = { ...always, holds: [always] };
    const past: Version[] = [];
    const copies = new Map<string, readonly Span[]>();
    for (const { did, copy, beganMs, endedMs } of events) {
      if (did === 'copied') {
        const known = now.holds.map(({ fromMs, toMs }) => ({ fromMs, toMs: Math.min(toMs, beganMs) }));
        copies.set(
          copy,
          known.filter(({ fromMs, toMs }) => fromMs < toMs),
        );
        continue;
      }
      const restored = copies.get(copy);
      if (restored === undefined) throw new Error(`the database was restored from ${copy}, which nobody made`);
      // Between the two moments it may be either.
      past.push({ ...now, toMs: endedMs });
      now = { ...always, fromMs: beganMs, holds: [...restored, { ...always, fromMs: endedMs }] };
    }
    this.#versions = [...past, now];
  }

  /** Whether what was acknowledged within `done` must have been there at every moment of `at`; without `at`: at the end. */
  mustHold(done: Span, at?: Span): boolean {
    const asked = at === undefined ? this.#versions.slice(-1) : this.#versions.filter((version) => meets(version, at));
    return asked.every(({ holds }) => holds.some((span) => span.fromMs <= done.fromMs && done.toMs <= span.toMs));
  }

  get wasRestored(): boolean {
    return this.#versions.length > 1;
  }
}

function meets(a: Span, b: Span): boolean {
  return a.fromMs <= b.toMs && b.fromMs <= a.toMs;
}
