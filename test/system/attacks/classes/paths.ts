import { type Attacked, changeOf, type Listener, linksAmong, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { JSON_TYPE, newAlias } from '../witness.js';

/** Files, and what other listeners, other services and the gateway itself have: nothing of it is here. */
const ELSEWHERE = [
  '/metrics',
  '/healthz/live',
  '/healthz/ready',
  '/status',
  '/generation',
  '/ops/restore',
  '/ops/',
  '/restore',
  '/server-status',
  '/-/gateway/503',
  '/-/gateway/503.html',
  '/-/gateway/closing/shorten',
  '/-/gateway/closing/redirect',
  '/-/made/',
  '/-/',
  '/-/../metrics',
  '/-/page.css/../../../package.json',
  '/-/page.css%2f..%2f..%2fpackage.json',
  '/-/..%2f..%2f..%2fetc/passwd',
  '/../../../etc/passwd',
  '/..%2f..%2fetc%2fpasswd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/.%2e/.%2e/etc/passwd',
  '/..%5c..%5cetc/passwd',
  '/..\\..\\etc\\passwd',
  '/..;/..;/etc/passwd',
  '/%252e%252e/etc/passwd',
  '/..%c0%af..%c0%afetc/passwd',
  '/..%e0%80%af../etc/passwd',
  '/%uff0e%uff0e/etc/passwd',
  '/....//....//etc/passwd',
  '//etc/passwd',
  '///etc/passwd',
  '/etc/passwd%00.html',
  '/%00',
  '/%00/',
  '/%0a',
  '/%0d%0aX-Injected:%201',
  '/%0d%0a%0d%0a<script>alert(1)</script>',
  '/%E5%98%8D%E5%98%8AX-Injected:%201',
  '/%ff',
  '/%',
  '/%zz',
  '/%c3',
  '/%ed%a0%80',
  '/\xff',
  '/.git/config',
  '/.env',
  '/.well-known/acme-challenge/x',
  '/.well-known/security.txt',
  '/package.json',
  '/node_modules/express/package.json',
  '/data/lakh.db',
  '/operations.json',
  '/tokens',
  '/api',
  '/api/',
  '/api/v1',
  '/api/v1/urls/',
  '/api/v1/urls/%2e%2e',
  '/api/v2/urls',
  '/__proto__',
  '/constructor/',
  '/toString.',
  '//evil.example',
  '//evil.example/..',
  '//evil.example/%2f..',
  '/\\evil.example',
  '/%5cevil.example',
  '/%2f%2fevil.example',
  '/https://evil.example/',
  '/https:evil.example',
  '/;@evil.example',
  '/.evil.example',
  '/evil.example/',
  '/<script>alert(1)</script>',
  '/"onmouseover=alert(1)',
  '/{{7*7}}',
  "/'%20OR%201=1--",
  '/*',
  '*',
];

/** Ways to write the address of one link. */
const SPELLINGS: readonly ((code: string) => string)[] = [
  (code) => `//api/v1/urls/${code}`,
  (code) => `/api//v1/urls/${code}`,
  (code) => `/api/v1/urls//${code}`,
  (code) => `/./api/v1/urls/${code}`,
  (code) => `/x/../api/v1/urls/${code}`,
  (code) => `/x/%2e%2e/api/v1/urls/${code}`,
  (code) => `/x/..%2fapi/v1/urls/${code}`,
  (code) => `/x%2f..%2fapi%2fv1%2furls%2f${code}`,
  (code) => `/-/../api/v1/urls/${code}`,
  (code) => `/api/v1/urls/x/../${code}`,
  (code) => `/api/v1/urls/${code}/`,
  (code) => `/api/v1/urls/${code}/.`,
  (code) => `/api/v1/urls/${code}/..`,
  (code) => `/api/v1/urls/${code}/../${code}`,
  (code) => `/api/v1/urls/${code}%00`,
  (code) => `/api/v1/urls/${code}%20`,
  (code) => `/api/v1/urls/%20${code}`,
  (code) => `/api/v1/urls/${code}%0a`,
  (code) => `/api/v1/urls/${code}.`,
  (code) => `/api/v1/urls/${code}.json`,
  (code) => `/api/v1/urls/${code};x=y`,
  (code) => `/api/v1/urls;x/${code}`,
  (code) => `/api/v1/urls%2f${code}`,
  (code) => `/api%2fv1%2furls%2f${code}`,
  (code) => `/%61pi/v1/urls/${code}`,
  (code) => `/API/v1/urls/${code}`,
  (code) => `/api/V1/Urls/${code}`,
  (code) => `/api/v1/urls/%${code.charCodeAt(0).toString(16)}${code.slice(1)}`,
  (code) => `/api/v1/urls/%25${code.charCodeAt(0).toString(16)}${code.slice(1)}`,
  (code) => `/api/v1/urls/${code}?token=x`,
  (code) => `/api/v1/urls/${code}?_method=DELETE`,
  (code) => `/api/v1/urls/${code}#x`,
  (code) => `/api\\v1\\urls\\${code}`,
  (code) => `/${code}`,
  (code) => `/${code}/`,
  (code) => `/-/made/${code}`,
  (code) => `/-/shorten/${code}`,
];

/** Addresses that mean one thing to one reader and another to the next. */
export async function paths(attacked: Attacked): Promise<Attacks> {
  const attacks: Attack[] = [];
  const later: Attack[] = [];
  for (const at of attacked.open) {
    const keeper = at.makes ? at : attacked.shorten;
    for (const path of ELSEWHERE) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        attacks.push({ what: `${method} ${path} at ${at.name}`, run: () => nothingThere(attacked, at, method, path) });
      }
    }
    const kept = await makeLink(attacked, keeper);
    const { code } = kept;
    const made: string[] = [];
    for (const spell of SPELLINGS) {
      // Where nobody needs a token, the link's own address, encoded or not, deletes it.
      if (at.token !== undefined || at === attacked.redirect) {
        for (const [method, body] of [['DELETE'], ['PATCH', '{"long_url":"https://evil.example/"}']] as const) {
          attacks.push({
            what: `${method} ${spell('code')} at ${at.name}`,
            run: () => notDone(attacked, at, method, spell(code), body),
          });
        }
      }
      const alias = newAlias();
      made.push(alias);
      attacks.push({
        what: `POST ${spell('')} at ${at.name}`,
        run: () =>
          notDone(attacked, at, 'POST', spell(''), JSON.stringify({ long_url: 'https://evil.example/', alias })),
      });
    }
    later.push({
      what: `what of it was done at ${at.name}`,
      async run() {
        const links = await linksAmong(attacked, keeper, made);
        return links.length === 0 ? changeOf(attacked, keeper, kept) : `made ${links}`;
      },
    });
  }
  return { attacks, later };
}

async function nothingThere(
  { witness }: Attacked,
  { port }: Listener,
  method: string,
  path: string,
): Promise<string | undefined> {
  const { answers, text } = await witness.ask({ port, method, path });
  const [answer] = answers;
  if (answer === undefined) return text === '' ? undefined : text.slice(0, 200);
  const { status, headers } = answer;
  if (headers.has('location')) return `it leads to ${headers.get('location')}`;
  // OPTIONS apart, nothing but what is there is answered with less than 400.
  return status >= 400 && status < 500 ? undefined : `${status} ${answer.body.slice(0, 100)}`;
}

async function notDone(
  { witness }: Attacked,
  { port }: Listener,
  method: string,
  path: string,
  body?: string,
): Promise<string | undefined> {
  const { answers, text } = await witness.ask({
    port,
    method,
    path,
    headers: [JSON_TYPE],
    ...(body === undefined ? {} : { body }),
  });
  const status = answers[0]?.status;
  if (status === undefined) return text === '' ? undefined : text.slice(0, 200);
  return status >= 400 && status < 500 ? undefined : `a ${status}`;
}
