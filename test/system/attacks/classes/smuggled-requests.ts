/** Bytes that two readers might take for different numbers of requests; the hidden one makes a link that can be looked for. */

export interface Place {
  readonly host: string;
  /** A code that leads somewhere. */
  readonly code: string;
  /** The whole hidden request. */
  readonly hidden: string;
}

export interface Smuggling {
  readonly what: string;
  readonly bytes: (place: Place) => string;
  /** `refused`: the first answer is a 4xx, or the connection ends. `harmless`: whatever is answered, the hidden request is not made. */
  readonly must: 'refused' | 'harmless';
}

const shown = (text: string): string => JSON.stringify(text).slice(1, -1);
const hex = (text: string): string => text.length.toString(16);
const create = ({ host }: Place): string =>
  `POST /api/v1/urls HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;

export function hiddenRequest(host: string, alias: string): string {
  const body = JSON.stringify({ long_url: 'https://s.example/', alias });
  return `POST /api/v1/urls HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Lines that some reader takes for `Transfer-Encoding: chunked`, and another does not. */
const ENCODINGS = [
  'Transfer-Encoding: chunked',
  'transfer-encoding:chunked',
  'Transfer-Encoding: CHUNKED',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunkedx',
  'Transfer-Encoding: x',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
  'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: identity\r\nTransfer-encoding: chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: \t chunked \t',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding:\x0cchunked',
  'Transfer-Encoding: \x00chunked',
  'Transfer-Encoding: chunked\x00',
  'Transfer-Encoding: \xa0chunked',
  'Transfer-Encoding: chun\x08ked',
  'Transfer-Encoding: chu\r\n nked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding:\r\n\tchunked',
  'Transfer-Encoding:\n chunked',
  'Transfer-Encoding\r\n: chunked',
  'X: x\nTransfer-Encoding: chunked',
  'X: x\rTransfer-Encoding: chunked',
  'X: x\r\rTransfer-Encoding: chunked',
  'X: x\r\n Transfer-Encoding: chunked',
  'X\r\nTransfer-Encoding: chunked',
  'X\nTransfer-Encoding: chunked',
  ' Transfer-Encoding: chunked',
  '\tTransfer-Encoding: chunked',
  '\x00Transfer-Encoding: chunked',
  'Transfer Encoding: chunked',
  'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked',
];

/** Lines that name no encoding to any reader: the length is right, whatever they look like. */
const NO_ENCODINGS = [
  'Transfer-Encoding:',
  'Transfer_Encoding: chunked',
  'Transfer\\Encoding: chunked',
  'Transfer\xadEncoding: chunked',
  'Transfer-Encoding\xa0: chunked',
  'TE: chunked',
  'Connection: Content-Length',
];

/** Each in the two orders in which a length and an encoding contradict each other, and without a length. */
const encodings: readonly Smuggling[] = [...ENCODINGS, ...NO_ENCODINGS].flatMap((lines): Smuggling[] => [
  {
    what: `CL.TE, ${shown(lines)}`,
    bytes: (place) =>
      `${create(place)}Content-Length: ${5 + place.hidden.length}\r\n${lines}\r\n\r\n0\r\n\r\n${place.hidden}`,
    must: 'refused',
  },
  ...(NO_ENCODINGS.includes(lines)
    ? []
    : [
        {
          what: `TE.CL, ${shown(lines)}`,
          bytes: (place) =>
            `${create(place)}${lines}\r\nContent-Length: ${hex(place.hidden).length + 2}\r\n\r\n${hex(place.hidden)}\r\n${place.hidden}\r\n0\r\n\r\n`,
          must: 'refused',
        } satisfies Smuggling,
      ]),
  {
    what: `TE alone, ${shown(lines)}`,
    bytes: (place) => `${create(place)}${lines}\r\n\r\n${hex(place.hidden)}\r\n${place.hidden}\r\n0\r\n\r\n`,
    must: 'refused',
  },
]);

/** Lines of lengths, of which some reader takes the whole and some nothing. */
const LENGTHS: readonly ((length: number) => string)[] = [
  (length) => `Content-Length: 0\r\nContent-Length: ${length}`,
  (length) => `Content-Length: ${length}\r\nContent-Length: 0`,
  (length) => `Content-Length: ${length}\r\nContent-Length: ${length}`,
  (length) => `Content-Length: ${length}\r\ncontent-length: 0`,
  (length) => `Content-Length: 0, ${length}`,
  (length) => `Content-Length: ${length}, 0`,
  (length) => `Content-Length: ${length},${length}`,
  (length) => `Content-Length: +${length}`,
  (length) => `Content-Length: -${length}`,
  (length) => `Content-Length: ${length}.0`,
  (length) => `Content-Length: ${length}e0`,
  (length) => `Content-Length: 0x${length.toString(16)}`,
  (length) => `Content-Length: 0 ${length}`,
  (length) => `Content-Length: ${length} 0`,
  (length) => `Content-Length: ${length}\x00`,
  (length) => `Content-Length: \x00${length}`,
  (length) => `Content-Length: "${length}"`,
  (length) => `Content-Length: ${length};0`,
  (length) => `Content-Length: ${2n ** 64n + BigInt(length)}`,
  (length) => `Content-Length: ${2n ** 32n + BigInt(length)}`,
  () => 'Content-Length:',
  () => 'Content-Length: \xb2\xb3',
  (length) => `Content-Length : ${length}`,
  (length) => `Content-Length\t: ${length}`,
  (length) => ` Content-Length: ${length}`,
  (length) => `X: x\r\n Content-Length: ${length}`,
  (length) => `X: x\nContent-Length: ${length}`,
  (length) => `X: x\rContent-Length: ${length}`,
  (length) => `Content-Length:\r\n ${length}`,
  (length) => `Content-Length: 0\r\n ${length}`,
  (length) => `Content-Length: 0\n ${length}`,
  (length) => `Content Length: ${length}`,
  (length) => `Content_Length: 0\r\nContent-Length: ${length}`,
];

