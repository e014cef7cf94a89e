/** Two servers are told the same; whatever differs in what they say is found, and cut down to what matters of it. */
import type { Case, Talk } from './cases.js';
import { TALKS_AT_ONCE } from './cases.js';
import { Line, turn } from './line.js';
import type { Served } from './servers.js';

export type Twins = readonly [Served, Served];

export interface Difference {
  readonly talk: Talk;
  /** After as many cases of the talk. */
  readonly after: number;
  readonly heard: readonly [string, string];
}

export interface Tally {
  talks: number;
  cases: number;
  requests: number;
  /** By their status line. */
  readonly answers: Map<string, number>;
}

export interface CompareOptions {
  readonly tally?: Tally;
  /** For how long what one of them has said is waited for from the other. */
  readonly laterMs?: number;
  /** Talks at a time. */
  readonly atOnce?: number;
}

/** Turns without anything new, after all is read, heard and looked up. */
const QUIET_TURNS = 3;
/** A server that does not read may have its reasons. */
const UNREAD_TURNS = 50;
/** What one of them has said the other may say a little later: longer than a refused client may linger, and than a busy machine takes. */
const LATER_MS = 5_000;

const DATE = /\r\nDate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/g;

const said = (line: Line): string =>
  line.received.replace(DATE, '\r\nDate: …\r\n') + (line.hasEnded ? '[end]' : '[open]');

async function pause(isOver: () => boolean, turns: number): Promise<void> {
  for (let left = turns; left > 0 && !isOver(); left -= 1) await turn();
}

/** Until both have read it all, have said what they have to say, and wait for more. */
async function settle(lines: readonly [Line, Line], twins: Twins): Promise<void> {
  let quiet = 0;
  let heard = -1;
  await pause(() => lines.every((line) => line.isRead), UNREAD_TURNS);
  for (let turns = 0; quiet < QUIET_TURNS && turns < 20 * UNREAD_TURNS; turns += 1) {
    await turn();
    const now = lines[0].received.length + lines[1].received.length;
    const isQuiet = now === heard && lines.every((line) => line.isRead && (line.hasEnded || line.isHeard));
    quiet = isQuiet ? quiet + 1 : 0;
    heard = now;
  }
  // Whoever looks something up for one of the others delays nobody for long.
  await pause(() => twins.every(({ reading }) => reading === 0), QUIET_TURNS);
}

async function isSame(lines: readonly [Line, Line], laterMs: number): Promise<boolean> {
  const untilMs = performance.now() + laterMs;
  while (said(lines[0]) !== said(lines[1])) {
    if (performance.now() > untilMs) return false;
    await new Promise((later) => setTimeout(later, 5));
  }
  return true;
}

async function tell(lines: readonly [Line, Line], { pieces, ends }: Case, twins: Twins): Promise<void> {
  for (const [i, piece] of pieces.entries()) {
    for (const line of lines) line.send(piece);
    if (i < pieces.length - 1) await pause(() => lines.every((line) => line.isRead), UNREAD_TURNS);
  }
  if (ends) for (const line of lines) line.end();
  await settle(lines, twins);
}

/** Holds one talk with both. */
export async function hold(
  talk: Talk,
  twins: Twins,
  { tally = newTally(), laterMs = LATER_MS }: CompareOptions = {},
): Promise<Difference | undefined> {
  const lines = await Promise.all([Line.open(twins[0]), Line.open(twins[1])]);
  tally.talks += 1;
  try {
    for (const [i, each] of talk.cases.entries()) {
      await tell(lines, each, twins);
      tally.cases += 1;
      tally.requests += each.requests;
      if (!(await isSame(lines, laterMs))) return { talk, after: i + 1, heard: [said(lines[0]), said(lines[1])] };
      if (each.ends || lines.some((line) => line.hasEnded)) break;
    }
    for (const [status] of lines[0].received.matchAll(/(?<=HTTP\/1\.1 )\d{3}(?= )/g)) {
      tally.answers.set(status, (tally.answers.get(status) ?? 0) + 1);
    }
    return undefined;
  } finally {
    for (const line of lines) line.close();
  }
}

/** Until no connection and no request of either is left: whatever a talk took it has given back. */
export async function emptied(twins: Twins): Promise<void> {
  while (twins.some(({ sockets, http }) => sockets.size > 0 || http.inFlight > 0)) await turn();
}

export const newTally = (): Tally => ({ talks: 0, cases: 0, requests: 0, answers: new Map() });

/** Holds talks, many at once, until a difference or none is left. */
export async function compare(
  talks: Iterable<Talk>,
  twins: Twins,
  options: CompareOptions = {},
): Promise<Difference | undefined> {
  const source = talks[Symbol.iterator]();
  let found: Difference | undefined;
  async function one(): Promise<void> {
    while (found === undefined) {
      const { value, done } = source.next();
      if (done) return;
      const difference = await hold(value, twins, options);
      found ??= difference;
    }
  }
  await Promise.all(Array.from({ length: options.atOnce ?? TALKS_AT_ONCE }, one));
  return found;
}
