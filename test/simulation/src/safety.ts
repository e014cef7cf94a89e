/** What must never happen, and what has happened so far. */
import type { CounterRange } from '@lakh/id-range';
import type { LeaseRow } from './database/tables.js';

export type ViolationKind =
  /** A counter was issued twice (I1). */
  | 'duplicate'
  /** A range was given to a server while it was another's (I1, I4). */
  | 'held twice'
  /** A range was used that a witness had not acknowledged (I2). */
  | 'unacknowledged'
  /** A mark or a head was lowered by a server or a repair. */
  | 'lowered'
  /** Two links that were acknowledged have one code. */
  | 'link twice'
  /** A server issued after one of its counters had met another generated link. */
  | 'issued on'
  /** A stop took longer than it may. */
  | 'late'
  /** A server cannot lease though everything has healed and was repaired. */
  | 'stuck';

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

interface Origin {
  readonly server: string;
  readonly atMs: number;
}

interface Owned extends CounterRange {
  readonly server: string;
}

const MAX_VIOLATIONS = 20;

export class Safety {
  readonly violations: Violation[] = [];
  readonly #nowMs: () => number;
  readonly #issued = new Map<number, Origin>();
  readonly #links = new Map<string, Origin & { readonly kind: 'generated' | 'alias' }>();
  #hasLostLinks = false;
  /** Who may issue what, as the servers have been told. */
  #owned: Owned[] = [];
  /** Who was given what by each witness, ever: a disaster takes nothing of it back. */
  readonly #given: Record<'zookeeper' | 'ledger', Owned[]> = { zookeeper: [], ledger: [] };

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get issuedCount(): number {
    return this.#issued.size;
  }

  report(kind: ViolationKind, text: string): void {
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push({ kind, text });
  }

  /** A witness has given `range` to a server: it has moved the mark, deleted a remainder, recorded a lease. */
  gave(witness: 'zookeeper' | 'ledger', server: string, { start, end }: CounterRange): void {
    this.#given[witness].push({ server, start, end });
  }

  /** A server was told that `range` is its own; `by` names the witnesses that have to have given it. */
  acquired(server: string, range: CounterRange, by: readonly ('zookeeper' | 'ledger')[]): void {
    const isWithin = ({ start, end }: CounterRange) => start <= range.start && range.end <= end;
    for (const witness of by) {
      if (this.#given[witness].some((given) => given.server === server && isWithin(given))) continue;
      this.report('unacknowledged', `${server} uses ${show(range)}, which ${witness} never gave to it`);
    }
    const other = this.#owned.find(({ start, end }) => range.start < end && start < range.end);
    if (other)
      this.report('held twice', `${show(range)} was given to ${server}, but ${show(other)} is ${other.server}’s`);
    this.#owned.push({ server, start: range.start, end: range.end });
  }

  /** A server has sealed itself, and `tail` is nobody's from now on. */
  gaveUp(server: string, tail: CounterRange): void {
    this.#owned = this.#owned.flatMap((owned) => {
      if (owned.server !== server || owned.end <= tail.start || tail.end <= owned.start) return [owned];
      const parts = [
        { ...owned, end: Math.max(owned.start, tail.start) },
        { ...owned, start: Math.min(owned.end, tail.end) },
      ];
      return parts.filter(({ start, end }) => start < end);
    });
  }

  issued(server: string, counter: number, rows: readonly LeaseRow[]): void {
    const origin = { server, atMs: this.#nowMs() };
    const before = this.#issued.get(counter);
    if (before) this.report('duplicate', this.#describe(counter, before, origin, rows));
    else this.#issued.set(counter, origin);
  }

  linked(server: string, { code, kind }: { readonly code: string; readonly kind: 'generated' | 'alias' }): void {
    const origin = { server, atMs: this.#nowMs(), kind };
    const before = this.#links.get(code);
    this.#links.set(code, origin);
    if (before === undefined || (this.#hasLostLinks && (kind === 'alias' || before.kind === 'alias'))) return;
    this.report('link twice', `code ${code} was acknowledged by ${say(before)} and by ${say(origin)}`);
  }

  /** The database has forgotten links: an alias may have the code of a lost one, which is no promise of Lakh's to keep. */
  linksLost(): void {
    this.#hasLostLinks = true;
  }

  /** The counter, both origins, its neighbours, and every lease on record that covers it. */
  #describe(counter: number, first: Origin, second: Origin, rows: readonly LeaseRow[]): string {
    const covering = rows.filter(({ start, end }) => start <= counter && counter < end);
    return [
      `counter ${counter} was issued by ${say(first)} and by ${say(second)}`,
      `  ${counter - 1}: ${say(this.#issued.get(counter - 1))}; ${counter + 1}: ${say(this.#issued.get(counter + 1))}`,
      ...covering.map((row) => `  ${show(row)} is on record as ${row.state} for ${row.serverId}`),
      ...(covering.length === 0 ? ['  no lease on record covers it'] : []),
    ].join('\n');
  }
}

function say(origin: Origin | undefined): string {
  return origin ? `${origin.server} at ${origin.atMs.toFixed(3)} ms` : 'nobody';
}

function show({ start, end }: CounterRange): string {
  return `[${start}, ${end})`;
}
