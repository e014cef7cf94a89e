/**
 * A repair, without any I/O: what has to be written so that both witnesses stand above every counter that may have been issued, and
 * the ledger covers everything below. Raise, never lower: counters that are skipped harm nobody.
 *
 * The order of the steps is part of the plan. The ledger comes first, the mark last, so that a repair that ends half-way leaves
 * servers refusing (the head is above the mark), and running it again finishes it.
 */
import {
  ClusterMismatchError,
  COUNTER_SPACE_END,
  type CounterRange,
  type CoverState,
  FIRST_MARK,
  isUnreadable,
  LedgerNotEmptyError,
  type LedgerRow,
  type Mark,
  type Remainder,
  WitnessCorruptError,
} from '@lakh/id-range';
import { readableMark } from './findings.js';
import { knownHead, type Witnesses } from './witnesses.js';

export type RepairStep =
  | { readonly step: 'put-head'; readonly from: number | string; readonly to: number; readonly clusterId: string }
  | { readonly step: 'cover'; readonly range: CounterRange; readonly state: CoverState }
  /** A released row that no entry offers is retired, so that an entry that comes back cannot be claimed. */
  | { readonly step: 'retire'; readonly row: LedgerRow }
  /** An entry that the ledger does not have as released is removed, so that a ledger that comes back cannot agree with it. */
  | { readonly step: 'remove-entry'; readonly remainder: Remainder }
  | { readonly step: 'put-mark'; readonly from: string; readonly to: Mark; readonly clusterId: string };

export interface RepairPlan {
  /** The first counter that servers will lease afterwards. */
  readonly next: number;
  /** Empty: both witnesses are as they should be. */
  readonly steps: readonly RepairStep[];
}

export interface PlanOptions {
  /** The mark is raised to this at least, which an earlier look decided on. */
  readonly atLeast?: number;
  /** This many counters above everything that is known, instead. */
  readonly skip?: number;
  /**
   * Everything may come from an old copy, so that what is offered as a remainder may have been claimed and issued since: none of it is
   * offered any more.
   */
  readonly distrustRemainders?: boolean;
  /** With it, two missing witnesses beside links are made under this cluster id. */
  readonly adoptAs?: string;
  /** With it, two witnesses that nobody has used are made too, under this cluster id: a copy may be older than their first use. */
  readonly newAs?: string | undefined;
}

/** Heights that are not taken from a mark are rounded up to this: one lakh. */
const ROUND_TO = 100_000;
/**
 * A mark that was lost may have stood above everything that is on record: by the ranges that servers had just taken from it, and never
 * issued from. A server that saw it so high refuses a lower one until it is restarted, so the new mark is higher by this many of the
 * largest ranges, and by ten lakh at least.
 */
const RANGES_IN_DOUBT = 10;
const LEAST_MARGIN = 1_000_000;

/**
 * @throws ClusterMismatchError, WitnessCorruptError (no cluster id is left), LedgerNotEmptyError (no witness is left): only a person can
 *   know what belongs there
 */
