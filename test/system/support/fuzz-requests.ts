import { createBodies } from './fuzz-bodies.js';
import { createTexts, latin1 } from './fuzz-texts.js';
import type { Random } from './random.js';

/** One fuzzed exchange: what to send, and how to behave while sending it. */
export interface FuzzedRequest {
  /** Of the kind that made it; for the report of a failure. */
  readonly kind: string;
  /** In order, each in a packet of its own as far as the system lets it. */
  readonly pieces: readonly Buffer[];
  /** `wait`: until the server closes or falls silent. `half`: end the sending side at once. `cut`: reset without reading. */
  readonly manner: 'wait' | 'half' | 'cut';
}

const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'QUERY'];
const ODD_METHODS = [
  'get',
  'G\0T',
  '',
  'GETGET',
  'PRI',
  'GET\t',
  '\x80',
  'X'.repeat(200),
  'SOURCE',
  'M-SEARCH',
  'CONNECT',
  'HTTP/1.1',
];
const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

/** Makes requests from a seeded source; `codes` are links that exist. */
export function createFuzzer(random: Random, codes: readonly string[]) {
  const { pick, below, chance } = random;
  const { bytes, letters } = createTexts(random);
  const { jsonBody, formBody, framed } = createBodies(random);

  function target(): string {
    const code = pick(codes);
    return pick<() => string>([
      () => `/${code}`,
      () => `/${code}?${letters(below(40))}`,
      () => `/${letters(below(12))}`,
      () => `/${code}${pick(['/', '.', '%E2%80%A6', bytes(3)])}`,
      () => `/-/made/${pick([code, letters(6), '%00', bytes(3)])}`,
      () => `/${[...code].map((c) => (chance(0.5) ? c : `%${c.charCodeAt(0).toString(16)}`)).join('')}`,
      () => `/%${pick(['', '0', 'zz', 'ff', '00', 'c0%80', 'ed%a0%80', 'f4%90%80%80', '2e%2e%2f', '25', '0d%0aX:y'])}`,
      () => '/api/v1/urls',
      () =>
        `/api/v1/urls/${pick([code, letters(6), '%00', '%ff', '..', `${code}/`, '%2F', "'; DROP TABLE links; --".replaceAll(' ', '%20')])}`,
      () =>
        pick([
          '/',
          '/-/shorten',
          '/-/page.css',
          '/-/page.js',
          '/api',
          '/api/',
          '/-/',
          '//',
          '///',
          '/../../etc/passwd',
          '/;',
          '/.',
        ]),
      () =>
        pick([
          '*',
          '',
          '?',
          '#',
          'x',
          `${code}`,
          'http://',
          'http:///',
          'http://h',
          `http://h/${code}`,
          `HTTPS://u:p@h:99999/${code}`,
          'ftp://h/x',
          'http://[::1',
          'http://h/%zz',
          'h:80',
          'javascript:alert(1)',
          'http://h?x',
          'file:///etc/passwd',
        ]),
      () => `/${letters(pick([100, 2_000, 8_000, 9_000, 20_000]))}`,
      () => `/${bytes(1 + below(20))}`,
      () => `//${code}//${letters(5)}`,
      () => `/${code}\\..\\${letters(3)}`,
    ])();
  }

  function headerLines(): string[] {
    const lines: string[] = [];
    const count = pick([1, 1, 1, 2, 2, 3, 5, 100]);
    for (let i = 0; i < count; i += 1) {
      lines.push(
        pick<() => string>([
          () =>
            `Cookie: ryow_until=${pick([Date.now() + 20_000, Date.now() + 9e9, -1, 'NaN', '1'.repeat(40), bytes(9)])}`,
          () =>
            `Cookie: ${pick([';;;=;', '=', 'ryow_until', 'ryow_until==', '__proto__=1', bytes(30), 'a'.repeat(4000)])}`,
          () => `Accept: ${pick(['text/html', '*/*', 'text/html;q=nonsense', ',,,', bytes(10)])}`,
          () => `Accept-Encoding: ${pick(['gzip', 'br;q=x', ', ,', '*'])}`,
          () =>
            `Authorization: ${pick(['', 'Bearer', 'Bearer x', 'Basic x', 'bearer \t', bytes(20), 'x'.repeat(3000)])}`,
          () => `Origin: ${pick(['null', 'http://evil.example', 'x', ''])}`,
          () => `Sec-Fetch-Site: ${pick(['cross-site', 'same-origin', 'none', 'x', ''])}`,
          () => `X-Forwarded-For: ${pick(['1.2.3.4', 'x', ',,,', '[::1', 'unknown', 'a'.repeat(2000)])}`,
          () => `X-Forwarded-Proto: ${pick(['https', 'javascript', ''])}`,
          () => `X-HTTP-Method-Override: DELETE`,
          () => `Idempotency-Key: ${letters(5)}`,
          () => `Expect: ${pick(['100-continue', '100-Continue', '200-ok', '', 'x'.repeat(100)])}`,
          () => `Upgrade: ${pick(['websocket', 'h2c', 'TLS/1.0', ''])}`,
          () =>
            `Connection: ${pick(['upgrade', 'keep-alive', 'close, upgrade', 'host', 'content-length', '', 'x'.repeat(500)])}`,
          () => 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
          () => 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
          () => `Range: bytes=${pick(['0-', '-1', '0-0,1-1,2-2', '9999999999999999-'])}`,
          () => `If-None-Match: ${pick(['*', '"x"', 'W/', bytes(5)])}`,
          () => `If-Modified-Since: ${pick(['x', 'Thu, 01 Jan 1970 00:00:00 GMT', '9'.repeat(50)])}`,
          () => `${letters(1 + below(12)).replace(':', '')}: ${letters(below(30))}`,
          () => `${bytes(1 + below(5))}: ${bytes(below(10))}`,
          () => ` folded: ${letters(4)}`,
          () => `NoColon`,
          () => `: empty-name`,
          () => `Name : space`,
          () => `X: ${'y'.repeat(pick([100, 4_000, 20_000]))}`,
          () => `__proto__: ${letters(3)}`,
          () => `Host: ${pick(['', 'evil.example', 'a b', '[::1', bytes(5), '127.0.0.1:99999', 'x'.repeat(300)])}`,
        ])(),
      );
    }
    return lines;
  }

  /** A request whose parts may each be odd, and whose whole is often right enough to reach the handlers. */
  function composed(): { head: string; body: Buffer; isWhole: boolean } {
    const isCreate = chance(0.35);
    const isForm = !isCreate && chance(0.15);
    const method = isCreate || isForm ? 'POST' : chance(0.9) ? pick(METHODS) : pick(ODD_METHODS);
    const path = isCreate && chance(0.95) ? '/api/v1/urls' : isForm ? '/-/shorten' : target();
    const version = chance(0.97)
      ? 'HTTP/1.1'
      : pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.2', 'http/1.1', '', 'HTTP/1.1 x', 'FTP/1.1', 'HTTP/9999.1']);
    const lines = [...(chance(0.98) ? ['Host: 127.0.0.1'] : []), ...(chance(0.25) ? headerLines() : [])];
    let body: Buffer = Buffer.alloc(0);
    let isWhole = true;
    if (isCreate || isForm || chance(0.15)) {
      const type = chance(0.9)
        ? isForm
          ? FORM_TYPE
          : JSON_TYPE
        : pick([
            'text/plain',
            '',
            'application/json; charset=utf-7',
            'application/json; charset=x',
            'multipart/form-data; boundary=',
            ';',
            'application/json;charset=utf-16',
            `${FORM_TYPE}; charset=latin1`,
            bytes(8),
          ]);
      lines.push(`Content-Type: ${type}`);
      if (chance(0.05))
        lines.push(`Content-Encoding: ${pick(['gzip', 'deflate', 'br', 'identity', 'x', 'gzip, gzip', ''])}`);
      const framing = framed(isForm ? formBody() : jsonBody());
      lines.push(...framing.lines);
      ({ sent: body, isWhole } = framing);
    }
    lines.push('Connection: close');
    const newline = chance(0.98) ? '\r\n' : pick(['\n', '\r', '\n\r', '\r\r\n']);
    return { head: `${method} ${path} ${version}${newline}${lines.join(newline)}${newline}${newline}`, body, isWhole };
  }

  function mutated(whole: Buffer): Buffer {
    let out = whole.subarray(0, 3000);
    for (let edits = 1 + below(4); edits > 0; edits -= 1) {
      const at = below(out.length + 1);
      const removed = pick([0, 0, 0, 1, 1 + below(5)]);
      const added = pick<() => Buffer>([
        () => Buffer.alloc(0),
        () => latin1(bytes(1 + below(4))),
        () => out.subarray(at, at + below(40)),
        () => latin1(pick(['\r\n', '\r\n\r\n', '\0', '\n', ' ', ':', '\r\n0\r\n\r\n', 'GET / HTTP/1.1\r\n'])),
      ])();
      out = Buffer.concat([out.subarray(0, at), added, out.subarray(at + removed)]);
    }
    return out;
  }

  function split(whole: Buffer): Buffer[] {
    const at = below(whole.length + 1);
    return [whole.subarray(0, at), whole.subarray(at)].filter((piece) => piece.length > 0);
  }

  function next(): FuzzedRequest {
    const { head, body, isWhole } = composed();
    const whole = Buffer.concat([latin1(head), body]);
    const manner = isWhole ? 'wait' : 'half';
    const roll = random.next();
    if (roll < 0.6) return { kind: 'composed', pieces: [whole], manner };
    if (roll < 0.75) return { kind: 'mutated', pieces: [mutated(whole)], manner: 'half' };
    if (roll < 0.81) return { kind: 'truncated', pieces: [whole.subarray(0, below(whole.length + 1))], manner: 'half' };
    if (roll < 0.87) return { kind: 'cut', pieces: split(whole), manner: 'cut' };
    if (roll < 0.92) return { kind: 'split', pieces: split(whole), manner };
    if (roll < 0.97) {
      const first = latin1(head.replace('Connection: close', `X: ${letters(3)}`));
      const more = Array.from({ length: below(6) }, () =>
        latin1(`GET ${target()} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
      );
      return { kind: 'pipelined', pieces: [Buffer.concat([first, body, ...more, whole])], manner };
    }
    if (roll < 0.99) return { kind: 'noise', pieces: [latin1(bytes(1 + below(400)))], manner: 'half' };
    return {
      kind: 'not http',
      pieces: [
        latin1(
          pick([
            'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
            '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
            'SSH-2.0-x\r\n',
            'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n',
            'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
            '\r\n\r\n\r\n',
            '\0\0\0\0',
          ]),
        ),
      ],
      manner: 'half',
    };
  }

  return { next };
}
