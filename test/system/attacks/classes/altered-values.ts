import { setTimeout as sleep } from 'node:timers/promises';
import { type Attacked, type Kept, makeLink } from '../attacked.js';
import { keyOf } from '../copy-of.js';
import type { Attack, Attacks } from '../tally.js';
import { newAlias } from '../witness.js';

/** How long a fill may take to be there, on a loaded machine. */
const FILLED_MS = 10_000;

/** What somebody makes of a value that a server wrote; `at` is one of its fields, `|` between them, the target last. */
const ALTERED: readonly (readonly [what: string, alter: (value: string) => string])[] = [
  ['another target', (value) => value.replace(/\|https:\/\/[^|]*$/, '|https://evil.example/')],
  ['a target with something behind it', (value) => `${value}.evil.example`],
  ['another path', (value) => `${value}/x`],
  ['a target cut short', (value) => value.slice(0, -1)],
  ['another scheme', (value) => value.replace(/\|https:/, '|http:')],
  ['a script', (value) => value.replace(/\|https:.*$/, '|javascript:alert(1)')],
  ['an end of line', (value) => `${value}\n`],
  ['a later version', (value) => value.replace(/^(\d+)\|\d+\|/, '$1|1000000|')],
  ['the highest version', (value) => value.replace(/^(\d+)\|\d+\|/, '$1|9007199254740991|')],
  ['another format', (value) => value.replace(/^\d+\|/, '1|')],
  ['a format to come', (value) => value.replace(/^\d+\|/, '9|')],
  ['another kind', (value) => value.replace('|A|', '|G|')],
  ['a tombstone', (value) => value.replace(/\|A\|.*$/, '|D')],
  ['another status', (value) => value.replace(/\|\|(https:)/, '|302|$1')],
  ['nothing', () => ''],
  ['twice', (value) => `${value}${value}`],
  // Each character of the front in turn, whatever it means.
  ...Array.from(
    { length: 48 },
    (_, i) =>
      [
        `another character ${i}`,
        (value: string) => `${value.slice(0, i)}${value[i] === '7' ? '8' : '7'}${value.slice(i + 1)}`,
      ] as const,
  ),
];

/** Values that servers wrote into Redis, changed, or moved under another code. */
export async function alteredValues(attacked: Attacked): Promise<Attacks> {
  const { redis, shorten } = attacked;
  const attacks: Attack[] = [];
  // One for all: what is changed is put under the codes of other links, or back under its own.
  const source = await makeLink(attacked, shorten);
  const value = await cachedValueOf(attacked, source);
  for (const [what, alter] of ALTERED) {
    const victim = await makeLink(attacked, shorten);
    const own = await cachedValueOf(attacked, victim);
    // What alters nothing attacks nothing.
    if (alter(own) === own) continue;
    attacks.push({ what: `${what} in a value`, run: () => leadsAsBefore(attacked, victim, alter(own)) });
  }
  const other = await makeLink(attacked, shorten);
  attacks.push({
    what: "a link's value under another's code",
    run: () => leadsAsBefore(attacked, other, value),
  });
  attacks.push({
    what: "a link's value under nobody's code",
    async run() {
      const code = newAlias();
      await redis.set(await keyOf(attacked, code), value);
      const [answer] = (await attacked.witness.ask({ port: attacked.redirect.port, path: `/${code}` })).answers;
      return answer?.status === 404 ? undefined : `${answer?.head}`;
    },
  });
  return { attacks };
}

/** As the server that followed the link left it there; followed again until it has, for a cache that is just back is not filled. */
async function cachedValueOf(attacked: Attacked, { code }: Kept): Promise<string> {
  const { witness, redirect, redis } = attacked;
  for (const untilMs = performance.now() + FILLED_MS; performance.now() < untilMs; await sleep(20)) {
    await redis.publish('lakh:changes', `0|${code}|1`);
    await witness.ask({ port: redirect.port, path: `/${code}` });
    const value = await redis.get(await keyOf(attacked, code));
    if (value !== null) return value;
  }
  throw new Error('a link that was followed is not in Redis');
}

async function leadsAsBefore(attacked: Attacked, { code, longUrl }: Kept, value: string): Promise<string | undefined> {
  const { witness, redirect, redis } = attacked;
  await redis.set(await keyOf(attacked, code), value);
  // Out of the process's own cache, which would answer otherwise.
  if ((await redis.publish('lakh:changes', `0|${code}|1`)) === 0) return 'the cache of the process was not emptied';
  for (let times = 0; times < 10; times += 1) {
    const [answer] = (await witness.ask({ port: redirect.port, path: `/${code}` })).answers;
    if (answer?.status !== 301 || answer.headers.get('location') !== longUrl) return `${answer?.head}`;
    await redis.publish('lakh:changes', `0|${code}|1`);
  }
  return undefined;
}
