/**
 * Whether work grows with a text's length and no faster: once on a text and once on one four times as long. What is linear takes four
 * times as long, what takes the square sixteen times; the fastest of several runs counts, since a busy machine makes runs slower
 * and never faster.
 */

/** Between what is linear (4) and what is not (16). */
export const GROWTH_MAX = 9;
const ROUND_MS = 0.5;
const ROUNDS_MIN = 3;
const LIMIT_MS = 3_000;

export type Run = () => unknown;

/** Milliseconds of one run, as a short round of them has it. */
async function costMs(run: Run): Promise<number> {
  const startedMs = performance.now();
  let tookMs = 0;
  let runs = 0;
  while (tookMs < ROUND_MS) {
    const result = run();
    if (result instanceof Promise) await result;
    runs += 1;
    tookMs = performance.now() - startedMs;
  }
  return tookMs / runs;
}

/** How much longer the long one takes; as many rounds as it needs to look linear, within a limit. */
export async function growthOf(short: Run, long: Run): Promise<number> {
  const startedMs = performance.now();
  let [shortMs, longMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 1; ; round += 1) {
    shortMs = Math.min(shortMs, await costMs(short));
    longMs = Math.min(longMs, await costMs(long));
    const isOver = longMs / shortMs < GROWTH_MAX || performance.now() - startedMs > LIMIT_MS;
    if (round >= ROUNDS_MIN && isOver) return longMs / shortMs;
  }
}

/** Texts of about so many characters, each bad for some way of reading. */
export type Texts = Readonly<Record<string, (length: number) => string>>;
export const times = (part: string) => (length: number) => part.repeat(Math.ceil(length / part.length));
export const around = (before: string, part: string, after: string) => (length: number) =>
  `${before}${times(part)(length)}${after}`;
/** As many different ones as there is room for: what encodes them compares each with each. */
export const ideographs = (length: number) =>
  Array.from({ length }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7) % 20_000))).join('');

export const anyTexts: Texts = {
  letters: times('a'),
  digits: times('1'),
  zeros: times('0'),
  blanks: times(' '),
  'blanks between': around('x', ' ', 'x'),
  dots: times('.'),
  'dots between': around('x', '.', 'x'),
  'digits and dots': times('1.'),
  colons: times(':'),
  'digits and colons': times('1:'),
  commas: times(','),
  semicolons: times('; '),
  equals: times('a='),
  dashes: around('a', '-_', 'a'),
  brackets: times('['),
  slashes: times('/'),
  percents: times('%'),
  ampersands: times('a&'),
  backslashes: times('\\'),
  quotes: times('"'),
  bars: times('1|'),
  'line ends': times('\n'),
  ideographs,
  accents: around('a', '\u0301\u0323', ''),
  'half pairs': times('\ud800'),
};
