/** What a link was at each moment, as far as its only writer knows, and whether what somebody read of it may be. */

/** What a read of a link gives: where it leads, or that it is no more. */
export type Face = { readonly leadsTo: string } | 'gone';

interface Version {
  readonly face: Face;
  readonly sentMs: number;
  /** When the writer knew of it; undefined: never, it may have been made at any moment since it was sent. */
  ackedMs: number | undefined;
}

/** `stale`: right before a change that was acknowledged `lateMs` before the read was sent. `wrong`: never right. */
export type Judgement =
  | { readonly is: 'right' }
  | { readonly is: 'stale'; readonly lateMs: number }
  | { readonly is: 'wrong' };

/** A change that is under way. */
export interface Change {
  acknowledged(atMs: number): void;
  /** Nothing came of it, for certain. */
  refused(): void;
}

const same = (a: Face, b: Face): boolean => (a === 'gone' || b === 'gone' ? a === b : a.leadsTo === b.leadsTo);

/** One link, created and changed by one writer, who sends a change only when the outcome of the last one is known. Times are of one clock. */
export class LinkTruth {
  readonly #versions: Version[];

  constructor(face: Face, sentMs: number, ackedMs: number) {
    this.#versions = [{ face, sentMs, ackedMs }];
  }

  /** What it is for certain; undefined after a change whose outcome nobody knows. */
  get face(): Face | undefined {
    const last = this.#versions.at(-1) as Version;
    return last.ackedMs === undefined ? undefined : last.face;
  }

  /** A change whose outcome is never told stays possible for ever. */
  change(face: Face, sentMs: number): Change {
    const version: Version = { face, sentMs, ackedMs: undefined };
    this.#versions.push(version);
    return {
      acknowledged(atMs) {
        version.ackedMs = atMs;
      },
      refused: () => {
        this.#versions.splice(this.#versions.indexOf(version), 1);
      },
    };
  }

  /** Of a read that was sent at `sentMs` and answered at `doneMs`. */
  judge(face: Face, sentMs: number, doneMs: number): Judgement {
    const lastKnown = this.#versions.findLastIndex(({ ackedMs }) => ackedMs !== undefined && ackedMs <= sentMs);
    const possible = this.#versions.filter((version, i) => i >= lastKnown && version.sentMs <= doneMs);
    if (possible.some((version) => same(version.face, face))) return { is: 'right' };
    const was = this.#versions.findLastIndex((version, i) => i < lastKnown && same(version.face, face));
    if (was === -1) return { is: 'wrong' };
    const next = this.#versions.slice(was + 1).find(({ ackedMs }) => ackedMs !== undefined) as Version;
    return { is: 'stale', lateMs: sentMs - (next.ackedMs as number) };
  }
}
