import type { StoredLink } from './link.js';
import type { CodeSource, GeneratedCode, LinkStore } from './ports.js';
import { isReservedWord } from './reserved-words.js';

export interface TakenAheadOptions {
  readonly store: Pick<LinkStore, 'find'>;
  readonly codes: Pick<CodeSource, 'upcoming'>;
}

const FIRST_PIECE = 64;
/** Codes asked for at once; a store reads them in a few statements. */
const LARGEST_PIECE = 1_024;
/**
 * Codes of one look. Many looks fit into one create, and what each has found need not be looked at again. What one finds is burnt in one turn of the
 * event loop, in which nobody else is served.
 */
const CODES_PER_LOOK = 4_000;

/**
 * Codes that will come up and cannot be used: aliases, and links that were deleted. Codes in a row can be guessed, and claimed as
 * aliases by the thousand; met one by one, each costs a create an insert, and together they cost it its answer. So a create that met
 * several in a row has the codes behind them looked at, until a free one is among them.
 *
 * It only ever knows that a code is taken, which stays so for ever. That one is free only the insert can tell, and no create
 * looks before its first insert.
 */
export class TakenAhead {
  readonly #options: TakenAheadOptions;
  #taken = new Set<string>();
  #looking: Promise<void> | undefined;

  constructor(options: TakenAheadOptions) {
    this.#options = options;
  }

  /** Whether a code that has come up was seen to be taken. */
  has(domainId: number, code: string): boolean {
    return this.#taken.size > 0 && this.#taken.delete(keyOf(domainId, code));
  }

  /** Looks ahead, or joins the look under way. Never rejects: what the store cannot tell the next insert will. */
  look(domainId: number): Promise<void> {
    this.#looking ??= this.#look(domainId).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(domainId: number): Promise<void> {
    const { store, codes } = this.#options;
    // What is left of an earlier look has come up and was issued otherwise, or is seen again.
    this.#taken = new Set();
    let seen = 0;
    for (const piece of piecesOf(codes.upcoming())) {
      const found = await Promise.allSettled(piece.map(({ code }) => store.find(domainId, code, { fresh: true })));
      const taken = piece.filter((_, i) => isTaken(found[i] as PromiseSettledResult<StoredLink | undefined>));
      for (const { code } of taken) this.#taken.add(keyOf(domainId, code));
      seen += piece.length;
      if (taken.length < piece.length || seen >= CODES_PER_LOOK) return;
    }
  }
}

function* piecesOf(codes: Iterable<GeneratedCode>): Generator<readonly GeneratedCode[]> {
  let size = FIRST_PIECE;
  let piece: GeneratedCode[] = [];
  for (const each of codes) {
    // Whoever meets one burns it without asking.
    if (isReservedWord(each.code)) continue;
    piece.push(each);
    if (piece.length < size) continue;
    yield piece;
    piece = [];
    size = Math.min(2 * size, LARGEST_PIECE);
  }
  if (piece.length > 0) yield piece;
}

/** A generated link under a code that was never issued is a broken invariant, and the insert's to find. */
function isTaken(found: PromiseSettledResult<StoredLink | undefined>): boolean {
  if (found.status === 'rejected' || found.value === undefined) return false;
  return found.value.state === 'deleted' || found.value.kind === 'alias';
}

function keyOf(domainId: number, code: string): string {
  return `${domainId}:${code}`;
}
