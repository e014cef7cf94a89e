import {
  COUNTER_SPACE_END,
  type CounterRange,
  FIRST_MARK,
  type HeadInspection,
  isUnreadable,
  type LedgerRow,
  MAX_RANGES_ASKED,
  type MarkInspection,
  type Remainder,
} from '@lakh/id-range';
import { CODEC_FACT, CodecMismatchError, endOfDescribedCodec, parseRecordedCodec } from '@lakh/short-code';
import type { OperationsPorts } from './ports.js';

/** What a look at everything found: both witnesses, the ledger's rows, and the links themselves. */
export interface Witnesses {
  /** Read before everything else: its `ledgered` is a height that any later head has to reach. */
  readonly markBefore: MarkInspection;
  /** Read after everything else: its `next` has to be above every height read before. */
  readonly mark: MarkInspection;
  readonly head: HeadInspection | 'missing';
  readonly rows: LedgerScan;
  /** The highest counter that became a link, 0 when there is none. */
  readonly highestCounter: number;
  /** The first counter that the database's codec, with the keys that it knows of, has no code for. */
  readonly spaceEnd: number;
  /** A hole, and the highest counter in it that became a link nevertheless. */
  readonly linkedHoles: readonly { readonly range: CounterRange; readonly counter: number }[];
  readonly remainders: RemainderScan;
}

export interface LedgerScan {
  readonly count: number;
  readonly highestEnd: number;
  /** Counters of the largest range that a server leased, 0 when there is none. */
  readonly largestLease: number;
  /**
   * Below the head or the mark and covered by no row, each looked at twice; at most {@link MAX_HOLES}. Those above the head are leases
   * that are being made, that were abandoned, or that a restored ledger forgot: nothing in the heights tells which.
   */
  readonly holes: readonly CounterRange[];
  readonly overlaps: readonly (readonly [LedgerRow, LedgerRow])[];
  /** Rows in state `released`, at most {@link MAX_HOLES}. */
  readonly released: readonly LedgerRow[];
  /** More holes, overlaps or released rows were there than are listed. */
  readonly truncated: boolean;
}

export interface RemainderScan {
  /** Every entry in ZooKeeper. */
  readonly entries: readonly Remainder[];
  /** Entries in ZooKeeper without a released row: one of the two forgot. */
  readonly strays: readonly Remainder[];
  /** Released rows without an entry: nobody can claim them. */
  readonly orphans: readonly LedgerRow[];
}

const MAX_HOLES = 10_000;
const PAGE_ROWS = 5_000;
const MAX_REMAINDERS = 10_000;

/** Reads everything, in the order that makes the heights comparable while servers lease. Rejects with what a port rejects with. */
export async function readWitnesses(ports: OperationsPorts): Promise<Witnesses> {
  const { marks, ledger, counters } = ports;
  const markBefore = await marks.inspect();
  const highestCounter = await counters.highest();
  const listed = (await ports.remainders.list(MAX_REMAINDERS)).remainders;
  const headBefore = await ledger.head();
  const rows = await scanLedger(ports, Math.max(knownHead(headBefore), knownMark(markBefore)));
  const linkedHoles = await linksInHoles(ports, rows.holes);
  const remainders = await compareRemainders(ports, rows, listed);
  const head = await ledger.head();
  const mark = await marks.inspect();
  const spaceEnd = await spaceEndOf(ports);
  return { markBefore, mark, head, rows, highestCounter, spaceEnd, linkedHoles, remainders };
}

/** Where counters end for servers of this system: 62^7, or where the last of the sealed keys on record does. */
export async function spaceEndOf({ facts }: Pick<OperationsPorts, 'facts'>): Promise<number> {
  const recorded = await facts.read(CODEC_FACT);
  if (recorded === undefined) return COUNTER_SPACE_END;
  try {
    return endOfDescribedCodec(parseRecordedCodec(recorded));
  } catch (error) {
    // A damaged record is what `audit` and every start complain of; heights can be looked at without it.
    if (!(error instanceof CodecMismatchError)) throw error;
    return COUNTER_SPACE_END;
  }
}

/** The head as a number; 0 when there is none that can be read. */
export function knownHead(head: HeadInspection | 'missing'): number {
  return head === 'missing' || isUnreadable(head.head) ? 0 : head.head;
}

/** The first counter that no range has covered, as far as the mark can be read. */
function knownMark({ mark }: MarkInspection): number {
  return mark === 'missing' || isUnreadable(mark) ? 0 : mark.next;
}

/** All rows in the order of their starts, a page at a time; those that start at `from` or later. */
export async function* ledgerRows({ ledger }: Pick<OperationsPorts, 'ledger'>, from = 0): AsyncGenerator<LedgerRow> {
  for (;;) {
    const page = await ledger.rowsFrom(from, PAGE_ROWS);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return;
    from = last.range.start + 1;
  }
}

/** The row that covers `counter`; undefined when none does. */
export async function rowOf({ ledger }: OperationsPorts, counter: number): Promise<LedgerRow | undefined> {
  const [row] = await ledger.rowsBelow(counter + 1, 1);
  return row !== undefined && row.range.end > counter ? row : undefined;
}

