import { hostname } from 'node:os';
import { type Attacked, type Listener, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { FORM_TYPE, INJECTED, JSON_TYPE, newAlias, type Request } from '../witness.js';

/** No link leads to these. */
const REFUSED: readonly string[] = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'javascript://example.com/%0aalert(1)',
  ' javascript:alert(1)',
  '\tjavascript:alert(1)',
  'java\nscript:alert(1)',
  'java\tscript:alert(1)',
  'java\0script:alert(1)',
  '\u0001javascript:alert(1)',
  '\u00a0javascript:alert(1)',
  '\ufeffjavascript:alert(1)',
  'javascript&colon;alert(1)',
  'javascript%3aalert(1)',
  'view-source:javascript:alert(1)',
  'vbscript:msgbox(1)',
  'data:text/html,<script>alert(1)</script>',
  'data:text/html;base64,PHNjcmlwdD4=',
  'blob:https://example.com/x',
  'filesystem:https://example.com/x',
  'file:///etc/passwd',
  'file://example.com/x',
  'ftp://example.com/',
  'gopher://example.com/',
  'ws://example.com/',
  'mailto:me@example.com',
  'tel:1',
  'intent://x#Intent;scheme=http;end',
  'about:blank',
  '//evil.example/x',
  '/\\evil.example',
  '\\\\evil.example',
  '/api/v1/urls',
  '?x',
  '#x',
  'evil',
  'http:evil.example',
  'http:/evil.example',
  'https:evil.example',
  'http://',
  'http:///',
  'https://?x',
  'http://:80',
  'http://example.com:99999/',
  'http://exa mple.com/',
  'http://exa%mple.com/',
  'http://example.com%00/',
  'http://[::1/',
  'http://1.2.3.256/',
  'https://good.example@evil.example/',
  'https://good.example:80@evil.example/',
  'https://good.example%40@evil.example/',
  'https://@@evil.example/',
  'https://user:password@evil.example/',
  `https://example.com/\r\n${INJECTED}: 1`,
  `https://example.com/\n${INJECTED}: 1`,
  `https://example.com/\r${INJECTED}: 1`,
  `https://example.com\r\n${INJECTED}: 1/`,
  `\r\n${INJECTED}: 1`,
  'https://example.com/\0',
  'https://example.com/\u007f',
  'https://example.com/\u0085',
  'https://example.com/\u009f',
  'https://example.com/\t',
  'https://example.com/\ud800',
  `https://${'字'.repeat(1_000)}.example/`,
  `https://${'a.'.repeat(1_000)}example/`,
  `https://example.com/${'a'.repeat(3_000)}`,
];

/** What may be stored, and must come out as a browser of today reads it: printable, on one line, under the name that it has in the DNS. */
const SERIALISED: readonly (readonly [target: string, host: string])[] = [
  [`https://example.com/%0d%0a${INJECTED}:%201`, 'example.com'],
  [`https://example.com/\u560d\u560a${INJECTED}: 1`, 'example.com'],
  [`https://example.com/\u010d\u010a${INJECTED}: 1`, 'example.com'],
  ['https://example.com/\u2028\u2029', 'example.com'],
  ['https://example.com/\u202egpj.exe', 'example.com'],
  ['https://example.com/"><script>alert(1)</script>', 'example.com'],
  ["https://example.com/'onclick='x", 'example.com'],
  ['https://example.com\\@evil.example/', 'example.com'],
  ['https:\\\\example.com\\evil', 'example.com'],
  ['https://example.com#@evil.example/', 'example.com'],
  ['https://example.com?@evil.example/', 'example.com'],
  ['https://\u0430pple.com/', 'xn--pple-43d.com'],
  ['https://ex\u00adample.com/', 'example.com'],
  ['https://example\u3002com/', 'example.com'],
  ['https://\uff45xample.com/', 'example.com'],
  ['https://stra\u00dfe.example/', 'xn--strae-oqa.example'],
  ['  https://example.com/  ', 'example.com'],
];

/** Spellings of a port of this machine. */
function loops(port: number): string[] {
  const names = [
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '127.9.9.9',
    '2130706433',
    '017700000001',
    '0177.0.0.1',
    '0x7f000001',
    '0x7f.0.0.1',
    '0',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'x.localhost',
    'loc%61lhost',
    '１２７.0.0.1',
    '127。0。0。1',
    '①②⑦.0.0.1',
    'ｌocalhost',
    hostname(),
    hostname().toUpperCase(),
    `${hostname()}.`,
  ];
  return [
    ...names.map((name) => `http://${name}:${port}/`),
    `https://127.0.0.1:${port}/x`,
    `http:\\\\127.0.0.1:${port}\\x`,
    `http://127.0.0.1:0${port}/`,
    `  http://127.0.0.1:${port}/x?y#z`,
  ];
}

