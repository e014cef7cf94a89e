/** `ranges check`, without any I/O: what a look at the witnesses means. */
import {
  ClusterMismatchError,
  COUNTER_SPACE_END,
  CounterSpaceEndedError,
  FIRST_MARK,
  type IdRangeError,
  isUnreadable,
  LedgerForgotError,
  LedgerMissingError,
  LedgerNotEmptyError,
  LITTLE_LEFT,
  type Mark,
  MarkForgotError,
  MarkImplausibleError,
  MarkMissingError,
  plausibleLead,
  RangeOverlapError,
  WitnessCorruptError,
} from '@lakh/id-range';
import { knownHead, type Witnesses } from './witnesses.js';

export interface Finding {
  /** A problem's is the code of the refusal that a server would give (docs/reference/errors.md). */
  readonly code: string;
  readonly severity: 'problem' | 'note';
  readonly message: string;
}

const note = (code: string, message: string): Finding => ({ code, severity: 'note', message });
const problem = ({ code, message }: IdRangeError): Finding => ({ code, severity: 'problem', message });

/** Everything that is wrong, and what is worth knowing although it is not. Servers refuse to lease for most problems. */
export function findingsOf(witnesses: Witnesses): readonly Finding[] {
  const { mark, head, rows, highestCounter } = witnesses;
  const found: Finding[] = [];
  const isVirgin = rows.count === 0 && highestCounter === 0;

  if (mark.mark === 'missing' && head === 'missing') {
    return isVirgin
      ? [
          note(
            'not_bootstrapped',
            'neither witness has anything: the first server to start, or lakh bootstrap, makes both',
          ),
        ]
      : [problem(new LedgerNotEmptyError())];
  }
  if (mark.mark === 'missing') {
    if (isVirgin) found.push(note('half_bootstrapped', 'a first start was interrupted; the next one finishes it'));
    else found.push(problem(new MarkMissingError(knownHead(head))));
  }
  found.push(...damages(witnesses));
  found.push(...heights(witnesses));
  for (const [first, second] of rows.overlaps) {
    const { start, end } = second.range;
    const { message } = new RangeOverlapError(start, end);
    found.push({
      code: 'range_overlap',
      severity: 'problem',
      message: `the ledger's rows [${first.range.start}, ${first.range.end}) of ${first.holder.serverId} and [${start}, ${end}) of ${second.holder.serverId} overlap. ${seeOf(message)}`,
    });
  }
  for (const { range, counter } of witnesses.linkedHoles) {
    found.push({
      code: 'ledger_forgot',
      severity: 'problem',
      message: `counter ${counter} became a link, but no row of the ledger covers [${range.start}, ${range.end}): its lease was forgotten. See docs/runbooks/ledger_forgot.md`,
    });
  }
  for (const { range } of witnesses.remainders.strays) {
    found.push({
      code: 'zookeeper_forgot',
      severity: 'problem',
      message: `there is an entry for the remainder [${range.start}, ${range.end}), which the ledger does not have as released: one of them was restored from an old copy (no server can claim it). See docs/runbooks/zookeeper_forgot.md`,
    });
  }
  found.push(...notesOf(witnesses));
  return found;
}

export function hasProblems(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'problem');
}

/** The sentence that names the runbook. */
function seeOf(message: string): string {
  return message.slice(message.indexOf('See docs/'));
}

