import { createHmac } from 'node:crypto';
import { metric } from '../../support/http.js';
import { type Attacked, askForLink, type Listener, makeLink } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { newAlias } from '../witness.js';

/** What the servers would have to believe; `given` is the value that a browser was given, `<ms>.<signature>`. */
function forged(given: string): string[] {
  const [digits = '', mac = ''] = given.split('.');
  const later = String(Number(digits) + 1_000);
  const now = Date.now();
  const signed = (key: string, text: string) =>
    `${text}.${createHmac('sha256', key).update(text).digest().subarray(0, 16).toString('base64url')}`;
  return [
    String(now + 20_000),
    `${now + 20_000}.`,
    `${later}.${mac}`,
    `${Number(digits) - 1}.${mac}`,
    `${digits}.${[...mac].reverse().join('')}`,
    `${digits}.${mac.slice(0, -1)}`,
    `${digits}.${mac}A`,
    `${digits}.${mac.toUpperCase()}`,
    `${digits}.${'A'.repeat(22)}`,
    `${digits}.`,
    `${digits}`,
    `0${digits}.${mac}`,
    `${digits}0.${mac}`,
    `+${digits}.${mac}`,
    `${digits}.0.${mac}`,
    ` ${digits} .${mac}`,
    `${digits},${mac}`,
    `"${digits}.${mac}"`,
    `${encodeURIComponent(digits)}%2e${mac}`,
    signed('', later),
    signed('lakh', later),
    signed('ryow_until', later),
    signed(digits, later),
    signed('', '9999999999999'),
    `9999999999999.${mac}`,
    `99999999999999.${mac}`,
    `-1.${mac}`,
    `NaN.${mac}`,
    `1e13.${mac}`,
    '__proto__',
    '',
  ];
}

/** Cookies that nobody was given, by which redirects would go past the caches. */
export async function forgedCookies(attacked: Attacked): Promise<Attacks> {
  const { gateway, redirect, standalone, shorten } = attacked;
  const attacks: Attack[] = [];
  const later: Attack[] = [];
  const past = async (at: Listener) => metric(adminUrlOf(attacked, at), 'lakh_lookups_total{by="primary"}');
  for (const at of [gateway, standalone]) {
    const { code, longUrl } = await makeLink(attacked, at.makes ? at : shorten);
    const given = await cookieOf(attacked, at);
    const server = at === gateway ? redirect : at;
    // The true one goes past, or nothing below would mean anything.
    const atFirst = await past(server);
    await follow(attacked, at, code, `ryow_until=${given}`);
    const before = await past(server);
    if (before !== atFirst + 1)
      throw new Error(`at ${at.name} a true cookie makes ${before - atFirst} reads past the caches`);
    for (const value of forged(given)) {
      for (const cookie of [
        `ryow_until=${value}`,
        `__Host-ryow_until=${value}`,
        `a=b; ryow_until=${value}; ryow_until=${value}`,
        `ryow_until=x; ryow_until=y; ryow_until=z; ryow_until=${value}`,
      ]) {
        attacks.push({
          what: `${cookie} at ${at.name}`,
          run: async () => ((await follow(attacked, at, code, cookie)) === longUrl ? undefined : 'another answer'),
        });
      }
    }
    for (const name of ['Ryow_until', 'ryow-until', 'xryow_until', '__Secure-ryow_until', 'ryow_until[]']) {
      attacks.push({
        what: `the true one as ${name} at ${at.name}`,
        run: async () =>
          (await follow(attacked, at, code, `${name}=${given}`)) === longUrl ? undefined : 'another answer',
      });
    }
    later.push({
      what: `reads past the caches at ${server.name}`,
      run: async () => ((await past(server)) === before ? undefined : `${(await past(server)) - before}`),
    });
  }
  return { attacks, later };
}

function adminUrlOf({ admin }: Attacked, { name }: Listener): string {
  const listener = admin.find((each) => each.name.startsWith(`admin of ${name}`)) as Listener;
  return `http://127.0.0.1:${listener.port}`;
}

async function cookieOf(attacked: Attacked, at: Listener): Promise<string> {
  const { answers, text } = await askForLink(attacked, at, { long_url: 'https://example.com/', alias: newAlias() });
  const [, value] = /^ryow_until=([^;]+)/.exec(answers[0]?.headers.get('set-cookie') ?? '') ?? [];
  if (value === undefined) throw new Error(`no cookie: ${text}`);
  return value;
}

async function follow(
  { witness }: Attacked,
  { port }: Listener,
  code: string,
  cookie: string,
): Promise<string | undefined> {
  const { answers } = await witness.ask({ port, path: `/${code}`, headers: [['Cookie', cookie]] });
  return answers[0]?.headers.get('location');
}
