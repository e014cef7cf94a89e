/** How requests arrive: one to a chunk, in parts, several at once, with an end after them. */
import { cutAt, requestText } from './mutations.js';
import * as odd from './odd-parts.js';
import { codeOf, type Outcome, outcomes } from './outcomes.js';
import { createRandom, type Random } from './random.js';
import { type Parts, plainParts, plainRequest, render } from './requests.js';

export interface Case {
  /** Chunks, as they reach the server; bytes are Latin-1. */
  readonly pieces: readonly string[];
  /** Whether the client sends no more after them, though it goes on reading. */
  readonly ends?: boolean;
  /** How many requests there are in it, as far as they are meant to be any. */
  readonly requests: number;
}

/** Cases that follow each other on one connection, as long as it is open. */
export interface Talk {
  /** Of the run. */
  readonly seed: number;
  /** Which of the run's it is; its codes are its own. */
  readonly number: number;
  readonly cases: readonly Case[];
}

/** Talks that go on at once have other codes, so that one never waits for what another one asked. */
export const TALKS_AT_ONCE = 96;

export function* randomTalks(seed: number, count: number): Generator<Talk> {
  for (let number = 0; number < count; number += 1) yield randomTalk(seed, number);
}

/** The talk of a seed and a number, always the same: some plain requests, something odd, and what comes after it if the connection is kept. */
function randomTalk(seed: number, number: number): Talk {
  const random = createRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
  const codes = number % TALKS_AT_ONCE;
  const cases: Case[] = [];
  for (let left = random.pick([0, 1, 2, 3, 4, 6, 8]); left > 0; left -= 1) cases.push(plainCase(random, codes));
  for (let left = random.pick([1, 1, 2, 3]); left > 0; left -= 1) cases.push(oddCase(random, codes));
  for (let left = random.pick([1, 2, 4]); left > 0; left -= 1) cases.push(plainCase(random, codes));
  return { seed, number, cases };
}

function plainCase(random: Random, codes: number): Case {
  return { pieces: [render(plainRequest(random, codes))], requests: 1 };
}

function oddCase(random: Random, codes: number): Case {
  const requests = random.chance(0.15) ? random.between(2, 5) : 1;
  let text = Array.from({ length: requests }, () =>
    // Of several most are plain, so that there is an answer before the odd one.
    requests > 1 && random.chance(0.6) ? render(plainRequest(random, codes)) : requestText(random, codes),
  ).join('');
  if (random.chance(0.02)) text = random.pick(['\r\n', '\n', '\r\n\r\n', '\r', ' ', '\0', '\r\n \r\n']) + text;
  return { pieces: cutRandomly(text, random), ends: random.chance(0.04), requests };
}

function cutRandomly(text: string, random: Random): string[] {
  if (text.length < 2 || random.chance(0.7)) return [text];
  if (text.length < 200 && random.chance(0.04)) return [...text];
  const cuts = Array.from({ length: random.pick([1, 1, 1, 2, 4]) }, () => random.between(1, text.length - 1));
  const pieces: string[] = [];
  let from = 0;
  for (const at of [...new Set(cuts)].sort((a, b) => a - b)) {
    pieces.push(text.slice(from, at));
    from = at;
  }
  return [...pieces, text.slice(from)];
}

/** What every part of the grammar is tried with, one after the other; the same each time. */
export function* grid(): Generator<Case> {
  // Half of them are there at once, and would be answered if anything were.
  const outcomeOf = (number: number): Outcome =>
    number % 2 === 0 ? 'hit' : (outcomes[(number >> 1) % outcomes.length] as Outcome);
  const code = (number: number) => codeOf(outcomeOf(number), number % TALKS_AT_ONCE);
  let number = 0;
  const next = (change: (parts: Parts) => void): Case => {
    const parts = plainParts(`/${code(number)}`, ['User-Agent: x', 'Accept: */*']);
    number += 1;
    change(parts);
    return { pieces: [render(parts)], requests: 1 };
  };
  yield* fields(next);
  yield* bytes(next);
  yield* boundaries(next);
}

type Next = (change: (parts: Parts) => void) => Case;