function damages({ mark, head }: Witnesses): Finding[] {
  const found: Finding[] = [];
  if (isUnreadable(mark.mark)) {
    found.push(problem(new WitnessCorruptError(`the mark is ${JSON.stringify(mark.mark.unreadable)}`)));
  } else if (mark.mark !== 'missing' && !isPlausible(mark.mark)) {
    const { next, ledgered } = mark.mark;
    found.push(problem(new WitnessCorruptError(`the mark is next ${next}, ledgered ${ledgered}`)));
  }
  if (isUnreadable(mark.clusterId)) {
    const text = JSON.stringify(mark.clusterId.unreadable);
    found.push(problem(new WitnessCorruptError(`the cluster id beside the mark is ${text}`)));
  } else if (mark.clusterId === 'missing' && mark.mark !== 'missing') {
    found.push(problem(new WitnessCorruptError('the mark is there, but the cluster id beside it is missing')));
  }
  if (head === 'missing') {
    found.push(problem(new LedgerMissingError(readableMark(mark.mark)?.next)));
    return found;
  }
  if (isUnreadable(head.head) || head.head < FIRST_MARK) {
    const text = isUnreadable(head.head) ? JSON.stringify(head.head.unreadable) : String(head.head);
    found.push(problem(new WitnessCorruptError(`the ledger's head is ${text}`)));
  }
  if (isUnreadable(head.clusterId)) {
    found.push(problem(new WitnessCorruptError("the ledger's cluster id is missing")));
  } else if (typeof mark.clusterId === 'string' && mark.clusterId !== 'missing' && mark.clusterId !== head.clusterId) {
    found.push(problem(new ClusterMismatchError(mark.clusterId, head.clusterId)));
  }
  return found;
}

function heights({ markBefore, mark, head, rows, highestCounter, spaceEnd }: Witnesses): Finding[] {
  const found: Finding[] = [];
  const now = readableMark(mark.mark);
  const before = readableMark(markBefore.mark);
  const height = knownHead(head);
  if (height > 0) {
    if (before !== undefined && height < before.ledgered) {
      found.push(problem(new LedgerForgotError(height, before.ledgered, 'the mark')));
    }
    if (rows.highestEnd > height)
      found.push(problem(new LedgerForgotError(height, rows.highestEnd, 'a lease on record')));
    if (highestCounter >= height) found.push(problem(new LedgerForgotError(height, highestCounter + 1, 'a link')));
  }
  if (now === undefined) return found;
  const most = plausibleLead(rows.largestLease);
  if (height > 0 && now.next - height > most) found.push(problem(new MarkImplausibleError(now.next, height, most)));
  if (height > now.next) found.push(problem(new MarkForgotError(now.next, height, 'the ledger')));
  else if (rows.highestEnd > now.next) {
    found.push(problem(new MarkForgotError(now.next, rows.highestEnd, 'a lease on record')));
  }
  if (highestCounter >= now.next) found.push(problem(new MarkForgotError(now.next, highestCounter + 1, 'a link')));
  if (now.next >= spaceEnd) {
    found.push(problem(new CounterSpaceEndedError(`the mark is ${now.next} and counters end at ${spaceEnd}`)));
  }
  return found;
}

function notesOf({ mark, rows, remainders, spaceEnd }: Witnesses): Finding[] {
  const found: Finding[] = [];
  const total = (ranges: readonly { start: number; end: number }[]): number =>
    ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  if (rows.holes.length > 0) {
    found.push(
      note(
        'holes',
        `${total(rows.holes)} counters in ${rows.holes.length} places below the mark are on no row: leases that are being made, were abandoned, or that a restored ledger forgot; lakh ranges repair covers them`,
      ),
    );
  }
  if (remainders.orphans.length > 0) {
    const ranges = remainders.orphans.map(({ range }) => range);
    found.push(note('remainders_lost', `${total(ranges)} counters were released, but no entry offers them`));
  }
  const left = spaceEnd - (readableMark(mark.mark)?.next ?? 0);
  if (left > 0 && left < LITTLE_LEFT) {
    found.push(
      note(
        'counter_space_low',
        `${left} counters are left before ${spaceEnd}, where the codec has no further code. See docs/runbooks/counter_space_ended.md`,
      ),
    );
  }
  if (rows.truncated)
    found.push(note('truncated', 'there are more holes, overlaps or remainders than could be listed'));
  return found;
}

/** The mark, if it can be read at all. */
export function readableMark(mark: Witnesses['mark']['mark']): Mark | undefined {
  return mark === 'missing' || isUnreadable(mark) ? undefined : mark;
}

function isPlausible({ next, ledgered }: Mark): boolean {
  return next >= FIRST_MARK && next <= COUNTER_SPACE_END && ledgered <= next;
}
