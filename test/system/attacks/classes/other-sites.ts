import { hostname } from 'node:os';
import { apiRoutes, keyRoutes } from '@lakh/api';
import type { Route } from '@lakh/http';
import { pageRoutes } from '@lakh/page';
import { adminRoutes } from '@lakh/process';
import { redirectRoutes } from '@lakh/redirects';
import { siteRoutes } from '@lakh/site';
import { type Attacked, changeOf, type Kept, type Listener, linksAmong, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { FORM_TYPE, JSON_TYPE, newAlias } from '../witness.js';

const CHANGING: readonly Route[] = [apiRoutes, keyRoutes, pageRoutes, redirectRoutes, siteRoutes, adminRoutes]
  .flatMap((each) => Object.values<Route>(each))
  .filter(({ method }) => method !== 'GET');
const READING: readonly Route[] = [
  apiRoutes.getLink,
  pageRoutes.getPage,
  redirectRoutes.followLink,
  siteRoutes.previewLink,
  siteRoutes.drawShortLink,
  adminRoutes.getReadiness,
  adminRoutes.getMetrics,
];
/** Asked of every listener, also of those that do not have them: none may answer for another host. */
const ROUTES = [...CHANGING, ...READING];

type Header = readonly [name: string, value: string];
/** What the attacker's page makes a browser ask; `made` is the code that a create would claim. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Header[];
  readonly body?: string;
  readonly made?: string;
}

/** Opens the links that are asked for one. */
const PASSWORD = 'open sesame';

/** What is sent to routes that take neither links nor changes of them. */
const BODIES: ReadonlyMap<string, (code: string) => Pick<Asked, 'body' | 'headers'>> = new Map([
  [apiRoutes.deleteLinks.path, (code) => ({ headers: [JSON_TYPE], body: JSON.stringify({ links: [{ code }] }) })],
  [apiRoutes.dryRunLink.path, () => ({ headers: [JSON_TYPE], body: '{}' })],
  [keyRoutes.createKey.path, () => ({ headers: [JSON_TYPE], body: '{"name":"evil"}' })],
  [keyRoutes.rotateKey.path, () => ({ headers: [JSON_TYPE], body: '{}' })],
  [
    redirectRoutes.openLink.path,
    () => ({ headers: [FORM_TYPE], body: String(new URLSearchParams({ password: PASSWORD })) }),
  ],
]);

/** A request that would succeed from this service's own page, with every right. */
function rightRequest({ method, path, body }: Route, code: string, token: string | undefined): Asked {
  const headers: Header[] = token === undefined ? [] : [['Authorization', `Bearer ${token}`]];
  const asked = { method, path: path.replace(':code', code).replace(':key', 'evil') };
  if (body === undefined) return { ...asked, headers };
  const other = BODIES.get(path)?.(code);
  if (other) return { ...asked, ...other, headers: [...headers, ...other.headers] };
  if (body.type === 'patch') {
    return { ...asked, headers: [...headers, JSON_TYPE], body: '{"long_url":"https://evil.example/"}' };
  }
  const made = newAlias();
  const fields = { long_url: `https://evil.example/${made}`, alias: made };
  if (body.type === 'batch') return { ...asked, headers: [JSON_TYPE], body: JSON.stringify({ links: [fields] }), made };
  return body.type === 'json'
    ? { ...asked, headers: [JSON_TYPE], body: JSON.stringify(fields), made }
    : { ...asked, headers: [FORM_TYPE], body: new URLSearchParams(fields).toString(), made };
}

/** Names that are not the listener's, and texts that are no name, some of which begin or end like its own. */
function foreignHosts(own: string): string[] {
  const [name, port] = own.split(':') as [string, string];
  return [
    'evil.example',
    `evil.example:${port}`,
    'evil.example.',
    'EVIL.example',
    `${name}.evil.example:${port}`,
    `localhost.evil.example:${port}`,
    `evil.example:${port}:${port}`,
    `evil-localhost:${port}`,
    `${name}@evil.example:${port}`,
    `evil.example@${own}`,
    `${own}, evil.example`,
    `evil.example, ${own}`,
    `${own} evil.example`,
    `${own}/evil.example`,
    `${own}#evil.example`,
    `${own}?evil.example`,
    `evil.example#${own}`,
    `http://${own}`,
    '',
    '.',
    ':',
    `:${port}`,
    `0.0.0.0:${port}`,
    `[::]:${port}`,
    '169.254.169.254',
    `10.0.0.1:${port}`,
    `1.0.0.127:${port}`,
    `[::ffff:10.0.0.1]:${port}`,
    `[2001:db8::1]:${port}`,
    `${hostname()}.evil.example`,
    'xn--lcalhost-64a',
    `l\xf6calhost:${port}`,
    `localhost%00.evil.example:${port}`,
    `${name}:-1`,
    `${own}\x00`,
    `null`,
    'undefined',
  ];
}

/** Of other pages, and texts that begin or end like this service's own origin. */
function foreignOrigins(own: string): (string | undefined)[] {
  const [name, port] = own.split(':') as [string, string];
  return [
    'http://evil.example',
    'https://evil.example',
    `http://evil.example:${port}`,
    `http://${own}.evil.example`,
    `http://${name}.evil.example:${port}`,
    `http://evil.example#${own}`,
    `http://evil.example/http://${own}`,
    `http://${own}@evil.example`,
    `http://user@${own}`,
    `http://${own}/`,
    `http://${own}/path`,
    `http://${own} http://evil.example`,
    `http://evil.example, http://${own}`,
    `http://${name}:1`,
    `http://localhost:1`,
    `http://${name}`,
    `ftp://${own}`,
    own,
    `//${own}`,
    'null',
    'NULL',
    '',
    'file://',
    'about:blank',
    'data:text/html,x',
    'chrome-extension://abcdefghijklmnop',
    'undefined',
    '*',
  ];
}

const FOREIGN_SITES = ['cross-site', 'same-site', 'Cross-Site', 'same-origin, cross-site', '', 'x'];

/** A page of another site, or one under a name that its author pointed here, asks each listener for everything that there is. */
export async function otherSites(attacked: Attacked): Promise<Attacks> {
  const attacks: Attack[] = [];
  const later: Attack[] = [];
  for (const at of [...attacked.open, ...attacked.admin, attacked.operations]) {
    const own = `127.0.0.1:${at.port}`;
    const keeper = at.makes || !at.follows ? at : attacked.shorten;
    // At a listener that knows no links there is none to lose.
    const kept = await makeLink(attacked, keeper.makes ? keeper : attacked.shorten);
    if (at.makes) await succeedFromOwnPage(attacked, at);
    const made: string[] = [];
    const refuse = (
      route: Route,
      what: string,
      host: string,
      headers: readonly Header[],
      statuses: readonly number[],
    ) => {
      const asked = rightRequest(route, kept.code, at.token);
      if (asked.made !== undefined) made.push(asked.made);
      attacks.push({
        what: `${asked.method} ${asked.path} at ${at.name}, ${what}`,
        run: () => refused(attacked, at, { ...asked, headers: [...asked.headers, ...headers] }, host, statuses),
      });
    };
    for (const host of foreignHosts(own)) {
      for (const route of at.makes || at.follows ? ROUTES : [apiRoutes.createLink, ...READING])
        refuse(route, `Host ${JSON.stringify(host)}`, host, [], [400, 421]);
    }
    for (const route of ROUTES) {
      refuse(route, 'another Host after its own', own, [['Host', 'evil.example']], [400]);
      refuse(route, 'another Host before its own', 'evil.example', [['Host', own]], [400]);
    }
    const changing = at.follows || at.makes ? CHANGING : [];
    for (const route of changing) {
      for (const origin of foreignOrigins(own)) {
        for (const site of [undefined, 'cross-site', 'same-origin', 'none']) {
          // Of these two the page's own form has both, where a browser sends no referrer.
          if (origin === 'null' && (site === 'same-origin' || site === 'none')) continue;
          refuse(route, `Origin ${origin}, site ${site}`, own, pageHeaders(origin, site), [403, 404, 405]);
        }
      }
      for (const site of FOREIGN_SITES) {
        refuse(route, `site ${site}`, own, pageHeaders(undefined, site), [403, 404, 405]);
      }
      refuse(
        route,
        'two Origins',
        own,
        [...pageHeaders(`http://${own}`, undefined), ['Origin', 'http://evil.example']],
        [403, 404, 405],
      );
      refuse(
        route,
        'two sites',
        own,
        [...pageHeaders(undefined, 'same-origin'), ['Sec-Fetch-Site', 'cross-site']],
        [403, 404, 405],
      );
    }
    later.push({
      what: `what other sites changed at ${at.name}`,
      run: () => changed(attacked, keeper.makes ? keeper : attacked.shorten, made, kept),
    });
  }
  return { attacks, later };
}

/** The same requests from this service's own page, or all the refusals would be for something else. */
async function succeedFromOwnPage(attacked: Attacked, at: Listener): Promise<void> {
  const own = `127.0.0.1:${at.port}`;
  const keys: readonly Route[] = Object.values(keyRoutes);
  for (const route of CHANGING) {
    // Nobody here may administer keys, and who follows no links opens none.
    if (keys.includes(route) || (route === redirectRoutes.openLink && !at.follows)) continue;
    const { code } = await makeLink(attacked, at, route === redirectRoutes.openLink ? { password: PASSWORD } : {});
    const asked = rightRequest(route, code, at.token);
    const headers = [...asked.headers, ...pageHeaders(`http://${own}`, 'same-origin')];
    const { answers, text } = await attacked.witness.ask({ port: at.port, ...asked, headers });
    if (!answers[0] || answers[0].status >= 400)
      throw new Error(`${asked.method} ${asked.path} at ${at.name}: ${text}`);
  }
}

function pageHeaders(origin: string | undefined, site: string | undefined): Header[] {
  return [
    ...(origin === undefined ? [] : [['Origin', origin] as const]),
    ...(site === undefined ? [] : [['Sec-Fetch-Site', site] as const]),
  ];
}

async function refused(
  { witness }: Attacked,
  { port }: Listener,
  asked: Asked,
  host: string,
  statuses: readonly number[],
): Promise<string | undefined> {
  const { answers, text } = await witness.ask({ port, host, ...asked });
  const [answer] = answers;
  if (answer === undefined) return text === '' ? undefined : text.slice(0, 200);
  if (answer.headers.has('access-control-allow-origin')) return 'an answer that another site may read';
  return statuses.includes(answer.status) ? undefined : `${answer.status} ${answer.body.slice(0, 100)}`;
}

async function changed(
  attacked: Attacked,
  at: Listener,
  made: readonly string[],
  kept: Kept,
): Promise<string | undefined> {
  const [stranger] = await linksAmong(attacked, at, made);
  return stranger === undefined ? changeOf(attacked, at, kept) : `made ${stranger}`;
}