function* fields(next: Next): Generator<Case> {
  for (const method of odd.METHODS)
    yield next((parts) => {
      parts.method = method;
    });
  for (const version of odd.VERSIONS)
    yield next((parts) => {
      parts.version = version;
    });
  for (const target of odd.TARGETS) {
    for (const method of ['GET', 'HEAD', 'OPTIONS'])
      yield next((parts) => Object.assign(parts, { method, target: target.replace('CODE', parts.target.slice(1)) }));
  }
  for (const spaces of odd.SPACES) {
    yield next((parts) => {
      parts.afterMethod = spaces;
    });
    yield next((parts) => {
      parts.afterTarget = spaces;
    });
  }
  for (const end of odd.LINE_ENDS) {
    yield next((parts) => {
      parts.lineEnd = end;
    });
    yield next((parts) => {
      parts.headEnd = end;
    });
    for (const at of [0, 1, 2])
      yield next((parts) => {
        parts.lines[at] += `${end}X: x`;
      });
  }
  for (const line of [...odd.SPECIAL_LINES, ...odd.BAD_LINES]) {
    for (const version of ['HTTP/1.1', 'HTTP/1.0']) {
      yield next((parts) => {
        parts.version = version;
        parts.lines.splice(1, 0, line);
      });
      // In place of the host, twice, and at either end.
      yield next((parts) => void parts.lines.splice(0, 1, line));
      yield next((parts) => void parts.lines.push(line, line));
      yield next((parts) => void parts.lines.unshift(line));
    }
  }
}

/** Each byte at each place of a request that is not like its neighbours. */
function* bytes(next: Next): Generator<Case> {
  for (let byte = 0; byte < 256; byte += 1) {
    const char = String.fromCharCode(byte);
    yield next((parts) => {
      parts.method = char + parts.method;
    });
    yield next((parts) => {
      parts.method = `G${char}T`;
    });
    yield next((parts) => {
      parts.afterMethod = char;
    });
    yield next((parts) => {
      parts.target = char + parts.target.slice(1);
    });
    yield next((parts) => {
      parts.target = `/${char}`;
    });
    yield next((parts) => {
      parts.target += char;
    });
    yield next((parts) => {
      parts.target = `${parts.target.slice(0, 2)}${char}${parts.target.slice(2)}`;
    });
    yield next((parts) => {
      parts.afterTarget = char;
    });
    yield next((parts) => {
      parts.version = `HTTP/1${char}1`;
    });
    yield next((parts) => {
      parts.version = `HTTP/1.${char}`;
    });
    yield next((parts) => {
      parts.version += char;
    });
    yield next((parts) => void parts.lines.push(`${char}X: x`));
    yield next((parts) => void parts.lines.push(`X${char}: x`));
    yield next((parts) => void parts.lines.push(`X${char}Y: x`));
    yield next((parts) => void parts.lines.push(`X:${char}`));
    yield next((parts) => void parts.lines.push(`X: x${char}`));
    yield next((parts) => void parts.lines.push(`X: x${char}y`));
    yield next((parts) => void parts.lines.push(`Connection: keep-alive${char}`));
    yield next((parts) => {
      parts.lines[0] = `Host: x${char}`;
    });
    yield next((parts) => {
      parts.lines[0] = `Host:${char}x`;
    });
    yield next((parts) => {
      parts.headEnd = `${char}\r\n`;
    });
    yield next((parts) => {
      parts.headEnd = `\r${char}`;
    });
    yield next((parts) => {
      parts.body = char;
    });
    yield { pieces: [char, next(() => {}).pieces.join('')], requests: 1 };
  }
}

/** Cut in two at every byte, followed by another one, and ended there. */
function* boundaries(next: Next): Generator<Case> {
  for (const method of ['GET', 'HEAD', 'POST']) {
    for (let i = 0; i < outcomes.length; i += 1) {
      const { pieces } = next((parts) => {
        parts.method = method;
      });
      const text = pieces.join('');
      const after = next(() => {}).pieces.join('');
      for (let at = 0; at <= text.length; at += 1) {
        yield { pieces: cutAt(text, at).filter((piece) => piece !== ''), requests: 1 };
        yield { pieces: cutAt(text + after, at).filter((piece) => piece !== ''), requests: 2 };
        if (i < 2) yield { pieces: [text.slice(0, at)], ends: true, requests: 1 };
        if (i < 2) yield { pieces: [text + after.slice(0, at), after.slice(at)], requests: 2 };
      }
    }
  }
}

const PLAIN: Case = { pieces: ['GET /hit0 HTTP/1.1\r\nHost: x\r\n\r\n'], requests: 1 };

/** The grid's cases, every `step`-th from `start` on: each on a connection of its own, since many end theirs, and every second behind a plain request. */
export function* gridTalks(seed: number, step: number, start: number): Generator<Talk> {
  let [number, at] = [0, 0];
  for (const each of grid()) {
    at += 1;
    if (at % step !== start % step) continue;
    yield { seed, number, cases: number % 2 === 0 ? [each] : [PLAIN, each] };
    number += 1;
  }
}
