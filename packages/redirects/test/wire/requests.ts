/** Requests of a redirect server: plain ones, and ones that are odd in one place. */
import { createRyowCookie } from '@lakh/http';
import { codeOf, LIMITED_CLIENT, NOW_MS, outcomes } from './outcomes.js';
import type { Random } from './random.js';

/** The parts of a request, as they are written; bytes are Latin-1. */
export interface Parts {
  method: string;
  afterMethod: string;
  target: string;
  afterTarget: string;
  version: string;
  lines: string[];
  /** After each line and after the head. */
  lineEnd: string;
  headEnd: string;
  body: string;
}

export const RYOW_KEY = new Uint8Array(32).fill(7);
const written = (atMs: number) => createRyowCookie(RYOW_KEY, false)(atMs).split(';')[0] as string;
const JUST_WRITTEN = written(NOW_MS);

export const render = (parts: Parts): string =>
  `${parts.method}${parts.afterMethod}${parts.target}${parts.afterTarget}${parts.version}${parts.lineEnd}` +
  `${parts.lines.map((line) => `${line}${parts.lineEnd}`).join('')}${parts.headEnd}${parts.body}`;

export const plainParts = (target: string, lines: readonly string[] = []): Parts => ({
  method: 'GET',
  afterMethod: ' ',
  target,
  afterTarget: ' ',
  version: 'HTTP/1.1',
  lines: ['Host: x', ...lines],
  lineEnd: '\r\n',
  headEnd: '\r\n',
  body: '',
});

const HOSTS = ['Host: x', 'Host: x', 'Host: x', 'host: x', 'HOST: x', 'Host: x:8080', 'Host: X', 'Host: lakh.example'];

/** Of programs, browsers and gateways; nothing that frames a message. */
const COMMON = [
  'User-Agent: curl/8.5.0',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept: */*',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-GB,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br',
  'Connection: keep-alive',
  'Connection: Keep-Alive',
  'Cache-Control: no-cache',
  'Referer: https://example.com/a?b',
  'Cookie: a=b',
  'Cookie: theme=dark; session=0123456789abcdef',
  `Cookie: ${JUST_WRITTEN}`,
  `cookie: a=b; ${JUST_WRITTEN}; c=d`,
  `Cookie: ${written(NOW_MS - 60_000)}`,
  `Cookie: ${written(NOW_MS + 60_000)}`,
  `Cookie: ${JUST_WRITTEN.slice(0, -1)}x`,
  'Cookie: ryow_until=1',
  'X-Forwarded-For: 198.51.100.7',
  `X-Forwarded-For: ${LIMITED_CLIENT}`,
  'X-Forwarded-Proto: https',
  'X-Request-Id: 0123456789abcdef',
  'If-None-Match: "x"',
  'If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT',
  'Range: bytes=0-1',
  'Sec-Fetch-Site: cross-site',
  'Sec-Fetch-Mode: navigate',
  'Origin: https://evil.example',
  'Upgrade-Insecure-Requests: 1',
  'Priority: u=0, i',
  'Authorization: Bearer wrong',
  'DNT: 1',
  'Empty:',
  'X-Spaces:   \t a  b \t ',
  'X-Latin: \xe4\xff\x80',
];

/** One that a server may answer by a look at its code. */
export function plainRequest(random: Random, talk: number): Parts {
  const parts = plainParts(`/${codeOf(random.pick(outcomes), talk)}`);
  if (random.chance(0.2)) parts.method = 'HEAD';
  if (random.chance(0.15)) parts.target += random.pick(['?', '?x=1', '?utm_source=a&utm_medium=b%20c', '?a?b/c:d@e']);
  const lines = Array.from({ length: random.pick([0, 0, 1, 2, 3, 6, 12]) }, () => random.pick(COMMON));
  // What is there twice is another matter, but for cookies.
  const names = new Set<string>();
  parts.lines = lines.filter((line) => {
    const name = (line.split(':')[0] as string).toLowerCase();
    const isNew = !names.has(name) || name === 'cookie';
    names.add(name);
    return isNew;
  });
  parts.lines.splice(random.between(0, parts.lines.length), 0, random.pick(HOSTS));
  return parts;
}
