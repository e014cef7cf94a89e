/** What is done to one field of a request, to its bytes, or to how they arrive. */

import * as odd from './odd-parts.js';
import { codeOf, outcomes } from './outcomes.js';
import type { Random } from './random.js';
import { type Parts, plainRequest, render } from './requests.js';

type Mutation = (parts: Parts, random: Random, talk: number) => void;

const anyByte = (random: Random): string => String.fromCharCode(random.between(0, 255));

export const cutAt = (text: string, at: number): [string, string] => [text.slice(0, at), text.slice(at)];

/** A byte more, less or another one somewhere. */
function touch(text: string, random: Random): string {
  const [before, after] = cutAt(text, random.between(0, text.length));
  switch (random.between(0, 3)) {
    case 0:
      return before + anyByte(random) + after;
    case 1:
      return before + after.slice(1);
    case 2:
      return before + anyByte(random) + after.slice(1);
    default:
      return before + after.slice(0, 1) + after;
  }
}

const insertLine = (parts: Parts, line: string, random: Random): void => {
  parts.lines.splice(random.between(0, parts.lines.length), 0, line);
};

const touchLine: Mutation = (parts, random) => {
  const at = random.between(0, parts.lines.length - 1);
  parts.lines[at] = touch(parts.lines[at] ?? '', random);
};

/** So many bytes of a head that a limit is met, or just not. */
const nearLimit = (random: Random): number =>
  random.pick([256, 512, 1024, 2048, 4096, 8192, 16_384]) + random.between(-180, 20);

type Field = Exclude<keyof Parts, 'lines'>;

/** Writes a field anew. */
const rewrite =
  (field: Field, write: (random: Random, before: string, talk: number) => string): Mutation =>
  (parts, random, talk) => {
    parts[field] = write(random, parts[field], talk);
  };

const oneOf = (texts: readonly string[]) => (random: Random) => random.pick(texts);
const touched = (random: Random, before: string) => touch(before, random);
const oddTarget = (random: Random, _: string, talk: number) =>
  random.pick(odd.TARGETS).replace('CODE', codeOf(random.pick(outcomes), talk));
const longTarget = (random: Random) => `/${'c'.repeat(random.pick([62, 63, 64, 65, nearLimit(random)]))}`;
const BEHIND = ['\r\n', '\n', '\r', '\0', ' ', 'x', 'GET', '\r\n\r\n', 'hello', '0\r\n\r\n'];

const anyLine = ({ lines }: Parts, random: Random): string => lines[random.between(0, lines.length - 1)] ?? '';

const MUTATIONS: readonly (readonly [weight: number, mutation: Mutation])[] = [
  [2, rewrite('method', oneOf(odd.METHODS))],
  [1, rewrite('method', touched)],
  [4, rewrite('target', oddTarget)],
  [3, rewrite('target', touched)],
  [0.5, rewrite('target', longTarget)],
  [2, rewrite('version', oneOf(odd.VERSIONS))],
  [1, rewrite('version', touched)],
  [1, rewrite('afterMethod', oneOf(odd.SPACES))],
  [1, rewrite('afterTarget', oneOf(odd.SPACES))],
  [2, rewrite('lineEnd', oneOf(odd.LINE_ENDS))],
  [2, rewrite('headEnd', oneOf([...odd.LINE_ENDS, '\n\n', '\r\r']))],
  [2, rewrite('body', oneOf(BEHIND))],
  [3, addBody],
  [10, (parts, random) => insertLine(parts, random.pick(odd.SPECIAL_LINES), random)],
  [4, (parts, random) => insertLine(parts, random.pick(odd.BAD_LINES), random)],
  [2, (parts, random) => insertLine(parts, `X${anyByte(random)}y: z`, random)],
  [2, (parts, random) => insertLine(parts, `X: y${anyByte(random)}z`, random)],
  [4, touchLine],
  [1, (parts, random) => void parts.lines.splice(random.between(0, parts.lines.length - 1), 1)],
  // One line has another end than the others.
  [2, (parts, random) => insertLine(parts, `X: y${random.pick(odd.LINE_ENDS)}Z: z`, random)],
  [2, (parts, random) => insertLine(parts, anyLine(parts, random), random)],
  [1, (parts, random) => insertLine(parts, anyLine(parts, random).toUpperCase(), random)],
  [
    1,
    (parts, random) => insertLine(parts, `${random.pick(['X', 'Cookie'])}: ${'v'.repeat(nearLimit(random))}`, random),
  ],
  [0.5, (parts, random) => insertLine(parts, `${'N'.repeat(nearLimit(random))}: x`, random)],
  [0.5, addManyLines],
];

function addManyLines(parts: Parts, random: Random): void {
  for (let left = random.pick([20, 31, 32, 33, 63, 64, 65, 100, 200]); left > 0; left -= 1) {
    parts.lines.push(`X-${left}: ${left}`);
  }
}

/** One that its head announces, rightly or not. */
function addBody(parts: Parts, random: Random): void {
  const text = random.pick(['', 'x', 'hello', 'GET /none HTTP/1.1\r\nHost: x\r\n\r\n']);
  if (random.chance(0.3)) parts.method = random.pick(['POST', 'PUT', 'DELETE', 'GET']);
  if (random.chance(0.6)) {
    insertLine(parts, `Content-Length: ${Math.max(0, text.length + random.pick([0, 0, 0, 0, 1, -1]))}`, random);
    parts.body = text;
  }
  if (random.chance(0.5)) {
    insertLine(parts, 'Transfer-Encoding: chunked', random);
    const chunk = text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`;
    parts.body = `${chunk}0\r\n${random.pick(['', '', 'X: trailer\r\n'])}\r\n`;
  }
  if (random.chance(0.1)) insertLine(parts, 'Expect: 100-continue', random);
}

const TOTAL_WEIGHT = MUTATIONS.reduce((sum, [weight]) => sum + weight, 0);

function mutate(parts: Parts, random: Random, talk: number): void {
  let at = random.between(0, TOTAL_WEIGHT * 1000 - 1) / 1000;
  for (const [weight, mutation] of MUTATIONS) {
    at -= weight;
    if (at >= 0) continue;
    mutation(parts, random, talk);
    return;
  }
}

/** One request's bytes: plain, odd in a place or two, or broken anywhere. */
export function requestText(random: Random, talk: number): string {
  const parts = plainRequest(random, talk);
  if (random.chance(0.35)) return render(parts);
  mutate(parts, random, talk);
  if (random.chance(0.15)) mutate(parts, random, talk);
  const text = render(parts);
  return random.chance(0.06) ? touch(text, random) : text;
}
