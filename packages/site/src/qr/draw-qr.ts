import { InvalidRequestError } from '@lakh/http';
import encodeQR from 'qr';
import { png } from './png.js';
import { type QrCorrection, type QrStyle, rgbOf } from './qr-style.js';

export interface QrPicture {
  readonly contentType: 'image/svg+xml' | 'image/png';
  readonly body: Buffer;
}

const LEVEL = { L: 'low', M: 'medium', Q: 'quartile', H: 'high' } as const satisfies Record<QrCorrection, string>;

/** Whether there is a dark module, by row and column; without a margin. */
type Modules = readonly (readonly boolean[])[];

/** Draws a text of ASCII, at most a few hundred characters, as a QR code (ISO/IEC 18004). @throws InvalidRequestError where its squares would be less than a pixel */
export function drawQr(text: string, style: QrStyle): QrPicture {
  const modules = modulesOf(text, style.correction);
  const across = modules.length + 2 * style.margin;
  if (style.size < across) {
    const reason = `must be ${across} at least for this link and margin`;
    throw new InvalidRequestError([{ field: 'size', rule: 'too_small', reason }]);
  }
  return style.format === 'svg'
    ? { contentType: 'image/svg+xml', body: Buffer.from(svgOf(modules, across, style)) }
    : { contentType: 'image/png', body: pngOf(modules, across, style) };
}

/** The library draws no less than a margin of one. */
function modulesOf(text: string, correction: QrCorrection): Modules {
  const framed = encodeQR(text, 'raw', { ecc: LEVEL[correction], border: 1 });
  return framed.slice(1, -1).map((row) => row.slice(1, -1));
}

function svgOf(modules: Modules, across: number, { size, margin, color, background }: QrStyle): string {
  const path = modules
    .flatMap((row, y) => runsOf(row).map(([x, width]) => `M${x + margin} ${y + margin}h${width}v1h-${width}z`))
    .join('');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" viewBox="0 0 ${across} ${across}" shape-rendering="crispEdges">` +
    `<path fill="#${background}" d="M0 0h${across}v${across}H0z"/><path fill="#${color}" d="${path}"/></svg>`
  );
}

/** Where dark modules of a row begin that stand together, and how many they are. */
function runsOf(row: readonly boolean[]): readonly (readonly [start: number, width: number])[] {
  const runs: [number, number][] = [];
  row.forEach((isDark, x) => {
    const last = runs.at(-1);
    if (!isDark) return;
    if (last !== undefined && last[0] + last[1] === x) last[1] += 1;
    else runs.push([x, 1]);
  });
  return runs;
}

/** Every module is as wide as the others; pixels that are left over go to the margin. */
function pngOf(modules: Modules, across: number, { size, color, background }: QrStyle): Buffer {
  const scale = Math.floor(size / across);
  const before = Math.floor((size - scale * modules.length) / 2);
  const blank = new Uint8Array(Math.ceil(size / 8));
  const rows = modules.map((row) => {
    const bits = new Uint8Array(blank.length);
    for (const [start, width] of runsOf(row)) {
      for (let x = before + start * scale; x < before + (start + width) * scale; x += 1) {
        bits[x >> 3] = (bits[x >> 3] as number) | (0x80 >> (x & 7));
      }
    }
    return bits;
  });
  return png(
    size,
    [
      [...rgbOf(background), 255],
      [...rgbOf(color), 255],
    ],
    (y) => rows[Math.floor((y - before) / scale)] ?? blank,
  );
}
