import { inflateSync } from 'node:zlib';
import decodeQR from 'qr/decode.js';
import { drawQr, parseQrStyle, QR_DEFAULTS, type QrStyle } from '../src/index.js';

const TEXT = 'https://lakh.example/Q0u';

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** What the PNG of two colours shows, as a camera would see it. */
function readPng(body: Buffer): Picture {
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < body.length; ) {
    const length = body.readUInt32BE(at);
    chunks.set(body.toString('latin1', at + 4, at + 8), body.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const size = (chunks.get('IHDR') as Buffer).readUInt32BE(0);
  const palette = chunks.get('PLTE') as Buffer;
  const pixels = inflateSync(chunks.get('IDAT') as Buffer);
  const rowBytes = Math.ceil(size / 8) + 1;
  const data = new Uint8Array(size * size * 4).fill(255);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const bit = ((pixels[y * rowBytes + 1 + (x >> 3)] as number) >> (7 - (x & 7))) & 1;
      data.set(palette.subarray(bit * 3, bit * 3 + 3), (y * size + x) * 4);
    }
  }
  return { width: size, height: size, data };
}

/** The same of the SVG, four pixels a module. */
function readSvg(body: Buffer): Picture {
  const svg = body.toString();
  const across = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]);
  const size = across * 4;
  const data = new Uint8Array(size * size * 4).fill(255);
  for (const [, x, y, width] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h/g)) {
    for (let row = Number(y) * 4; row < Number(y) * 4 + 4; row += 1) {
      for (let at = Number(x) * 4; at < (Number(x) + Number(width)) * 4; at += 1) {
        data.set([0, 0, 0], (row * size + at) * 4);
      }
    }
  }
  return { width: size, height: size, data };
}

function styled(query: string): QrStyle {
  const { style, problems } = parseQrStyle(new URLSearchParams(query));
  expect(problems).toEqual([]);
  return style;
}

test.each([
  '',
  'correction=H',
  'correction=l&margin=1',
  'size=1024&margin=8',
  'color=0b5c4a&background=fbf',
  'size=77',
])('what is drawn as %j is read again, as either picture', (query) => {
  for (const format of ['png', 'svg'] as const) {
    const { body, contentType } = drawQr(TEXT, { ...styled(query), format });
    expect(contentType).toBe(format === 'png' ? 'image/png' : 'image/svg+xml');
    expect(decodeQR(format === 'png' ? readPng(body) : readSvg(body))).toBe(TEXT);
  }
});

test('a picture is as large as it was asked for', () => {
  for (const size of [64, 100, 299, 2_048]) {
    expect(readPng(drawQr(TEXT, styled(`format=png&size=${size}`)).body).width).toBe(size);
    expect(drawQr(TEXT, styled(`size=${size}`)).body.toString()).toContain(`width="${size}" height="${size}"`);
  }
});

test('a picture too small for its squares is refused with what it takes', () => {
  expect(() => drawQr(TEXT, { ...QR_DEFAULTS, size: 64, margin: 32 })).toThrow('size: must be 89 at least');
});

test.each([
  ['size=63', 'size', 'invalid'],
  ['size=2049', 'size', 'invalid'],
  ['size=1e3', 'size', 'invalid'],
  ['size=', 'size', 'invalid'],
  ['margin=-1', 'margin', 'invalid'],
  ['margin=33', 'margin', 'invalid'],
  ['format=gif', 'format', 'invalid'],
  ['correction=X', 'correction', 'invalid'],
  ['color=red', 'color', 'invalid'],
  ['background=12345', 'background', 'invalid'],
  ['color=ffffff&background=000000', 'color', 'too_pale'],
  ['color=cccccc', 'color', 'too_pale'],
  ['size=100&size=200', 'size', 'repeated'],
  ['colour=000000', 'colour', 'unknown_field'],
  ['__proto__=1', '__proto__', 'unknown_field'],
])('%s is refused', (query, field, rule) => {
  expect(parseQrStyle(new URLSearchParams(query)).problems).toMatchObject([{ field, rule }]);
});

test('everything that is wrong is said at once, of a query that is nothing but wrong a bounded part', () => {
  expect(parseQrStyle(new URLSearchParams('size=1&margin=99&colour=x')).problems).toHaveLength(3);
  const many = Array.from({ length: 500 }, (_, i) => `x${i}=`).join('&');
  expect(parseQrStyle(new URLSearchParams(many)).problems).toHaveLength(16);
});
