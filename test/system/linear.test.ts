import { createRequestContexts, createRyowReader } from '@lakh/http';
import {
  isPossibleCode,
  isReservedWord,
  leadsToHost,
  OwnHosts,
  validateAlias,
  validateExpiry,
  validateLongUrl,
} from '@lakh/links';
import { integer, isLoopback, parseHostPort } from '@lakh/settings';
import { idempotencyKeyOf } from '../../packages/api/src/idempotency-key.js';
import { parseTokens } from '../../packages/api/src/tokens.js';
import { createRequestRule } from '../../packages/http/src/own-requests.js';
import { readForm } from '../../packages/page/src/form-values.js';
import { createSeal } from '../../packages/redis/src/seal.js';
import { decodeLink } from '../../packages/redis/src/value.js';
import { anyTexts, around, GROWTH_MAX, growthOf, ideographs, type Run, type Texts, times } from './support/growth.js';

// Nobody's text takes more than its length: whatever a stranger may send is given to what reads it.
jest.setTimeout(60_000);

const urlTexts: Texts = {
  ...anyTexts,
  host: around('https://', 'a', '/'),
  'host of dots': around('https://a', '.', 'b/'),
  'dots after the host': around('https://lakh.example', '.', '/'),
  labels: around('https://', 'a.', 'b/'),
  'ideographs of a host': (length) => `https://${ideographs(length)}/`,
  'ideographs of a host, encoded': (length) => `https://${encodeURIComponent(ideographs(Math.ceil(length / 9)))}/`,
  'labels of ideographs': (length) => `https://${ideographs(length).replace(/.{9}/g, '$&.')}x/`,
  'accents of a host': around('https://a', '\u0301\u0323', '/'),
  punycode: around('https://xn--a-', '9a', '/'),
  'long characters': around('https://', '\ufdfa', '/'),
  'names of users': around('https://', 'a@', 'b/'),
  'parts of a name': around('https://', ':', '@b/'),
  'a number for a host': around('https://0x', '0', '1/'),
  'an address': around('https://[', '1:', ']/'),
  'slashes before the host': around('https:', '/', 'b/'),
  'up and down a path': around('https://b/', 'a/%2e%2e/', ''),
  'down a path, then up': (length) => `https://b/${times('a/')(length / 2)}${times('../')(length / 2)}`,
  'blanks before': around('', ' ', 'https://b/'),
  'blanks after': around('https://b/', ' ', ''),
  'blanks within': around('https://b/', ' ', 'x'),
  'characters to encode': around('https://b/', 'é', ''),
  'a query': around('https://b/?', "'&", ''),
};

const ownHosts = new OwnHosts(['https://lakh.example', 'http://127.0.0.1:8080'], 'box');
const contextOf = createRequestContexts(['127.0.0.1/32', '10.0.0.0/8']);
const seal = createSeal(new Uint8Array(32));
const hasJustWritten = createRyowReader(() => new Uint8Array(32));
const askedBy = (headers: Readonly<Record<string, string>>) =>
  contextOf({ socket: { remoteAddress: '127.0.0.1' }, headers } as unknown as Parameters<typeof contextOf>[0]);
const { judge } = createRequestRule({ publicUrl: 'https://lakh.example', hosts: ['box'] });
/** A change that is asked for at this target, under this host, by a page of this origin. */
const judged = (url: string, host: string, origin: string) =>
  judge({
    method: 'POST',
    httpVersion: '1.1',
    url,
    headers: { host, origin },
    rawHeaders: ['Host', host],
    socket: { localAddress: '127.0.0.1' },
  } as unknown as Parameters<typeof judge>[0]);
const quietly = (run: Run): unknown => {
  try {
    return run();
  } catch {
    return undefined;
  }
};
const toUrl = (text: string) => (URL.canParse(text) ? new URL(text) : new URL('https://b/'));

