import type { Place, Smuggling } from './smuggled-requests.js';

/** Heads that readers disagree about, and answers that are given before a body is read; the hidden request is in the body. */

const shown = (text: string): string => JSON.stringify(text).slice(1, -1);
const framed = ({ hidden }: Place): string => `Content-Length: ${hidden.length}\r\n`;

/** A create whose head has more lines, before what frames its body. */
const withLines =
  (lines: string): Smuggling['bytes'] =>
  (place) =>
    `POST /api/v1/urls HTTP/1.1\r\nHost: ${place.host}\r\nContent-Type: application/json\r\n${lines}\r\n${framed(place)}\r\n${place.hidden}`;

const BAD_LINES = [
  'no colon',
  ': no name',
  'X : x',
  'X\t: x',
  'X Y: x',
  'X\x00: x',
  'X: \x00',
  'X: x\x00y',
  'X\x7f: x',
  '"X": x',
  'X: x\r\n folded',
  'X: x\r\n\tfolded',
  ' X: x',
  '\r',
  'X: x\r\n\r',
  'X: x\r\r',
  '\xef\xbb\xbfX: x',
  'Host: evil.example',
  'Host:',
  ' Host: evil.example',
  'X: x\rHost: evil.example',
  `X: ${'x'.repeat(20_000)}`,
  `${'X'.repeat(20_000)}: x`,
  Array.from({ length: 2_500 }, (_, i) => `${i.toString(36)}:`).join('\r\n'),
];

const REQUEST_LINES: readonly (readonly [line: string, must?: Smuggling['must']])[] = [
  ['GET /'],
  ['GET /CODE'],
  ['POST /api/v1/urls'],
  ['GET /CODE HTTP/0.9'],
  ['GET /CODE HTTP/1.'],
  ['GET /CODE HTTP/11'],
  ['GET /CODE HTTP/2.0'],
  ['GET /CODE HTTP/1.1x'],
  ['GET /CODE http/1.1'],
  ['GET /CODE HTTP/1.1 HTTP/1.1'],
  ['GET /CODE\tHTTP/1.1'],
  ['GET\t/CODE HTTP/1.1'],
  ['GET\x0b/CODE HTTP/1.1'],
  [' GET /CODE HTTP/1.1'],
  ['GET /CO DE HTTP/1.1'],
  ['GET /CODE\x00 HTTP/1.1'],
  ['GET /CODE\rX HTTP/1.1'],
  ['GET  HTTP/1.1'],
  ['GET CODE HTTP/1.1'],
  ['GET http:///CODE HTTP/1.1'],
  ['GET http://[::1/CODE HTTP/1.1'],
  ['get /CODE HTTP/1.1'],
  ['G\x00T /CODE HTTP/1.1'],
  ['GET\x00 /CODE HTTP/1.1'],
  ['PRI * HTTP/2.0'],
  ['CONNECT evil.example:80 HTTP/1.1'],
  ['CONNECT / HTTP/1.1'],
  ['TRACE /CODE HTTP/1.1'],
  ['OPTIONS * HTTP/1.1'],
  [`GET /${'a'.repeat(70_000)} HTTP/1.1`],
];

