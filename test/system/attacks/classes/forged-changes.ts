import { type Attacked, type Listener, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { newAlias } from '../witness.js';

const CHANNEL = 'lakh:changes';
const FLOOD = 20_000;
/** What an honest client puts up with. */
const PATIENCE_MS = 5_000;

/** What whoever reached Redis might tell the redirect servers of a link. */
const MESSAGES: readonly ((code: string) => string)[] = [
  (code) => `0|${code}|1`,
  (code) => `0|${code}|2`,
  (code) => `0|${code}|999999999`,
  (code) => `0|${code}|9007199254740991`,
  (code) => `0|${code}|9999999999999999`,
  (code) => `0|${code}|99999999999999999999`,
  (code) => `0|${code}|0`,
  (code) => `0|${code}|-1`,
  (code) => `0|${code}|1e9`,
  (code) => `0|${code}|x`,
  (code) => `0|${code}|`,
  (code) => `1|${code}|5`,
  (code) => `-1|${code}|5`,
  (code) => `0|${code}/|5`,
  (code) => `0|/${code}|5`,
  (code) => `0|${code}|5\n0|${code}|6`,
  (code) => `0|${code}|5|https://evil.example/`,
  () => '0||5',
  () => '0|*|5',
  () => '0|__proto__|5',
  () => '0|constructor|5',
  () => '',
  () => '|',
  () => '||',
  () => '{"domainId":0}',
  () => '\0'.repeat(1_000),
  () => `0|${'a'.repeat(1_000_000)}|5`,
];

/** Messages about changes that nobody made: links lead where they led, and servers go on. */
export async function forgedChanges(attacked: Attacked): Promise<Attacks> {
  const { gateway, redirect, redis, shorten } = attacked;
  const attacks: Attack[] = [];
  for (const at of [gateway, redirect]) {
    for (const message of MESSAGES) {
      const { code, longUrl } = await makeLink(attacked, shorten);
      attacks.push({
        what: `${JSON.stringify(message('code')).slice(0, 60)} before ${at.name} is asked`,
        async run() {
          // Into the cache of the process, and out of it, as often as the message can.
          for (let times = 0; times < 3; times += 1) {
            const location = await locationOf(attacked, at, code);
            if (location !== longUrl) return `it leads to ${location}`;
            if ((await redis.publish(CHANNEL, message(code))) === 0) return 'nobody hears it';
          }
          return undefined;
        },
      });
    }
  }
  const { code, longUrl } = await makeLink(attacked, shorten);
  const flood = async (): Promise<string | undefined> => {
    const sent = Promise.all(Array.from({ length: FLOOD }, () => redis.publish(CHANNEL, `0|${newAlias()}|2`)));
    const startedMs = performance.now();
    const location = await locationOf(attacked, redirect, code);
    const tookMs = performance.now() - startedMs;
    await sent;
    if (location !== longUrl) return `it leads to ${location}`;
    return tookMs > PATIENCE_MS ? `others wait ${tookMs} ms` : undefined;
  };
  return {
    attacks,
    later: [{ what: `${FLOOD} changes at once`, run: flood }],
  };
}

async function locationOf({ witness }: Attacked, { port }: Listener, code: string): Promise<string | undefined> {
  return (await witness.ask({ port, path: `/${code}` })).answers[0]?.headers.get('location');
}