export function planRepair(witnesses: Witnesses, options: PlanOptions = {}): RepairPlan {
  const { mark, head, rows, highestCounter } = witnesses;
  const isVirgin = rows.count === 0 && highestCounter === 0;
  const isNew = mark.mark === 'missing' && head === 'missing';
  if (isNew && options.adoptAs === undefined) {
    if (!isVirgin) throw new LedgerNotEmptyError();
    if (options.newAs === undefined) return { next: FIRST_MARK, steps: [] };
  }
  const clusterId = commonClusterId(witnesses, options.adoptAs ?? (isNew ? options.newAs : undefined));
  const now = readableMark(mark.mark);
  const known = highestKnown(witnesses);
  const wanted = Math.max(
    options.atLeast ?? 0,
    options.skip === undefined ? 0 : roundUp(known) + options.skip,
    now !== undefined && now.next >= known ? now.next : roundUp(known) + marginOf(witnesses, isVirgin, options),
  );
  const next = Math.min(COUNTER_SPACE_END, wanted);

  const steps: RepairStep[] = [];
  const headNow = knownHead(head);
  const raisesMark = now === undefined || next > now.next;
  const headIsLow =
    headNow < FIRST_MARK ||
    headNow < (readableMark(witnesses.markBefore.mark)?.ledgered ?? 0) ||
    headNow < rows.highestEnd ||
    headNow <= highestCounter;
  const headThen = raisesMark || headIsLow ? Math.max(headNow, next) : headNow;
  if (headThen !== headNow || head === 'missing' || isUnreadable(head.clusterId)) {
    steps.push({ step: 'put-head', from: head === 'missing' ? head : shown(head.head), to: headThen, clusterId });
  }
  const covered = options.adoptAs === undefined ? 'hole' : 'adopted';
  const looked = Math.max(rows.highestEnd, headNow, FIRST_MARK, rows.holes.at(-1)?.end ?? 0);
  for (const range of holesBelow(rows.holes, looked, headThen)) {
    // What lies above all that is known was never anybody's.
    const edge = Math.min(Math.max(known, range.start), range.end);
    if (edge > range.start) steps.push({ step: 'cover', range: { start: range.start, end: edge }, state: covered });
    if (range.end > edge) steps.push({ step: 'cover', range: { start: edge, end: range.end }, state: 'skipped' });
  }
  const { orphans, strays, entries } = witnesses.remainders;
  const isDistrusted = options.distrustRemainders ?? options.adoptAs !== undefined;
  for (const row of isDistrusted ? rows.released : orphans) steps.push({ step: 'retire', row });
  for (const remainder of isDistrusted ? entries : strays) steps.push({ step: 'remove-entry', remainder });
  if (raisesMark || now.ledgered > now.next || mark.clusterId !== clusterId) {
    const to = { next: Math.max(next, now?.next ?? 0), ledgered: Math.max(headThen, now?.ledgered ?? 0) };
    const from =
      mark.mark === 'missing'
        ? 'missing'
        : now === undefined
          ? String(shown(mark.mark))
          : `${now.next} ${now.ledgered}`;
    steps.push({ step: 'put-mark', from, to, clusterId });
  }
  return { next: Math.max(next, now?.next ?? 0), steps };
}

/** The first counter that nothing here knows of. */
function highestKnown({ markBefore, mark, head, rows, highestCounter }: Witnesses): number {
  const marks = [markBefore.mark, mark.mark]
    .map(readableMark)
    .flatMap((each) => (each ? [each.next, each.ledgered] : []));
  return Math.max(FIRST_MARK, knownHead(head), rows.highestEnd, highestCounter > 0 ? highestCounter + 1 : 0, ...marks);
}

/** One that is there, also when others adopted at the same time: a second one beside it would be for a person to sort out. */
function commonClusterId({ mark, head }: Witnesses, adoptAs: string | undefined): string {
  const ofMark = typeof mark.clusterId === 'string' && mark.clusterId !== 'missing' ? mark.clusterId : undefined;
  const ofHead = head === 'missing' || isUnreadable(head.clusterId) ? undefined : head.clusterId;
  if (ofMark !== undefined && ofHead !== undefined && ofMark !== ofHead) throw new ClusterMismatchError(ofMark, ofHead);
  const common = ofMark ?? ofHead ?? adoptAs;
  if (common === undefined) throw new WitnessCorruptError('neither witness has a cluster id that can be read');
  return common;
}

/** The holes that were found, and what lies between the highest counter that was looked at and a head that is raised. */
function holesBelow(holes: readonly CounterRange[], from: number, head: number): CounterRange[] {
  const last = holes.at(-1);
  if (head <= from) return [...holes];
  return last?.end === from
    ? [...holes.slice(0, -1), { start: last.start, end: head }]
    : [...holes, { start: from, end: head }];
}

function marginOf({ rows }: Witnesses, isVirgin: boolean, { atLeast }: PlanOptions): number {
  // A first start that was interrupted begins at the first mark; a later round has decided already.
  return isVirgin || atLeast !== undefined ? 0 : Math.max(LEAST_MARGIN, RANGES_IN_DOUBT * rows.largestLease);
}

function roundUp(counter: number): number {
  return Math.ceil(counter / ROUND_TO) * ROUND_TO;
}

function shown(value: unknown): number | string {
  if (typeof value === 'number') return value;
  return isUnreadable(value) ? JSON.stringify(value.unreadable) : String(value);
}