const lengths: readonly Smuggling[] = LENGTHS.map((linesOf) => ({
  what: `a length, ${shown(linesOf(99))}`,
  bytes: (place) => `${create(place)}${linesOf(place.hidden.length)}\r\n\r\n${place.hidden}`,
  must: 'refused',
}));

/** Size lines that say, or seem to say, a size; some reader may find 0 in them, and the end of the body. */
const SIZES: readonly ((size: string) => string)[] = [
  (size) => size,
  (size) => size.toUpperCase(),
  (size) => `0x${size}`,
  (size) => `0_${size}`,
  (size) => `0 ${size}`,
  (size) => `0\t;${size}`,
  (size) => `0,${size}`,
  (size) => `0\x00${size}`,
  (size) => `0\r${size}`,
  (size) => `0\n${size}`,
  (size) => `+${size}`,
  (size) => `-${size}`,
  (size) => ` ${size}`,
  (size) => `\t${size}`,
  (size) => `\x00${size}`,
  (size) => `${size} `,
  (size) => `${size}\t;a`,
  (size) => `${size};a=b`,
  (size) => `${size};a="\\"x"`,
  (size) => `${size};\x00`,
  (size) => `${size};a=\n`,
  (size) => `${size};a="\r`,
  (size) => `${size}\r`,
  (size) => `${size}\x00`,
  (size) => `${size}_`,
  (size) => `${size}h`,
  (size) => `0000000${size}`,
  (size) => `${'0'.repeat(40)}${size}`,
  (size) => `1${size.padStart(16, '0')}`,
  () => `1${'0'.repeat(16)}`,
  () => 'ffffffffffffffff0',
  () => '-0',
  () => '',
  () => ';a',
  () => `0;${'a'.repeat(20_000)}`,
];

const chunked = (place: Place): string => `${create(place)}Transfer-Encoding: chunked\r\n\r\n`;

const chunks: readonly Smuggling[] = [
  ...SIZES.map(
    (lineOf): Smuggling => ({
      what: `a chunk's size, ${shown(lineOf('a7')).slice(0, 40)}`,
      bytes: (place) => {
        const inner = `\r\n${place.hidden}`;
        return `${chunked(place)}${lineOf(hex(inner))}\r\n${inner}\r\n0\r\n\r\n`;
      },
      must: 'refused',
    }),
  ),
  {
    what: 'a chunk of 4 GiB',
    bytes: (place) => `${chunked(place)}100000000\r\n\r\n${place.hidden}`,
    must: 'harmless',
  },
  {
    what: 'a line end that some take for part of an extension',
    bytes: (place) => {
      const inner = `0\r\n\r\n${place.hidden}`;
      return `${chunked(place)}2;\nxx\r\n${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`;
    },
    must: 'refused',
  },
  {
    what: 'a carriage return alone in an extension',
    bytes: (place) => {
      const inner = `0\r\n\r\n${place.hidden}`;
      return `${chunked(place)}2;\rxx\r\n${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`;
    },
    must: 'refused',
  },
  ...['\n', '\r', '', 'xx', '\n\r', '\r\r\n', '\0\0'].map(
    (end): Smuggling => ({
      what: `data that ends with ${shown(end)}`,
      bytes: (place) => `${chunked(place)}2\r\n{}${end}${hex(place.hidden)}\r\n${place.hidden}\r\n0\r\n\r\n`,
      must: 'refused',
    }),
  ),
  {
    what: 'a hidden request in the trailers',
    bytes: (place) => `${chunked(place)}2\r\n{}\r\n0\r\n${place.hidden}`,
    must: 'refused',
  },
  ...[
    'Content-Length: 0',
    'Transfer-Encoding: chunked',
    'Host: evil.example',
    'X-HTTP-Method-Override: DELETE',
    'no colon',
    ' folded',
    'X : x',
    'X\x00: x',
  ].map(
    (line): Smuggling => ({
      what: `a trailer, ${shown(line)}`,
      bytes: (place) => `${chunked(place)}${hex(place.hidden)}\r\n${place.hidden}\r\n0\r\n${line}\r\n\r\n`,
      must: 'refused',
    }),
  ),
  {
    what: 'chunks in HTTP/1.0',
    bytes: (place) => `${chunked(place).replace('HTTP/1.1', 'HTTP/1.0')}0\r\n\r\n${place.hidden}`,
    must: 'refused',
  },
];

export const framing: readonly Smuggling[] = [...encodings, ...lengths, ...chunks];