/** What is answered before, or without, reading the body: what of it is left on the connection is no request. */
const EARLY: readonly (readonly [what: string, line: string, headers: string])[] = [
  ['a redirect', 'GET /CODE', ''],
  ['HEAD', 'HEAD /CODE', ''],
  ['the page', 'GET /', ''],
  ['OPTIONS', 'OPTIONS /CODE', ''],
  ['404', 'GET /nobody-has-it', ''],
  ['a POST to 404', 'POST /x/y/z', ''],
  ['405', 'DELETE /CODE', ''],
  ['405 of the API', 'PUT /api/v1/urls', ''],
  ['401 or 404', 'DELETE /api/v1/urls/nobody-has-it', ''],
  ['415', 'POST /api/v1/urls', 'Content-Type: text/plain\r\n'],
  ['415 by charset', 'POST /api/v1/urls', 'Content-Type: application/json; charset=utf-7\r\n'],
  ['415 by encoding', 'POST /api/v1/urls', 'Content-Type: application/json\r\nContent-Encoding: x\r\n'],
  ['415 of the form', 'POST /-/shorten', 'Content-Type: text/plain\r\n'],
  ['403', 'POST /api/v1/urls', 'Content-Type: application/json\r\nOrigin: http://evil.example\r\n'],
  ['417', 'POST /api/v1/urls', 'Content-Type: application/json\r\nExpect: 200-ok\r\n'],
  ['100', 'POST /api/v1/urls', 'Content-Type: application/json\r\nExpect: 100-continue\r\n'],
  ['100 and 415', 'POST /api/v1/urls', 'Content-Type: text/plain\r\nExpect: 100-continue\r\n'],
  ['100 to GET', 'GET /CODE', 'Expect: 100-continue\r\n'],
  [
    'an upgrade to h2c',
    'GET /CODE',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
  ],
  [
    'an upgrade to WebSocket',
    'GET /CODE',
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
  ],
  ['a token', 'POST /api/v1/urls', 'Content-Type: application/json\r\nAuthorization: Bearer wrong\r\n'],
];

const early: readonly Smuggling[] = EARLY.flatMap(([what, line, headers]): Smuggling[] => {
  const head = ({ host, code }: Place) => `${line.replace('CODE', code)} HTTP/1.1\r\nHost: ${host}\r\n${headers}`;
  return [
    {
      what: `a body after ${what}`,
      bytes: (place) => `${head(place)}${framed(place)}\r\n${place.hidden}`,
      must: 'harmless',
    },
    {
      what: `chunks after ${what}`,
      bytes: (place) =>
        `${head(place)}Transfer-Encoding: chunked\r\n\r\n${place.hidden.length.toString(16)}\r\n${place.hidden}\r\n0\r\n\r\n`,
      must: 'harmless',
    },
  ];
});

export const heads: readonly Smuggling[] = [
  ...BAD_LINES.map(
    (line): Smuggling => ({
      what: `a line of the head, ${shown(line).slice(0, 40)}`,
      bytes: withLines(line),
      must: 'refused',
    }),
  ),
  ...REQUEST_LINES.map(
    ([line, must = 'refused']): Smuggling => ({
      what: `a request line, ${shown(line).slice(0, 40)}`,
      bytes: (place) =>
        `${line.replace('CODE', place.code)}\r\nHost: ${place.host}\r\n${framed(place)}\r\n${place.hidden}`,
      must,
    }),
  ),
  {
    what: 'another host in an absolute target',
    bytes: (place) => place.hidden.replace('POST /', 'POST http://evil.example/'),
    must: 'refused',
  },
  {
    what: 'another host beside an absolute target',
    bytes: (place) =>
      place.hidden.replace('POST /', `POST http://${place.host}/`).replace(/Host: .*/, 'Host: evil.example'),
    must: 'refused',
  },
  {
    what: 'another host in an absolute target of another scheme',
    bytes: (place) => place.hidden.replace('POST /', 'POST ftp://evil.example/'),
    must: 'refused',
  },
  ...early,
  {
    what: 'a length beyond the limit',
    bytes: ({ host, hidden }) =>
      `POST /api/v1/urls HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 17000\r\n\r\n${hidden.repeat(17_000 / hidden.length + 1).slice(0, 17_000)}`,
    must: 'refused',
  },
  {
    what: 'lines that end with a line feed alone',
    bytes: (place) => withLines('X: x')(place).replace(/\r\n(?=[\s\S]*\r\n\r\n)/g, '\n'),
    must: 'harmless',
  },
  {
    what: 'a head that ends with line feeds alone',
    bytes: (place) => withLines('X: x')(place).replace('\r\n\r\n', '\n\n'),
    must: 'harmless',
  },
  {
    what: 'a head that ends with carriage returns alone',
    bytes: (place) => withLines('X: x')(place).replace('\r\n\r\n', '\r\r'),
    must: 'refused',
  },
];
