import { isReservedWord } from '@lakh/links';
import { base62 } from '@lakh/short-code';

/** A row of the ledger: counters [start, end) belong to `owner` for good. */
export interface LeasedRange {
  readonly start: number;
  readonly end: number;
  readonly owner: string;
}

interface Issue {
  readonly code: string;
  /** The line of the list that the link was made for, from 1. */
  readonly line: number;
  readonly longUrl: string;
}

const codec = base62();

/** Every link that was acknowledged, by counter, and what is wrong among them. */
export class IssuedLinks {
  readonly #byCounter = new Map<number, Issue>();
  readonly #again: { readonly counter: number; readonly issue: Issue }[] = [];
  readonly #undecodable: Issue[] = [];

  /** Takes down an acknowledged link; a code that was acknowledged before is kept apart for {@link duplicates}. */
  add(issue: Issue): void {
    const counter = codec.decode(issue.code);
    if (counter === undefined) this.#undecodable.push(issue);
    else if (this.#byCounter.has(counter)) this.#again.push({ counter, issue });
    else this.#byCounter.set(counter, issue);
  }

  get size(): number {
    return this.#byCounter.size;
  }

  all(): Iterable<Issue> {
    return this.#byCounter.values();
  }

  at(counter: number): Issue | undefined {
    return this.#byCounter.get(counter);
  }

  /** One text for each code that came a second time: the code, who it was for each time, its neighbours, and whose range it is of. */
  duplicates(ranges: readonly LeasedRange[]): string[] {
    return this.#again.map(({ counter, issue }) =>
      [
        `${issue.code} (counter ${counter}) was issued twice`,
        `first ${this.#describe(counter)}`,
        `again for line ${issue.line}`,
        `before it ${this.#describe(counter - 1)}`,
        `after it ${this.#describe(counter + 1)}`,
        `leased as ${
          ranges
            .filter((range) => contains(range, counter))
            .map(describeRange)
            .join(' and ') || 'nothing'
        }`,
      ].join('; '),
    );
  }

  /** Links whose code is no counter's, or a reserved word, or of a range that nobody leased. */
  misfits(ranges: readonly LeasedRange[]): string[] {
    const sorted = [...ranges].sort((a, b) => a.start - b.start);
    const outside = [...this.#byCounter.keys()].filter((counter) => !contains(rangeAt(sorted, counter), counter));
    const reserved = [...this.#byCounter.keys()].filter((counter) => isReservedWord(codec.encode(counter)));
    return [
      ...this.#undecodable.map(({ code, line }) => `${code} of line ${line} is no counter's code`),
      ...outside.map((counter) => `in no leased range: ${this.#describe(counter)}`),
      ...reserved.map((counter) => `a reserved word: ${this.#describe(counter)}`),
    ];
  }

  /** How many counters each owner issued. */
  countByOwner(ranges: readonly LeasedRange[]): Map<string, number> {
    const sorted = [...ranges].sort((a, b) => a.start - b.start);
    const counts = new Map<string, number>();
    for (const counter of this.#byCounter.keys()) {
      const owner = rangeAt(sorted, counter)?.owner;
      if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    return counts;
  }

  /** Counters that were passed over, below the last one issued from their range, and are no reserved word. */
  skipped(ranges: readonly LeasedRange[]): number[] {
    return ranges.flatMap(({ start, end }) => {
      const counters = Array.from({ length: end - start }, (_, i) => start + i);
      const last = counters.findLast((counter) => this.#byCounter.has(counter)) ?? start;
      return counters.filter(
        (counter) => counter < last && !this.#byCounter.has(counter) && !isReservedWord(codec.encode(counter)),
      );
    });
  }

  #describe(counter: number): string {
    const issue = this.#byCounter.get(counter);
    return issue ? `${issue.code} for line ${issue.line} (${issue.longUrl})` : `nothing at ${counter}`;
  }
}

/** Each pair of ranges that have a counter in common. */
export function overlaps(ranges: readonly LeasedRange[]): string[] {
  const sorted = [...ranges].sort((a, b) => a.start - b.start || a.end - b.end);
  return sorted.flatMap((range, i) => {
    const next = sorted[i + 1];
    return next !== undefined && next.start < range.end ? [`${describeRange(range)} and ${describeRange(next)}`] : [];
  });
}

/** The only range of disjoint `sorted` ones that can contain `counter`. */
function rangeAt(sorted: readonly LeasedRange[], counter: number): LeasedRange | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as LeasedRange).start <= counter) low = middle + 1;
    else high = middle;
  }
  return sorted[low - 1];
}

function contains(range: LeasedRange | undefined, counter: number): boolean {
  return range !== undefined && range.start <= counter && counter < range.end;
}

function describeRange({ start, end, owner }: LeasedRange): string {
  return `[${start}, ${end}) of ${owner}`;
}
