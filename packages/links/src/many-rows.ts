import type { Draft, ShortenResult } from './draft.js';
import type { InsertOutcome } from './insert-outcome.js';
import type { GeneratedCode } from './ports.js';

/** What became of one of several links. */
export type Shortened = ShortenResult | NotShortened;

/** Why a link was not made. */
export class NotShortened {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

export interface ManyRowsOptions {
  /** A code that is not known to be taken. */
  readonly nextCode: () => Promise<GeneratedCode>;
  readonly insert: (next: GeneratedCode, draft: Draft) => Promise<InsertOutcome>;
  /** What an insert has come to; undefined: the code is taken. */
  readonly judge: (next: GeneratedCode, met: InsertOutcome) => ShortenResult | undefined;
  /** Goes on with another code. */
  readonly again: (taken: GeneratedCode, draft: Draft) => Promise<ShortenResult>;
}

const failed = (error: unknown) => new NotShortened(error);

/**
 * Creates the links of `drafts` with generated codes, in one statement where the store makes one of inserts that come together. Each has as little in
 * memory as may be until it is durable: of a thousand links that went the way of single ones, half of the time was the garbage collector's.
 *
 * @returns in the order of `drafts`, of which those that were not valid are there as what was wrong with them
 */
export async function insertMany(
  options: ManyRowsOptions,
  drafts: readonly (Draft | NotShortened)[],
): Promise<readonly Shortened[]> {
  const { nextCode, insert, judge, again } = options;
  const codes: (GeneratedCode | undefined)[] = [];
  const inserts: (Promise<InsertOutcome | NotShortened> | NotShortened)[] = [];
  let stopped: NotShortened | undefined;
  for (const draft of drafts) {
    const isWanted = !(draft instanceof NotShortened);
    // Where there is no code for one, there is none for those behind it: each would wait as long.
    const next = isWanted && !stopped ? await nextCode().catch(failed) : undefined;
    if (next instanceof NotShortened) stopped = next;
    const code = next instanceof NotShortened ? undefined : next;
    codes.push(code);
    if (isWanted && code) inserts.push(insert(code, draft).catch(failed));
    else inserts.push(isWanted ? (stopped as NotShortened) : draft);
  }
  const results: (Shortened | Promise<Shortened>)[] = [];
  for (const [index, inserted] of inserts.entries()) {
    const met = await inserted;
    results.push(met instanceof NotShortened ? met : settle(index, met));
  }
  return Promise.all(results);

  function settle(index: number, met: InsertOutcome): Shortened | Promise<Shortened> {
    try {
      const next = codes[index] as GeneratedCode;
      return judge(next, met) ?? again(next, drafts[index] as Draft).catch(failed);
    } catch (error) {
      return failed(error);
    }
  }
}
