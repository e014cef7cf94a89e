/** Which of several servers is the primary: judged from what each says of itself. No I/O, no clock. */

/** What a member said last: `unknown` before it was asked, `away` where it did not answer. */
export type MemberState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'away'; readonly reason: string }
  | { readonly kind: 'plain'; readonly isReadOnly: boolean }
  | { readonly kind: 'galera'; readonly isReady: boolean }
  | { readonly kind: 'vtgate' };

export interface MemberView {
  readonly name: string;
  readonly state: MemberState;
  /** Why the server refuses what is written, although it says that it is not read-only; empty where nothing shows it. */
  readonly refusal: string;
}

/** Plain servers have one primary; Galera nodes and vtgates are peers, of which any will do. */
export type Mode = 'plain' | 'galera' | 'vtgate';

export interface Decision {
  readonly mode: Mode | undefined;
  /** Whom writes and fresh reads go to, by its place; undefined: nobody. */
  readonly primary: number | undefined;
  /** Why there is no primary, or why it takes no writes; empty while nothing is wrong. */
  readonly problem: string;
  /** Those that take writes although one at most should. */
  readonly rivals: readonly number[];
}

export const UNDECIDED: Decision = { mode: undefined, primary: undefined, problem: '', rivals: [] };

/**
 * Follows whoever was made the primary, and elects nobody. Of plain servers that is the only one that takes writes: with two nobody can tell which of them
 * has what the other lacks. What was the primary and was replaced is believed again only once it was seen read-only, or the one that
 * replaced it is: an old primary that comes back while its successor does not answer would be the only one that takes writes.
 */
export class Roles {
  #decision: Decision = UNDECIDED;
  /** Those that were the primary until another took over, and were not seen read-only since. */
  readonly #replaced = new Set<number>();
  /** Of these, those that refused writes then, although they said that they took some: no rivals, for they never said otherwise. */
  readonly #excused = new Set<number>();
  /** Which of plain servers was the primary last, also while none is. */
  #lastPrimary: number | undefined;

  get decision(): Decision {
    return this.#decision;
  }

  judge(members: readonly MemberView[]): Decision {
    members.forEach(({ state }, member) => {
      if (state.kind !== 'plain' || !state.isReadOnly) return;
      this.#replaced.delete(member);
      this.#excused.delete(member);
    });
    if (this.#decision.mode === undefined && members.some(({ state }) => state.kind === 'unknown'))
      return this.#decision;
    const mode = this.#modeOf(members);
    if (mode === undefined) {
      this.#decision = { ...UNDECIDED, problem: `no member answers: ${told(members)}` };
      return this.#decision;
    }
    this.#decision = mode === 'plain' ? this.#judgePlain(members) : this.#judgePeers(members, mode);
    return this.#decision;
  }

  /** Decided when each has been asked, and one has answered; it may change with the server that is the primary, which may have been started as another kind. */
  #modeOf(members: readonly MemberView[]): Mode | undefined {
    const { mode, primary } = this.#decision;
    const kinds = new Set(members.map(({ state }) => state.kind));
    if (mode === undefined) {
      return kinds.has('galera') ? 'galera' : kinds.has('vtgate') ? 'vtgate' : kinds.has('plain') ? 'plain' : undefined;
    }
    const now = primary === undefined ? undefined : members[primary]?.state.kind;
    return now === 'galera' || now === 'vtgate' ? now : mode;
  }

  #judgePeers(members: readonly MemberView[], mode: 'galera' | 'vtgate'): Decision {
    const isReady = ({ state }: MemberView): boolean =>
      mode === 'galera' ? state.kind === 'galera' && state.isReady : state.kind === 'vtgate';
    const ready = indexesOf(members, isReady);
    const willing = ready.filter((member) => members[member]?.refusal === '');
    const { primary: before } = this.#decision;
    const among = willing.length > 0 ? willing : ready;
    const primary = before !== undefined && among.includes(before) ? before : (among[0] ?? before);
    const problem = ready.length > 0 ? '' : `no member is ready: ${told(members)}`;
    return { mode, primary, problem, rivals: [] };
  }

  #judgePlain(members: readonly MemberView[]): Decision {
    const last = this.#lastPrimary;
    let writable = indexesOf(members, ({ state }) => state.kind === 'plain' && !state.isReadOnly).filter(
      (member) => !this.#excused.has(member),
    );
    if (writable.length > 1 && last !== undefined && members[last]?.refusal !== '') {
      // It says that it takes writes, and was seen to refuse them: another one that takes some is its successor.
      writable = writable.filter((member) => member !== last);
    }
    const [only, ...more] = writable;
    if (only === undefined) return this.#nobody(members, last);
    if (more.length > 0) return this.#rivals(members, writable);
    if (only === last) return { mode: 'plain', primary: only, problem: '', rivals: [] };
    const successor = last === undefined ? undefined : members[last];
    const isDemoted = successor?.state.kind === 'plain' && successor.state.isReadOnly;
    if (this.#replaced.has(only) && !isDemoted) return this.#cameBack(members, only, last);
    if (last !== undefined && !isDemoted) {
      this.#replaced.add(last);
      if (successor?.state.kind === 'plain') this.#excused.add(last);
    }
    this.#replaced.delete(only);
    this.#lastPrimary = only;
    return { mode: 'plain', primary: only, problem: '', rivals: [] };
  }

  #nobody(members: readonly MemberView[], last: number | undefined): Decision {
    // One that does not answer is waited for, and the calls to it tell why.
    const isAway = last !== undefined && members[last]?.state.kind === 'away';
    if (isAway) return { mode: 'plain', primary: last, problem: '', rivals: [] };
    // One that is read-only may still be read from as the primary, where nobody else can be it.
    const isNobodyElse = members.every(({ state }) => state.kind === 'plain' && state.isReadOnly);
    const problem = `no member takes writes: ${told(members)}`;
    return { mode: 'plain', primary: isNobodyElse ? last : undefined, problem, rivals: [] };
  }

  #rivals(members: readonly MemberView[], writable: readonly number[]): Decision {
    const names = writable.map((member) => members[member]?.name).join(' and ');
    const problem = `${writable.length === 2 ? 'two' : writable.length} members take writes, of which none is written to: ${names}; all but the primary must be read-only`;
    return { mode: 'plain', primary: undefined, problem, rivals: writable };
  }

  #cameBack(members: readonly MemberView[], only: number, last: number | undefined): Decision {
    const successor = last === undefined ? 'another' : members[last]?.name;
    const problem = `${members[only]?.name} takes writes, but ${successor} had taken its place, and does not answer: start that, or make ${members[only]?.name} read-only and then writable again`;
    return { mode: 'plain', primary: last, problem, rivals: [] };
  }
}

function indexesOf(members: readonly MemberView[], holds: (member: MemberView) => boolean): readonly number[] {
  return members.flatMap((member, index) => (holds(member) ? [index] : []));
}

function told(members: readonly MemberView[]): string {
  return members.map(({ name, state }) => `${name} ${toldState(state)}`).join(', ');
}

function toldState(state: MemberState): string {
  switch (state.kind) {
    case 'unknown':
      return 'was not asked yet';
    case 'away':
      return `is away (${state.reason})`;
    case 'plain':
      return state.isReadOnly ? 'is read-only' : 'takes writes';
    case 'galera':
      return state.isReady ? 'is a Galera node' : 'is a Galera node that is not ready';
    case 'vtgate':
      return 'is a vtgate';
  }
}
