import { randomBytes } from 'node:crypto';
import { type Attacked, type Listener, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { newAddress } from '../wire.js';
import { bytesOf, JSON_TYPE, newAlias, type Request } from '../witness.js';

/** What a client may have in a minute where nobody set it otherwise, as the reference tells. */
const CHANGES_PER_MIN = 3_000;
const MISSES_PER_MIN = 600;
const WRONG_TOKENS_PER_MIN = 60;
/** Beyond what a minute allows. */
const TRIED = 1.2;
const ON_ONE_CONNECTION = 100;

/** Codes and tokens that are tried by the thousand, and links that are made by it, from one address. */
export function guesses(attacked: Attacked): Attacks {
  const { gateway, shorten, redirect, standalone } = attacked;
  const attacks: Attack[] = [];
  const flood = (
    what: string,
    at: Listener,
    perMin: number,
    request: (i: number) => Omit<Request, 'port'>,
    got: number,
  ) => attacks.push({ what: `${what} at ${at.name}`, run: () => tooMany(attacked, at, perMin, request, got) });
  for (const at of [gateway, redirect, standalone]) {
    flood('codes that are followed', at, MISSES_PER_MIN, () => ({ path: `/${newAlias()}` }), 404);
    flood('codes with marks', at, MISSES_PER_MIN, () => ({ path: `/${newAlias()}.` }), 404);
  }
  for (const at of [gateway, shorten, standalone]) {
    flood('codes that are looked up', at, MISSES_PER_MIN, () => ({ path: `/api/v1/urls/${newAlias()}` }), 404);
    flood('codes on the page', at, MISSES_PER_MIN, () => ({ path: `/-/made/${newAlias()}` }), 404);
  }
  // Nobody needs a token there.
  flood(
    'codes that are edited',
    standalone,
    MISSES_PER_MIN,
    () => ({ method: 'PATCH', path: `/api/v1/urls/${newAlias()}`, headers: [JSON_TYPE], body: '{}' }),
    404,
  );
  flood(
    'codes that are deleted',
    standalone,
    MISSES_PER_MIN,
    () => ({ method: 'DELETE', path: `/api/v1/urls/${newAlias()}` }),
    404,
  );
  for (const at of [gateway, shorten]) {
    flood(
      'tokens',
      at,
      WRONG_TOKENS_PER_MIN,
      () => ({
        method: 'DELETE',
        path: `/api/v1/urls/${newAlias()}`,
        headers: [['Authorization', `Bearer ${guess()}`]],
      }),
      401,
    );
    attacks.push({
      what: `the right token after many wrong ones at ${at.name}`,
      run: () => rightAfterWrong(attacked, at),
    });
  }
  flood(
    'links',
    standalone,
    CHANGES_PER_MIN,
    () => ({ method: 'POST', path: '/api/v1/urls', headers: [JSON_TYPE], body: '{"long_url":"https://example.com/"}' }),
    201,
  );
  return { attacks };
}

const guess = (): string => randomBytes(32).toString('base64url');

/** Asks for more than a minute's worth on kept connections, and counts the answers that `got` was hoped for. */
async function tooMany(
  { witness }: Attacked,
  { port }: Listener,
  perMin: number,
  request: (i: number) => Omit<Request, 'port'>,
  got: number,
): Promise<string | undefined> {
  const from = newAddress();
  const counts = new Map<number, number>();
  const startedMs = performance.now();
  for (let sent = 0; sent < TRIED * perMin; sent += ON_ONE_CONNECTION) {
    const many = Array.from({ length: ON_ONE_CONNECTION }, (_, i) =>
      bytesOf({ port, ...request(sent + i) }, i + 1 === ON_ONE_CONNECTION),
    );
    const { answers } = await witness.exchange('guesses', { port, from, isFlood: true, pieces: [Buffer.concat(many)] });
    for (const { status, headers } of answers) {
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (status === 429 && !/^[1-9]\d?$/.test(headers.get('retry-after') ?? ''))
        return 'a 429 that does not say until when';
    }
  }
  const minutes = Math.ceil((performance.now() - startedMs) / 60_000);
  const had = counts.get(got) ?? 0;
  const told = JSON.stringify(Object.fromEntries(counts));
  if (had > minutes * perMin) return `${had} answers in ${minutes} min: ${told}`;
  // An attack that met something else would pass for ever.
  if (had < perMin / 2 || !counts.has(429)) return `it met something else: ${told}`;
  const other = (await witness.ask({ port, ...request(0) })).answers[0]?.status;
  return other === got ? undefined : `others get ${other}`;
}

/** Nobody learns by it that a guess was right. */
async function rightAfterWrong(attacked: Attacked, at: Listener): Promise<string | undefined> {
  const { witness } = attacked;
  const { code } = await makeLink(attacked, at);
  const from = newAddress();
  const withToken = (token: string, last: boolean) =>
    bytesOf(
      {
        port: at.port,
        method: 'DELETE',
        path: `/api/v1/urls/${code}`,
        headers: [['Authorization', `Bearer ${token}`]],
      },
      last,
    );
  const wrong = Array.from({ length: WRONG_TOKENS_PER_MIN }, () => withToken(guess(), false));
  const pieces = [Buffer.concat([...wrong, withToken(at.token as string, true)])];
  const { answers } = await witness.exchange('a right token after wrong ones', {
    port: at.port,
    from,
    isFlood: true,
    pieces,
  });
  const last = answers.at(-1)?.status;
  return answers.length === wrong.length + 1 && last === 429
    ? undefined
    : `${answers.length} answers, the last a ${last}`;
}
