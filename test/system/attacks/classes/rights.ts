import { createHash } from 'node:crypto';
import { OPERATIONS } from '@lakh/operations';
import { type Attacked, askForLink, changeOf, type Listener, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { JSON_TYPE } from '../witness.js';

type Header = readonly [name: string, value: string];

/** Ways to show a right that one does not have; none holds the token as it has to be sent. */
function wrongTokens(token: string): Header[][] {
  const hash = createHash('sha256').update(token);
  const sum = hash.copy().digest('hex');
  const basic = (text: string) => Buffer.from(text).toString('base64');
  const other = [...token].reverse().join('');
  return [
    [],
    ...[
      '',
      'Bearer',
      'Bearer ',
      'Bearer null',
      'Bearer undefined',
      'Bearer true',
      'Bearer *',
      'Bearer 0',
      `Bearer ${other}`,
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token.slice(1)}`,
      `Bearer ${token}x`,
      `Bearer x${token}`,
      `Bearer ${token}\x00`,
      `Bearer ${token},${other}`,
      `Bearer ${token} ${other}`,
      `Bearer ${other} ${token}`,
      `Bearer "${token}"`,
      `Bearer <${token}>`,
      `Bearer ${token.toUpperCase() === token ? token.toLowerCase() : token.toUpperCase()}`,
      `Bearer ${sum}`,
      `Bearer stack:${sum}`,
      `Bearer stack:${token}`,
      `Bearer ${basic(token)}`,
      `Bearer ${encodeURIComponent(`${token}/`)}`,
      `Bearer ${'a'.repeat(8_000)}`,
      `Bearer\xa0${token}`,
      `Token ${token}`,
      `Basic ${basic(`stack:${token}`)}`,
      `Basic ${basic(`:${token}`)}`,
      `Digest username="stack", response="${sum}"`,
      token,
      "Bearer ' OR '1'='1",
      'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJzdGFjayJ9.',
    ].map((value): Header[] => [['Authorization', value]]),
    [
      ['Authorization', `Bearer ${other}`],
      ['Authorization', `Bearer ${token}`],
    ],
    [['X-Authorization', `Bearer ${token}`]],
    [['Proxy-Authorization', `Bearer ${token}`]],
    [['X-Api-Key', token]],
    [['X-Token', token]],
    [['Cookie', `token=${token}; authorization=Bearer ${token}`]],
    [['Authorization_', `Bearer ${token}`]],
  ];
}

/** Changes without the token that they need, and an operator's commands without the one that only who reads the data folder knows. */
export async function rights(attacked: Attacked): Promise<Attacks> {
  const changes = await changesOfOthers(attacked);
  return {
    attacks: [...changes.attacks, ...commands(attacked)],
    later: [
      ...changes.later,
      { what: 'counters that were skipped', run: () => codesAreShort(attacked, attacked.standalone) },
    ],
  };
}

async function changesOfOthers(attacked: Attacked): Promise<Required<Pick<Attacks, 'attacks' | 'later'>>> {
  const attacks: Attack[] = [];
  const later: Attack[] = [];
  for (const at of attacked.open) {
    if (at.token === undefined) continue;
    const kept = await makeLink(attacked, at);
    const refuse = (what: string, headers: readonly Header[], query = '', fields: object = {}) => {
      const path = `/api/v1/urls/${kept.code}${query}`;
      const edit = JSON.stringify({ long_url: 'https://evil.example/', ...fields });
      for (const [method, body] of [['DELETE'], ['DELETE', JSON.stringify(fields)], ['PATCH', edit]] as const) {
        attacks.push({
          what: `${method} by ${what} at ${at.name}`,
          run: () => notAllowed(attacked, at, method, path, [JSON_TYPE, ...headers], body),
        });
      }
    };
    for (const headers of wrongTokens(at.token)) refuse(told(headers), headers);
    for (const name of ['token', 'access_token', 'api_key', 'key', 'authorization', 'bearer']) {
      refuse(`${name} in the query`, [], `?${name}=${at.token}`);
      refuse(`${name} in the body`, [], '', { [name]: at.token });
    }
    later.push({ what: `a link of others at ${at.name}`, run: () => changeOf(attacked, at, kept) });
  }
  return { attacks, later };
}

const told = (headers: readonly Header[]): string => headers.map((each) => each.join(': ').slice(0, 30)).join();

function commands(attacked: Attacked): Attack[] {
  const { open, admin, operations } = attacked;
  const body = JSON.stringify({ apply: true, force: true, skip: 3_521_614_606_208, rows: [], adopt: true });
  const right = ['Authorization', `Bearer ${operations.token}`] as const;
  return [...Object.keys(OPERATIONS), '__proto__', 'constructor', 'toString', ''].flatMap((name) => [
    ...wrongTokens(operations.token as string).flatMap((headers) =>
      ['POST', 'GET', 'PUT'].map((method) => ({
        what: `${method} ${name} by ${told(headers)} at operations`,
        run: () => notRun(attacked, operations, method, `/${name}`, [JSON_TYPE, ...headers], body),
      })),
    ),
    ...[...open, ...admin].flatMap((at) =>
      [`/ops/${name}`, `/${name}`, `/operations/${name}`].map((path) => ({
        what: `POST ${path} at ${at.name}`,
        run: () => notRun(attacked, at, 'POST', path, [JSON_TYPE, right], body),
      })),
    ),
  ]);
}

async function notAllowed(
  { witness }: Attacked,
  { port }: Listener,
  method: string,
  path: string,
  headers: readonly Header[],
  body: string | undefined,
): Promise<string | undefined> {
  const asked = { port, method, path, headers, ...(body === undefined ? {} : { body }) };
  const status = (await witness.ask(asked)).answers[0]?.status;
  return status === 401 || status === 400 ? undefined : `a ${status}`;
}

async function notRun(
  { witness }: Attacked,
  { port }: Listener,
  method: string,
  path: string,
  headers: readonly Header[],
  body: string,
): Promise<string | undefined> {
  const { answers, text } = await witness.ask({ port, method, path, headers, body });
  const status = answers[0]?.status;
  if (status === undefined) return text === '' ? undefined : text;
  return status >= 400 && status < 500 ? undefined : text.slice(0, 200);
}

/** The next code of a server that has made few links is one of three characters. */
async function codesAreShort(attacked: Attacked, at: Listener): Promise<string | undefined> {
  const { answers, text } = await askForLink(attacked, at, { long_url: 'https://example.com/' });
  const code = (JSON.parse(answers[0]?.body ?? '{}') as { code?: string }).code ?? text;
  return code.length <= 3 ? undefined : `the next code is ${code}`;
}
