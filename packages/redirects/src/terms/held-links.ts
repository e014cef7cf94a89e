import { type CachedLink, outcomeOf, termsText } from '@lakh/links';

/** Beside its texts, about. */
const ENTRY_BYTES = 1_024;

/**
 * Links with terms, for as long as whoever read them said that they may be served: beside L1's answers, for each click on them is answered in its own way.
 * The least recently followed go first.
 */
export class HeldLinks {
  readonly #maxBytes: number;
  readonly #links = new Map<string, CachedLink>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** By request path, at `nowMs` of the monotonic clock. */
  get(path: string, nowMs: number): CachedLink['link'] | undefined {
    const held = this.#links.get(path);
    if (held === undefined || nowMs >= held.validUntilMs) return undefined;
    this.#links.delete(path);
    this.#links.set(path, held);
    return held.link;
  }

  /** Whether the path was one of a link that may be followed at `nowMs` of the wall clock: before its time nobody is told that it is there. */
  knows(path: string, nowMs: number): boolean {
    return outcomeOf(this.#links.get(path)?.link, nowMs) !== 'missing';
  }

  set(path: string, found: CachedLink): void {
    this.delete(path);
    this.#links.set(path, found);
    this.#bytes += bytesOf(found);
    for (const oldest of this.#links.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(path: string): void {
    const held = this.#links.get(path);
    if (held === undefined) return;
    this.#links.delete(path);
    this.#bytes -= bytesOf(held);
  }

  clear(): void {
    this.#links.clear();
    this.#bytes = 0;
  }
}

function bytesOf({ link }: CachedLink): number {
  if (link.state !== 'live' || link.terms === null) return ENTRY_BYTES;
  return ENTRY_BYTES + 2 * (link.longUrl.length + termsText(link.terms).length);
}
