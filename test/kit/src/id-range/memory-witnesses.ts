import {
  type CounterRange,
  type CounterWitness,
  type HeadInspection,
  isUnreadable,
  type Ledger,
  type LedgerAdmin,
  LedgerMissingError,
  type LedgerRow,
  type Mark,
  type MarkAdmin,
  type MarkStore,
  type Remainder,
  type RemainderStore,
  type Unreadable,
} from '@lakh/id-range';

/** Both witnesses and the links' counters in memory, as an operator's tools and as servers see them; damaged at will by its user. */
export class MemoryWitnesses {
  mark: Mark | 'missing' | Unreadable = 'missing';
  markClusterId: string | 'missing' | Unreadable = 'missing';
  head: number | 'missing' | Unreadable = 'missing';
  headClusterId: string | Unreadable = { unreadable: '' };
  rows: readonly LedgerRow[] = [];
  linkCounters: readonly number[] = [];
  entries: readonly CounterRange[] = [];
  /** Every write raises it: a version is what it was at a read. */
  #revision = 0;

  readonly marks: MarkAdmin = {
    inspect: async () => ({ mark: this.mark, clusterId: this.markClusterId, version: this.#revision }),
    put: async (version, mark, clusterId) => {
      if (version !== this.#revision) return 'stale';
      this.#writeMark(mark, clusterId);
      return 'written';
    },
  };

  readonly ledger: LedgerAdmin = {
    head: async (): Promise<HeadInspection | 'missing'> =>
      this.head === 'missing'
        ? 'missing'
        : { head: this.head, clusterId: this.headClusterId, version: this.#headText() },
    putHead: async (inspected, head, clusterId) => {
      if (inspected !== 'missing' && !isUnreadable(inspected.head) && head < inspected.head) {
        throw new RangeError(`a head is never lowered: from ${inspected.head} to ${head}`);
      }
      const expected = inspected === 'missing' ? inspected : inspected.version;
      if (expected !== (this.head === 'missing' ? 'missing' : this.#headText())) return 'stale';
      this.head = head;
      this.headClusterId = clusterId;
      return 'written';
    },
    rowsFrom: async (start, limit) =>
      this.#sorted()
        .filter(({ range }) => range.start >= start)
        .slice(0, limit),
    rowsBelow: async (end, limit) =>
      this.#sorted()
        .reverse()
        .filter(({ range }) => range.start < end)
        .slice(0, limit),
    add: async (rows) => this.#add(rows),
    retire: async (range) => {
      const found = this.rows.find((row) => row.state === 'released' && isSame(row.range, range));
      if (found === undefined) return 'gone';
      this.rows = this.rows.map((row) => (row === found ? { ...row, state: 'retired' } : row));
      return 'retired';
    },
  };

  readonly counters: CounterWitness = {
    highest: async () => Math.max(0, ...this.linkCounters),
    highestWithin: async (ranges) =>
      ranges.map(({ start, end }) =>
        Math.max(0, ...this.linkCounters.filter((counter) => counter >= start && counter < end)),
      ),
  };

  readonly remainders: Pick<RemainderStore, 'list' | 'claim'> = {
    list: async (limit) => ({
      remainders: this.entries.slice(0, limit).map((range): Remainder => ({ range, version: undefined })),
      malformed: 0,
    }),
    claim: async ({ range }) => {
      const left = this.entries.filter((entry) => !isSame(entry, range));
      const outcome = left.length < this.entries.length ? 'claimed' : 'gone';
      this.entries = left;
      return outcome;
    },
  };

  /** The first witness as servers see it. Only for a mark that is whole. */
  readonly markStore: MarkStore = {
    read: async () => {
      if (this.mark === 'missing' || isUnreadable(this.mark)) return 'missing';
      return { mark: this.mark, clusterId: String(this.markClusterId), version: this.#revision };
    },
    write: async (version, mark) => {
      if (version !== this.#revision) return { outcome: 'stale' };
      this.#writeMark(mark, this.markClusterId);
      return { outcome: 'written', witnessVersion: this.#revision };
    },
    create: async (mark, clusterId) => {
      if (this.mark !== 'missing') return 'exists';
      this.#writeMark(mark, clusterId);
      return 'created';
    },
  };

  /** The second witness as servers see it, without remainders. */
  readonly serverLedger: Pick<Ledger, 'head' | 'record' | 'create'> = {
    head: async () => {
      if (this.head === 'missing' || isUnreadable(this.head)) return 'missing';
      const virgin = this.rows.length === 0 && this.linkCounters.length === 0;
      return { head: this.head, clusterId: String(this.headClusterId), virgin };
    },
    record: async (lease) => ((await this.#add([{ ...lease, state: 'leased' }])) === 'added' ? 'recorded' : 'overlap'),
    create: async (head, clusterId) => {
      if (this.head !== 'missing') return 'exists';
      if (this.rows.length > 0 || this.linkCounters.length > 0) return 'not-empty';
      this.head = head;
      this.headClusterId = clusterId;
      return 'created';
    },
  };

  #writeMark(mark: Mark, clusterId: string | Unreadable): void {
    this.mark = mark;
    this.markClusterId = clusterId;
    this.#revision += 1;
  }

  #headText(): string {
    return JSON.stringify([this.head, this.headClusterId]);
  }

  #sorted(): LedgerRow[] {
    return [...this.rows].sort((a, b) => a.range.start - b.range.start);
  }

  async #add(added: readonly LedgerRow[]): Promise<'added' | 'overlap'> {
    let last = 0;
    for (const { range } of added) {
      if (range.start < last || range.start >= range.end) throw new RangeError('rows are added in order, and disjoint');
      last = range.end;
    }
    if (added.length === 0) throw new RangeError('no rows');
    if (this.head === 'missing') throw new LedgerMissingError();
    const meets = added.some(({ range }) =>
      this.rows.some((row) => range.start < row.range.end && row.range.start < range.end),
    );
    if (meets) return 'overlap';
    this.rows = [...this.rows, ...added];
    this.head = isUnreadable(this.head) ? this.head : Math.max(this.head, last);
    return 'added';
  }
}

function isSame(a: CounterRange, b: CounterRange): boolean {
  return a.start === b.start && a.end === b.end;
}
