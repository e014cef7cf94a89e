import { gzipSync } from 'node:zlib';
import { type Attacked, linksAmong } from '../attacked.js';
import type { Attack, Attacks } from '../tally.js';
import { newAlias } from '../witness.js';

interface Body {
  readonly what: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Of the JSON that would be taken. */
  readonly bytes: (json: string) => Buffer;
}

const json = (alias: string): string => JSON.stringify({ long_url: 'https://example.com/', alias });
/** Where such bodies go, and what is around a link there. */
const PATHS: readonly (readonly [path: string, wrapped: (link: string) => string])[] = [
  ['/api/v1/urls', (link) => link],
  ['/api/v1/urls:batch', (link) => `{"links":[${link}]}`],
];
const typed = (type: string) => [['Content-Type', type]] as const;
const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const utf32 = (text: string, isLittle: boolean): Buffer => {
  const bytes = Buffer.alloc(4 * text.length);
  for (let i = 0; i < text.length; i += 1) {
    if (isLittle) bytes.writeUInt32LE(text.charCodeAt(i), 4 * i);
    else bytes.writeUInt32BE(text.charCodeAt(i), 4 * i);
  }
  return bytes;
};
const utf7 = (text: string): Buffer =>
  Buffer.from(text.replace(/[{}"]/g, (sign) => `+${utf16be(sign).toString('base64').replace(/=+$/, '')}-`));

const CHARSETS: readonly (readonly [name: string, encode: (text: string) => Buffer])[] = [
  ['utf-7', utf7],
  ['utf-16', (text) => Buffer.from(`\ufeff${text}`, 'utf16le')],
  ['utf-16le', (text) => Buffer.from(text, 'utf16le')],
  ['utf-16be', utf16be],
  ['utf-32', (text) => utf32(`\ufeff${text}`, true)],
  ['utf-32le', (text) => utf32(text, true)],
  ['utf-32be', (text) => utf32(text, false)],
];

const BODIES: readonly Body[] = [
  // Announced, not announced, and announced as something else.
  ...CHARSETS.flatMap(([name, encode]) =>
    [
      'application/json',
      `application/json; charset=${name}`,
      `application/json; charset="${name}"`,
      'application/json; charset=utf-8',
    ].map((type): Body => ({ what: `${name} as ${type}`, headers: typed(type), bytes: encode })),
  ),
  ...['utf-7', 'utf-16', 'latin1', 'ibm037', 'x', '', 'utf-8, utf-16', 'utf-80'].map(
    (name): Body => ({
      what: `UTF-8 announced as ${JSON.stringify(name)}`,
      headers: typed(`application/json; charset=${name}`),
      bytes: (text) => Buffer.from(text),
    }),
  ),
  // Which a page of another site may send without asking first.
  ...[
    'text/plain',
    'text/plain; application/json',
    'text/plain; charset=utf-8; type=application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/json-x',
    'application/x-json',
    'application/ json',
    'application/json, text/plain',
    'json',
    '',
    '*/*',
  ].map(
    (type): Body => ({
      what: `JSON as ${JSON.stringify(type)}`,
      headers: typed(type),
      bytes: (text) => Buffer.from(text),
    }),
  ),
  { what: 'JSON without a type', headers: [], bytes: (text) => Buffer.from(text) },
  // No UTF-8: overlong, surrogates, half of a character, bytes that it never has.
  ...['c0af', 'e080af', 'f08080af', 'eda080', 'edb080', 'f4908080', 'ff', 'fe', 'c3', 'e282', '80'].map(
    (bytes): Body => ({
      what: `the bytes ${bytes}`,
      headers: typed('application/json'),
      bytes: (text) => {
        const [before = '', after = ''] = text.split('example.com/');
        return Buffer.concat([Buffer.from(`${before}example.com/`), Buffer.from(bytes, 'hex'), Buffer.from(after)]);
      },
    }),
  ),
  ...['x', 'gzip, x', 'compress', 'gzip, gzip', 'zstd', 'aws-chunked', 'gzip;q=1'].map(
    (coding): Body => ({
      what: `the coding ${coding}`,
      headers: [...typed('application/json'), ['Content-Encoding', coding]],
      bytes: (text) => gzipSync(text),
    }),
  ),
  {
    what: 'what is no gzip',
    headers: [...typed('application/json'), ['Content-Encoding', 'gzip']],
    bytes: (text) => Buffer.from(text),
  },
  {
    what: 'a gzip that unpacks to 10 MB',
    headers: [...typed('application/json'), ['Content-Encoding', 'gzip']],
    bytes: (text) => gzipSync(`${text}${' '.repeat(10_000_000)}`).subarray(0, 16_000),
  },
  ...[
    (text: string) => `${text}${text}`,
    (text: string) => `${text},`,
    (text: string) => `[${text}]`,
    (text: string) => `"${text.replaceAll('"', '\\"')}"`,
    (text: string) => `${text}\0`,
    (text: string) => `\0${text}`,
    (text: string) => `\ufeff\ufeff${text}`,
    (text: string) => `//\n${text}`,
    (text: string) => `)]}'\n${text}`,
    (text: string) => text.replaceAll('"', "'"),
    (text: string) => text.slice(0, -1),
    (text: string) => `${'['.repeat(8_000)}${text}`,
    (text: string) => text.replace('{', '{"__proto__":{"alias":"x"},'),
    (text: string) => text.replace('{', '{"constructor":{"prototype":{"x":1}},'),
    (text: string) => text.replace(/"alias":"(\w+)"/, '"__proto__":{"alias":"$1"}'),
    (text: string) => text.replace(/"alias":"(\w+)"/, '"alias":["$1"]'),
    (text: string) => text.replace(/"alias":"(\w+)"/, '"alias":{"toString":"$1"}'),
    (text: string) => text.replace(/"long_url":"([^"]+)"/, '"long_url":["$1"]'),
    (text: string) => text.replace('"alias"', '"Alias"'),
    (text: string) => text.replace('{', `{"${'a'.repeat(17_000)}":1,`),
    (text: string) => text.replace('{', '{"counter":1,"version":9,"kind":"alias",'),
    (text: string) => text.replace('{', '{"redirect_status":"301\\r\\nX-Injected: 1",'),
  ].map(
    (change): Body => ({
      what: `JSON that is ${JSON.stringify(change('{"alias":"a"}')).slice(0, 50)}`,
      headers: typed('application/json'),
      bytes: (text) => Buffer.from(change(text)),
    }),
  ),
];

/** Bodies that are read as something else than what a filter before saw, or as more than they are. */
export function bodies(attacked: Attacked): Attacks {
  const attacks: Attack[] = [];
  const later: Attack[] = [];
  for (const at of attacked.open.filter(({ makes }) => makes)) {
    const made = new Map<string, string>();
    for (const [path, wrapped] of PATHS) {
      for (const { what, headers, bytes } of BODIES) {
        const alias = newAlias();
        made.set(alias, `${what}, to ${path}`);
        attacks.push({
          what: `${what}, to ${path} at ${at.name}`,
          async run() {
            const body = bytes(wrapped(json(alias)));
            const { answers, text } = await attacked.witness.ask({
              port: at.port,
              method: 'POST',
              path,
              headers,
              body,
            });
            const status = answers[0]?.status ?? 0;
            // A batch is carried out, and its links are not.
            const isRefused = (status >= 400 && status < 500) || (status === 200 && text.includes('"succeeded":0,'));
            return isRefused ? undefined : text.slice(0, 200);
          },
        });
      }
    }
    later.push({
      what: `what of it was made, at ${at.name}`,
      async run() {
        const links = await linksAmong(attacked, at, [...made.keys()]);
        return links.length === 0 ? undefined : links.map((alias) => made.get(alias)).join('; ');
      },
    });
  }
  return { attacks, later };
}