async function scanLedger(ports: OperationsPorts, heightBefore: number): Promise<LedgerScan> {
  const holes: CounterRange[] = [];
  const overlaps: [LedgerRow, LedgerRow][] = [];
  const released: LedgerRow[] = [];
  let truncated = false;
  const keep = <T>(list: T[], item: T): void => {
    if (list.length < MAX_HOLES) list.push(item);
    else truncated = true;
  };
  let count = 0;
  let largestLease = 0;
  let end = FIRST_MARK;
  let furthest: LedgerRow | undefined;
  for await (const row of ledgerRows(ports)) {
    count += 1;
    const { range } = row;
    if (range.start > end) keep(holes, { start: end, end: range.start });
    if (furthest !== undefined && range.start < furthest.range.end) keep(overlaps, [furthest, row]);
    if (row.state === 'leased') largestLease = Math.max(largestLease, range.end - range.start);
    if (row.state === 'released') keep(released, row);
    if (range.end > end || furthest === undefined) {
      end = Math.max(end, range.end);
      furthest = row;
    }
  }
  if (heightBefore > end) keep(holes, { start: end, end: heightBefore });
  return {
    count,
    highestEnd: furthest?.range.end ?? 0,
    largestLease,
    holes: await stillUncovered(ports, holes),
    overlaps: await filter(overlaps, (pair) => isStillOverlap(ports, pair)),
    released,
    truncated,
  };
}

/** Rows may have been added behind the scan's back: leases of two servers arrive out of order. */
async function stillUncovered(ports: OperationsPorts, holes: readonly CounterRange[]): Promise<CounterRange[]> {
  const uncovered: CounterRange[] = [];
  for (const hole of holes) {
    const [last] = await ports.ledger.rowsBelow(hole.end, 1);
    if (last === undefined || last.range.end <= hole.start) uncovered.push(hole);
    else uncovered.push(...(await uncoveredWithin(ports, hole)));
  }
  return uncovered;
}

/** What no row covers of what was a hole, so that rows in it start in it. */
async function uncoveredWithin(ports: OperationsPorts, hole: CounterRange): Promise<CounterRange[]> {
  const uncovered: CounterRange[] = [];
  let from = hole.start;
  for await (const { range } of ledgerRows(ports, hole.start)) {
    if (range.start >= hole.end) break;
    if (range.start > from) uncovered.push({ start: from, end: range.start });
    from = Math.max(from, range.end);
  }
  if (from < hole.end) uncovered.push({ start: from, end: hole.end });
  return uncovered;
}

/** A row is cut in two when its tail is released, and the scan may meet the whole and then the tail. */
async function isStillOverlap(
  { ledger }: OperationsPorts,
  [first, second]: readonly [LedgerRow, LedgerRow],
): Promise<boolean> {
  const [again] = await ledger.rowsFrom(first.range.start, 1);
  return again !== undefined && again.range.start === first.range.start && again.range.end > second.range.start;
}

async function linksInHoles(
  ports: OperationsPorts,
  holes: readonly CounterRange[],
): Promise<{ range: CounterRange; counter: number }[]> {
  const linked: { range: CounterRange; counter: number }[] = [];
  for (let i = 0; i < holes.length; i += MAX_RANGES_ASKED) {
    const asked = holes.slice(i, i + MAX_RANGES_ASKED);
    const highest = await ports.counters.highestWithin(asked);
    for (const [j, range] of asked.entries()) {
      const counter = highest[j] ?? 0;
      // A lease may have been recorded, and its first link made, since the hole was looked at.
      if (counter > 0 && (await rowOf(ports, counter)) === undefined) linked.push({ range, counter });
    }
  }
  return linked;
}

async function compareRemainders(
  ports: OperationsPorts,
  { released }: LedgerScan,
  listed: readonly Remainder[],
): Promise<RemainderScan> {
  const key = ({ start, end }: CounterRange): string => `${start}-${end}`;
  const entries = new Set(listed.map(({ range }) => key(range)));
  const rows = new Set(released.map(({ range }) => key(range)));
  const strays = listed.filter(({ range }) => !rows.has(key(range)));
  const missing = released.filter(({ range }) => !entries.has(key(range)));
  return {
    entries: listed,
    // Both lists were read at different times: what looks unmatched is looked at once more.
    strays: await filter(strays, async ({ range }) => {
      const [row] = await ports.ledger.rowsFrom(range.start, 1);
      return row === undefined || key(row.range) !== key(range) || row.state !== 'released';
    }),
    orphans: await filter(missing, async ({ range }) => {
      const [row] = await ports.ledger.rowsFrom(range.start, 1);
      return row !== undefined && key(row.range) === key(range) && row.state === 'released';
    }),
  };
}

async function filter<T>(items: readonly T[], isKept: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept: T[] = [];
  for (const item of items) if (await isKept(item)) kept.push(item);
  return kept;
}