/** How a link comes to a target. */
const WAYS = ['API', 'form', 'edit'] as const;
type Way = (typeof WAYS)[number];

/** Hops after which a browser would still go on. */
const HOPS_MAX = 6;

/** Links that run script, name a user, bring headers, look like another site or go in circles; by the API and by the page's form. */
export function linkTargets(attacked: Attacked): Attacks {
  const { open, redirect } = attacked;
  const follower = (at: Listener) => (at.follows ? at : redirect);
  const attacks: Attack[] = [];
  for (const at of open.filter(({ makes }) => makes)) {
    for (const way of WAYS) {
      const attack = (target: string, run: (made: Made) => Promise<string | undefined>) =>
        attacks.push({
          what: `${JSON.stringify(target).slice(0, 80)} by the ${way} at ${at.name}`,
          async run() {
            const made = await make(attacked, at, way, target);
            return typeof made === 'string' ? made : made.code === undefined ? undefined : run(made);
          },
        });
      for (const target of REFUSED) {
        // A page takes what people paste: blanks around it, and no scheme before a name.
        attack(target, async ({ code }) => (code === undefined || isMended(way, target) ? undefined : 'it was made'));
      }
      for (const [target, host] of SERIALISED)
        attack(target, ({ code }) => leadsTo(attacked, follower(at), code as string, host));
      for (const { port } of way === 'API' ? open : [at]) {
        for (const target of loops(port))
          attack(target, ({ code }) => endsSomewhere(attacked, follower(at), code as string));
      }
    }
  }
  return { attacks };
}

const isMended = (way: Way, target: string): boolean =>
  way === 'form' && /^\s*https?:\/\/example\.com\/[\s\ud800]*$/.test(target);

interface Made {
  readonly code: string | undefined;
}

const DONE: Readonly<Record<Way, number>> = { API: 201, form: 303, edit: 200 };

async function make(attacked: Attacked, at: Listener, way: Way, target: string): Promise<Made | string> {
  const { witness } = attacked;
  const { port, token } = at;
  const code = way === 'edit' ? (await makeLink(attacked, at)).code : newAlias();
  const fields = { long_url: target, alias: code };
  const right = token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const];
  const requests: Readonly<Record<Way, Request>> = {
    API: { port, method: 'POST', path: '/api/v1/urls', headers: [JSON_TYPE], body: JSON.stringify(fields) },
    form: { port, method: 'POST', path: '/-/shorten', headers: [FORM_TYPE], body: `${new URLSearchParams(fields)}` },
    edit: {
      port,
      method: 'PATCH',
      path: `/api/v1/urls/${code}`,
      headers: [JSON_TYPE, ...right],
      body: JSON.stringify({ long_url: target }),
    },
  };
  const { answers, text } = await witness.ask(requests[way]);
  const status = answers[0]?.status;
  if (status === 422) return { code: undefined };
  return status === DONE[way] ? { code } : `neither made nor refused: ${text.slice(0, 200)}`;
}

async function locationOf({ witness }: Attacked, { port }: Listener, code: string): Promise<string | undefined> {
  return (await witness.ask({ port, path: `/${code}` })).answers[0]?.headers.get('location');
}

async function leadsTo(attacked: Attacked, at: Listener, code: string, host: string): Promise<string | undefined> {
  const location = (await locationOf(attacked, at, code)) ?? '';
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(location) || /["<>\\]/.test(location))
    return `Location ${JSON.stringify(location)}`;
  return new URL(location).host === host ? undefined : `it leads to ${location}`;
}

/** Follows a link as a browser does, as long as it stays on this machine. */
async function endsSomewhere(attacked: Attacked, at: Listener, code: string): Promise<string | undefined> {
  const ports = new Set(attacked.open.map(({ port }) => String(port)));
  let url = new URL(`http://127.0.0.1:${at.port}/${code}`);
  for (let hops = 0; hops < HOPS_MAX; hops += 1) {
    const { answers } = await attacked.witness.ask({ port: Number(url.port), path: url.pathname, host: url.host });
    const location = answers[0]?.headers.get('location');
    if (location === undefined) return undefined;
    url = new URL(location, url);
    if (!ports.has(url.port)) return undefined;
  }
  return `${HOPS_MAX} hops, and no end`;
}
