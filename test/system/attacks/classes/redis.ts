import { type Attacked, type Listener, makeLink } from '../attacked.js';
import { keyOf, stateKeyOf } from '../copy-of.js';
import type { Attack, Attacks } from '../tally.js';
import { newAlias } from '../witness.js';

const LIVE = (target: string, version = 1, status = ''): string =>
  `1|${version}|G|100000|1700000000000||${status}|${target}`;

/** As servers write it, by somebody who has to guess their seal. */
const SEALED = (target: string, version = 1, seal = 'A'.repeat(22)): string =>
  `2|${version}|${seal}|4000000000000|G|100000|1700000000000|||${target}`;

/** Values that whoever reached Redis might put under a code; nobody must be sent anywhere by them. */
const POISONS: readonly string[] = [
  // Nothing is wrong with these but who wrote them.
  LIVE('https://evil.example/'),
  SEALED('https://evil.example/'),
  SEALED('https://evil.example/', 1_000_000_000),
  SEALED('https://evil.example/', 1, ''),
  `2|7|${'A'.repeat(22)}|4000000000000|D`,
  SEALED('javascript:alert(1)'),
  LIVE('javascript:alert(1)'),
  LIVE('JavaScript:alert(1)'),
  LIVE(' javascript:alert(1)'),
  LIVE('data:text/html,<script>alert(1)</script>'),
  LIVE('vbscript:x'),
  LIVE('file:///etc/passwd'),
  LIVE('//evil.example/'),
  LIVE('/evil'),
  LIVE('evil.example'),
  LIVE('http:evil.example'),
  LIVE('https://'),
  LIVE('https://user@evil.example/'),
  LIVE('https://good.example:80@evil.example/'),
  LIVE('https://evil.example/\r\nX-Injected: 1'),
  LIVE('https://evil.example/\nX-Injected: 1'),
  LIVE('https://evil.example/\u0000'),
  LIVE('https://evil.example/\u00e9'),
  LIVE(`https://evil.example/${'a'.repeat(9_000)}`),
  LIVE('https://evil.example/', 9_999_999_999),
  LIVE('https://evil.example/', 9_007_199_254_740_991),
  LIVE('https://evil.example/', 0),
  LIVE('https://evil.example/', -1),
  LIVE('https://evil.example/', 1, '200'),
  LIVE('https://evil.example/', 1, '999'),
  LIVE('https://evil.example/').replace('1|', '2|'),
  LIVE('https://evil.example/').replace('|G|', '|X|'),
  LIVE('https://evil.example/').replace('|100000|', '|x|'),
  `\n${LIVE('https://evil.example/')}`,
  `${LIVE('https://evil.example/')}\n`,
  `{"longUrl":"https://evil.example/"}`,
  'https://evil.example/',
  '',
  '|',
  '1|1|D|',
  '9007199254740991|D',
  '1|9007199254740991|D',
  '\u0000'.repeat(100),
  'x'.repeat(100_000),
];

/** What might be put where Redis says how far it is, by what is there. */
const FORGED_STATES: readonly (readonly [what: string, forge: (state: string) => string])[] = [
  ['nothing', () => ''],
  ['text', () => 'x'.repeat(100_000)],
  ['another format', (state) => state.replace(/^1/, '2')],
  ['a pulse that nothing is above', (state) => state.replace(/^1\|\d+/, '1|999999999999')],
  ['a pulse beyond numbers', (state) => state.replace(/^1\|\d+/, '1|99999999999999999999')],
  ['a pulse that went back', (state) => state.replace(/^1\|\d+/, '1|1')],
  ['another epoch', (state) => state.replace(/^((?:[^|]*\|){3})[^|]*/, `$1${'a'.repeat(16)}`)],
  ['a place that the log has not come to', (state) => state.replace(/\d+(\|[^|]*)$/, '9007199254740991$1')],
  ['a place of another log', (state) => state.replace(/[^|]*$/, 'b'.repeat(16))],
];

/** Values in Redis that the servers did not put there, under codes of links and of nobody. */
export async function poisonedRedis(attacked: Attacked): Promise<Attacks> {
  const { gateway, redirect, shorten, redis, witness } = attacked;
  const attacks: Attack[] = [];
  for (const at of [gateway, redirect]) {
    for (const value of POISONS) {
      const what = `${JSON.stringify(value).slice(0, 70)} under`;
      const { code, longUrl } = await makeLink(attacked, shorten);
      attacks.push({
        what: `${what} a link's code at ${at.name}`,
        async run() {
          await redis.set(await keyOf(attacked, code), value);
          return leadsTo(attacked, at, code, longUrl);
        },
      });
      const other = await makeLink(attacked, shorten);
      attacks.push({
        what: `${what} the code of a link that is deleted then, at ${at.name}`,
        async run() {
          await redis.set(await keyOf(attacked, other.code), value);
          return ends(attacked, other.code, at);
        },
      });
      attacks.push({
        what: `${what} nobody's code at ${at.name}`,
        async run() {
          const nobodys = newAlias();
          await redis.set(await keyOf(attacked, nobodys), value);
          const [answer] = (await witness.ask({ port: at.port, path: `/${nobodys}` })).answers;
          return answer?.status === 404 ? undefined : `${answer?.head}`;
        },
      });
    }
    const { code, longUrl } = await makeLink(attacked, shorten);
    attacks.push({
      what: `a list under a link's code at ${at.name}`,
      async run() {
        await redis.rPush(await keyOf(attacked, code), LIVE('https://evil.example/'));
        return leadsTo(attacked, at, code, longUrl);
      },
    });
  }
  for (const [what, forge] of FORGED_STATES) {
    const { code, longUrl } = await makeLink(attacked, shorten);
    attacks.push({
      what: `${what} where it says how far Redis is`,
      async run() {
        const state = (await redis.get(stateKeyOf(code)).catch(() => null)) ?? '';
        await redis.set(stateKeyOf(code), forge(state));
        return leadsTo(attacked, redirect, code, longUrl);
      },
    });
  }
  return { attacks };
}

async function leadsTo(
  { witness }: Attacked,
  { port }: Listener,
  code: string,
  target: string,
): Promise<string | undefined> {
  const [answer] = (await witness.ask({ port, path: `/${code}` })).answers;
  return answer?.headers.get('location') === target ? undefined : `${answer?.head}`;
}

/** Deletes a link with every right; a value that looks newer must not outlive it. */
async function ends({ witness, shorten }: Attacked, code: string, { port }: Listener): Promise<string | undefined> {
  const headers = [['Authorization', `Bearer ${shorten.token}`]] as const;
  const [deleted] = (await witness.ask({ port: shorten.port, method: 'DELETE', path: `/api/v1/urls/${code}`, headers }))
    .answers;
  if (deleted?.status !== 204) return `a delete got ${deleted?.status}`;
  const [answer] = (await witness.ask({ port, path: `/${code}` })).answers;
  return answer?.status === 410 ? undefined : `${answer?.head}`;
}
