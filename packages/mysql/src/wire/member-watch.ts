import { readBeat } from './beat-row.js';
import type { Beat } from './beats.js';
import { isVitess, type Session } from './connection.js';
import type { MemberState } from './roles.js';

/** What a member says when it is asked. */
export interface MemberAnswer {
  readonly state: MemberState;
  /** The last one that it has; undefined where it keeps none. */
  readonly beat?: Beat;
}

const galeraSessions = new WeakMap<Session, boolean>();

/** Asks a server what it is, by the few statements that all kinds of it take. */
export async function askMember(session: Session): Promise<MemberAnswer> {
  // A vtgate is known by its version alone: some of the others it would ask of a shard, and hang with it.
  if (isVitess(session.facts.version)) {
    await session.query('SELECT @@version'); // one that stands still does not answer this either
    return { state: { kind: 'vtgate' } };
  }
  if (await isGalera(session)) {
    const { rows } = await session.query("SHOW GLOBAL STATUS LIKE 'wsrep_ready'");
    return { state: { kind: 'galera', isReady: isOn(rows[0]?.[1]) } };
  }
  // By itself: beside an aggregate MariaDB has answered 0 for a server that was read-only.
  const { rows } = await session.query('SELECT @@global.read_only');
  const beat = await readBeat(session);
  return {
    // Later versions of MariaDB say OFF and ON, and have kinds of read-only besides.
    state: { kind: 'plain', isReadOnly: !['0', 'OFF'].includes(String(rows[0]?.[0])) },
    ...(beat === undefined ? {} : { beat }),
  };
}

async function isGalera(session: Session): Promise<boolean> {
  const known = galeraSessions.get(session);
  if (known !== undefined) return known;
  const { rows } = await session.query("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'");
  const found = isOn(rows[0]?.[1]);
  galeraSessions.set(session, found);
  return found;
}

const isOn = (value: unknown): boolean => ['ON', '1'].includes(String(value).toUpperCase());

export interface MemberWatchOptions {
  /** Bounded; rejects where no answer comes. */
  readonly ask: () => Promise<MemberAnswer>;
  /** After each question, answered or not. `sentAtMs`: by `performance.now()`, as it was sent. */
  readonly heard: (answer: MemberAnswer, sentAtMs: number) => void;
  readonly random: () => number;
}

/** Between an answer and the next question: a promotion is followed within it, and the lag of a replica is known to about it. */
const PAUSE_MS = 250;
/** Of that, at most: so that servers do not ask at the same instant. */
const JITTER_PART = 1 / 5;

/** Asks one member again and again what it is, until it is closed. */
export class MemberWatch {
  readonly #options: MemberWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #asking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: MemberWatchOptions) {
    this.#options = options;
  }

  /** Resolves when a question that is sent after this call has its answer, or none. */
  async ask(): Promise<void> {
    await this.#asking; // it may have been sent too early
    await (this.#asking ?? this.#ask());
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #ask(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    clearTimeout(this.#timer);
    this.#asking = this.#question().finally(() => {
      this.#asking = undefined;
      if (this.#isClosed) return;
      const pauseMs = PAUSE_MS * (1 - JITTER_PART * this.#options.random());
      this.#timer = setTimeout(() => void this.#ask(), pauseMs);
      this.#timer.unref();
    });
    return this.#asking;
  }

  async #question(): Promise<void> {
    const sentAtMs = performance.now();
    let answer: MemberAnswer;
    try {
      answer = await this.#options.ask();
    } catch (error) {
      answer = { state: { kind: 'away', reason: error instanceof Error ? error.message : String(error) } };
    }
    if (!this.#isClosed) this.#options.heard(answer, sentAtMs);
  }
}
