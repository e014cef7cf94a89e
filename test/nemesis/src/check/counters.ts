/**
 * Ledger, store and mark agree, and every counter below the mark is accounted for: used, held back for a reason, or lost for one.
 *
 * What a failed create cost is not in anybody's log: its counter is gone, or its link is stored though nobody was told. Together
 * these are never more than the creates that failed, and that is checked.
 */
import type { CounterRange } from '@lakh/id-range';
import { isReservedWord } from '@lakh/links';
import { base62 } from '@lakh/short-code';
import type { LeaseEvent, LossEvent } from '../history.js';
import { type Evidence, isAcknowledged } from './evidence.js';
import { pidIn } from './holders.js';

/** Why counters below the mark carry no link. */
export type LossReason = string;

export interface LostCounters {
  readonly reason: LossReason;
  readonly counters: number;
  /** Where, by start; neighbours are one. */
  readonly ranges: readonly CounterRange[];
}

export interface CounterFindings {
  readonly violations: readonly string[];
  readonly used: number;
  readonly leased: number;
  readonly lost: readonly LostCounters[];
}

export const REASON = {
  failed: 'a create that failed',
  reserved: 'a reserved word',
  killed: 'held by a server that was killed',
  waiting: 'a remainder that waits to be claimed',
  entryLost: 'a remainder whose entry was lost with a witness',
  inBetween: 'taken from the mark by a server that was killed before the ledger had it',
} as const;

/** What the database may have forgotten that its holder goes on using. */
const FORGOTTEN_STATES = new Set(['hole', 'retired', 'released']);
const codec = base62();

export function judgeCounters(evidence: Evidence, wasRestored: boolean): CounterFindings {
  const { heights, run } = evidence;
  if (heights === undefined) return { violations: [], used: 0, leased: 0, lost: [] };
  const violations: string[] = [];
  const { used, unacknowledged } = usedCounters(evidence, violations);
  const account = new Account(used);
  const leases = [...evidence.leases].sort((a, b) => a.start - b.start || a.end - b.end);
  let next = run.firstMark;
  for (const lease of leases) {
    if (lease.start < next) violations.push(`${describe(lease)} overlaps what comes before it`);
    judgeGap({ start: next, end: lease.start }, evidence, account, violations);
    judgeLease({ ...lease, start: Math.max(next, lease.start) }, evidence, wasRestored, account, violations);
    next = Math.max(next, lease.end);
  }
  judgeGap({ start: next, end: heights.next }, evidence, account, violations);
  if (next > heights.next || heights.head > heights.next) {
    violations.push(`the mark is ${heights.next}, below the ledger (rows end at ${next}, the head is ${heights.head})`);
  }
  if (heights.ledgered > heights.head) {
    violations.push(`the mark remembers a ledger of ${heights.ledgered}, but its head is ${heights.head}`);
  }
  const beyond = [...used].filter((counter) => counter >= heights.next || counter < run.firstMark);
  for (const counter of beyond) violations.push(`${named(counter)} lies outside of what the mark has given`);

  const failures = evidence.requests.filter(({ op, status }) => op === 'create' && status !== 201).length;
  const costs = account.of(REASON.failed) + unacknowledged;
  if (costs > failures) {
    violations.push(
      `${account.of(REASON.failed)} counters vanished and ${unacknowledged} links were stored that nobody was told of, ` +
        `but only ${failures} creates failed`,
    );
  }
  const total = account.total + used.size - beyond.length;
  if (violations.length === 0 && total !== heights.next - run.firstMark) {
    violations.push(`${heights.next - run.firstMark} counters were given, but ${total} accounted for`);
  }
  const leased = leases.filter(({ state }) => state === 'leased').reduce((sum, { start, end }) => sum + end - start, 0);
  return { violations, used: used.size, leased, lost: account.lost() };
}

/** Counters that are, or were, links: those of the store, and those that were given to somebody. */
function usedCounters(evidence: Evidence, violations: string[]): { used: Set<number>; unacknowledged: number } {
  const used = new Set<number>();
  for (const { code } of evidence.requests.filter(isAcknowledged)) {
    const counter = codec.decode(code);
    if (counter === undefined) violations.push(`${code} is no counter's code`);
    else used.add(counter);
  }
  let unacknowledged = 0;
  const stored = new Map<number, string>();
  for (const { counter, code } of evidence.rows) {
    const other = stored.get(counter);
    if (other !== undefined) violations.push(`the store has counter ${counter} twice: ${other} and ${code}`);
    stored.set(counter, code);
    if (codec.encode(counter) !== code) violations.push(`the store has ${code} for ${named(counter)}`);
    if (!used.has(counter)) unacknowledged += 1;
    used.add(counter);
  }
  return { used, unacknowledged };
}

/** Whether both witnesses came from old copies: `lakh restore` skips what was leased since, and issued. */
function wasRestoredWhole({ repairs }: Evidence): boolean {
  return repairs.some(({ witness }) => witness === 'both');
}