describe.each<[string, (text: string) => unknown, Texts]>([
  ['a long URL', (text) => validateLongUrl(text, { maxLength: 1e6, ownHosts }), urlTexts],
  ['an alias', validateAlias, { ...anyTexts, 'dots after': around('a', '-', '-') }],
  ['a code', isPossibleCode, anyTexts],
  ['a reserved word', isReservedWord, anyTexts],
  [
    'an expiry',
    (text) => validateExpiry(text, 0),
    { ...anyTexts, fraction: around('2030-01-01T00:00:00.', '1', 'x'), year: around('', '2', '030-01-01T00:00:00Z') },
  ],
  [
    'X-Forwarded-For',
    (text) => askedBy({ 'x-forwarded-for': text }),
    {
      ...anyTexts,
      'trusted hops': times('10.0.0.1, '),
      address: around('', '1:', 'g'),
      'bracketed address': around('[', '1:', ']:1'),
      'long port': around('203.0.113.7:', '1', 'x'),
      zone: around('::1%', 'a', ''),
    },
  ],
  ['Host', (text) => judged('/', text, 'https://lakh.example'), { ...anyTexts, address: around('[', '1:', ']:1') }],
  ['the host of a target', (text) => judged(text, 'localhost', 'https://lakh.example'), urlTexts],
  ['Origin', (text) => judged('/', 'localhost', text), urlTexts],
  [
    'a field of a form',
    (text) => readForm({ long_url: text, alias: text, expires_at: text, expires_offset: text }),
    urlTexts,
  ],
  ['X-Request-Id', (text) => askedBy({ 'x-request-id': text }), anyTexts],
  [
    'Idempotency-Key',
    (text) => quietly(() => idempotencyKeyOf(text)),
    {
      ...anyTexts,
      string: around('"', 'a', '"'),
      escapes: around('"', '\\"', ''),
      'escapes to the end': around('"', '\\\\', '\\"'),
      token: around('', 'a:', '='),
    },
  ],
  [
    'Cookie',
    (text) => hasJustWritten(text, 1_790_000_000_000),
    {
      ...anyTexts,
      cookies: times('ryow_until=1; '),
      value: around('ryow_until=', '1', ''),
      mac: around('ryow_until=1790000000001.', 'A', ''),
      forgeries: times(`ryow_until=1790000000001.${'A'.repeat(22)}; `),
    },
  ],
  [
    'host and port',
    parseHostPort,
    { ...anyTexts, labels: around('', 'a-.', '!:1'), address: around('[', '1:', ']:1') },
  ],
  ['a number', (text) => integer(0, 9).parse(text), anyTexts],
  ['loopback or not', isLoopback, anyTexts],
  [
    'a file of tokens',
    (text) => quietly(() => parseTokens(text, 'tokens')),
    { ...anyTexts, names: around('', 'a', `:${'0'.repeat(64)}`) },
  ],
  [
    'a value of Redis',
    (text) => decodeLink({ domainId: 0, code: 'Q0u' }, text, seal, 0),
    {
      ...anyTexts,
      version: around('2|', '1', '|D'),
      target: around(`2|1|${'A'.repeat(22)}|1|G|1|1|||`, 'a', '\n'),
      sealed: around(`2|1|${'A'.repeat(22)}|1|G|1|1|||https://`, 'a', ''),
    },
  ],
])('%s takes its length, and no more:', (_name, read, texts) => {
  test.each(Object.entries(texts))('%s', async (_kind, textOf) => {
    const [short, long] = [textOf(4_096), textOf(16_384)];
    expect(
      await growthOf(
        () => read(short),
        () => read(long),
      ),
    ).toBeLessThan(GROWTH_MAX);
  });
});

// What the store holds was let in before there was a limit to hosts.
test.each(['host', 'host of dots', 'dots after the host', 'labels'])('so does where a link leads: %s', async (kind) => {
  const [short, long] = [4_096, 16_384].map((length) => toUrl((urlTexts[kind] as Texts[string])(length))) as [URL, URL];
  const read = (url: URL) => () => [ownHosts.has(url.href), leadsToHost(url.href, 'lakh.example')];
  expect(await growthOf(read(short), read(long))).toBeLessThan(GROWTH_MAX);
});