function judgeLease(
  lease: LeaseEvent,
  evidence: Evidence,
  wasRestored: boolean,
  account: Account,
  violations: string[],
): void {
  const { state } = lease;
  const last = account.lastUsedIn(lease);
  // With the ledger's copy alone nobody skips over what was issued.
  const isForgotten = FORGOTTEN_STATES.has(state) || (state === 'skipped' && wasRestoredWhole(evidence));
  if (last !== undefined && state !== 'leased' && !(wasRestored && isForgotten)) {
    violations.push(`${named(last)} was issued, but its range is ${state}: ${describe(lease)}`);
  }
  // A range that one server gave up for want of an answer may have become another's.
  const own = (loss: LossEvent): boolean => state !== 'leased' || loss.server === lease.serverId;
  const explained = account.lose(lease, evidence.losses.filter(own));
  if (state === 'leased') {
    const tail = { start: Math.max(explained, last === undefined ? lease.start : last + 1), end: lease.end };
    const fate = fateOf(lease, evidence);
    // What was with workers, or had come back from them, lies below what others of them issued.
    const before = fate === 'killed' && hadWorkers(lease, evidence) ? REASON.killed : REASON.failed;
    account.unused({ start: lease.start, end: Math.min(tail.start, lease.end) }, before);
    if (fate === undefined) violations.push(`nobody who was seen holds ${describe(lease)}`);
    account.unused(tail, fate === 'killed' ? REASON.killed : REASON.failed);
  } else if (state === 'released') {
    const waits = evidence.entries.some(({ start, end }) => start === lease.start && end === lease.end);
    if (!waits && explained < lease.end && evidence.repairs.length === 0) {
      violations.push(`nobody offers ${describe(lease)}, and no witness was lost`);
    }
    account.unused(lease, waits ? REASON.waiting : REASON.entryLost);
  } else account.unused(lease, `${state}: covered by a repair`);
}

/** Counters that were taken from the mark and are in no row. */
function judgeGap(gap: CounterRange, evidence: Evidence, account: Account, violations: string[]): void {
  if (gap.start >= gap.end) return;
  const last = account.lastUsedIn(gap);
  if (last !== undefined) violations.push(`${named(last)} was issued, but is in no leased range`);
  account.lose(gap, evidence.losses);
  const left = account.unused(gap, REASON.inBetween);
  const anyKilled = evidence.processes.some(({ server, fate }) => server.startsWith('shorten') && fate === 'killed');
  if (left > 0 && !anyKilled) violations.push(`[${gap.start}, ${gap.end}) left the mark, and nobody says why`);
}

/** How the process in the middle of a server's id (`host-pid-random`) ended; undefined when it did not, or is none of ours. */
function fateOf(lease: LeaseEvent, { processes }: Evidence): 'killed' | 'stopped' | undefined {
  const pid = pidIn(lease);
  const fate = processes.findLast((event) => event.pid === pid)?.fate;
  return fate === 'started' ? undefined : fate;
}

function hadWorkers(lease: LeaseEvent, { processes, run }: Evidence): boolean {
  const server = processes.find(({ pid }) => pid === pidIn(lease))?.server;
  return server !== undefined && (run.withWorkers ?? []).includes(server);
}

/** Every counter without a link, under the first reason that is found for it. Of each stretch, losses are booked first. */
class Account {
  readonly #used: ReadonlySet<number>;
  /** Those that a server spoke of; the others, of which there may be millions, are only asked for once. */
  readonly #spokenOf = new Set<number>();
  readonly #lost = new Map<LossReason, { counters: number; readonly ranges: { start: number; end: number }[] }>();

  constructor(used: ReadonlySet<number>) {
    this.#used = used;
  }

  get total(): number {
    return [...this.#lost.values()].reduce((sum, { counters }) => sum + counters, 0);
  }

  of(reason: LossReason): number {
    return this.#lost.get(reason)?.counters ?? 0;
  }

  lastUsedIn({ start, end }: CounterRange): number | undefined {
    for (let counter = end - 1; counter >= start; counter -= 1) if (this.#used.has(counter)) return counter;
    return undefined;
  }

  /** Books what the servers themselves said of counters in `range`; returns where the last of it ends, or `range.start`. */
  lose(range: CounterRange, losses: readonly LossEvent[]): number {
    let reached = range.start;
    for (const loss of losses) {
      const part = { start: Math.max(loss.start, range.start), end: Math.min(loss.end, range.end) };
      if (part.start >= part.end) continue;
      const reason = `${loss.reason}, as its server said`;
      for (let counter = part.start; counter < part.end; counter += 1) {
        if (this.#used.has(counter) || this.#spokenOf.has(counter)) continue;
        this.#spokenOf.add(counter);
        this.#book(counter, reason);
      }
      reached = Math.max(reached, part.end);
    }
    return reached;
  }

  /** Books each counter that is neither used nor spoken of; returns how many. To be called once for a stretch. */
  unused({ start, end }: CounterRange, reason: LossReason): number {
    let count = 0;
    for (let counter = start; counter < end; counter += 1) {
      if (this.#used.has(counter) || this.#spokenOf.has(counter)) continue;
      count += 1;
      this.#book(counter, reason === REASON.failed && isReservedWord(codec.encode(counter)) ? REASON.reserved : reason);
    }
    return count;
  }

  #book(counter: number, reason: LossReason): void {
    const entry = this.#lost.get(reason) ?? { counters: 0, ranges: [] };
    this.#lost.set(reason, entry);
    entry.counters += 1;
    const last = entry.ranges.at(-1);
    if (last?.end === counter) last.end = counter + 1;
    else entry.ranges.push({ start: counter, end: counter + 1 });
  }

  lost(): LostCounters[] {
    return [...this.#lost]
      .map(([reason, { counters, ranges }]) => ({ reason, counters, ranges }))
      .sort((a, b) => b.counters - a.counters);
  }
}

function named(counter: number): string {
  return `counter ${counter} (${codec.encode(counter)})`;
}

function describe({ start, end, state, serverId }: LeaseEvent): string {
  return `[${start}, ${end}) of ${serverId} (${state})`;
}
