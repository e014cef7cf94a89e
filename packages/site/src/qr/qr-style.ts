import type { FieldProblem } from '@lakh/base';

/** By the letters of ISO/IEC 18004: how much of a code may be covered or torn, 7, 15, 25 and 30 %. */
export const QR_CORRECTIONS = ['L', 'M', 'Q', 'H'] as const;

export type QrCorrection = (typeof QR_CORRECTIONS)[number];

export const QR_FORMATS = ['svg', 'png'] as const;

export interface QrStyle {
  readonly format: (typeof QR_FORMATS)[number];
  /** Of the picture with its margin, in pixels a side. */
  readonly size: number;
  /** In modules, the little squares; the standard asks for 4. */
  readonly margin: number;
  readonly correction: QrCorrection;
  /** Six hexadecimal digits. */
  readonly color: string;
  readonly background: string;
}

export const QR_DEFAULTS: QrStyle = {
  format: 'svg',
  size: 300,
  margin: 4,
  correction: 'M',
  color: '000000',
  background: 'ffffff',
};

export const QR_SIZE = { min: 64, max: 2_048 } as const;
export const QR_MARGIN_MAX = 32;

/** Below this readers fail in bad light. WCAG's ratio, which also says which of the two is the lighter. */
const LEAST_CONTRAST = 3;

const COLOUR = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i;

/** What a parameter must be. */
const REASONS = {
  format: `must be ${QR_FORMATS.join(' or ')}`,
  size: `must be a whole number from ${QR_SIZE.min} to ${QR_SIZE.max}`,
  margin: `must be a whole number from 0 to ${QR_MARGIN_MAX}`,
  correction: `must be one of ${QR_CORRECTIONS.join(', ')}`,
  color: 'must be six hexadecimal digits, as 1a2b3c, or three',
  background: 'must be six hexadecimal digits, as ffffff, or three',
} as const satisfies Record<keyof QrStyle, string>;

/** The style that a query string asks for, and everything that is wrong with it. */
export function parseQrStyle(query: URLSearchParams): {
  readonly style: QrStyle;
  readonly problems: readonly FieldProblem[];
} {
  const problems: FieldProblem[] = [];
  const style: { -readonly [Name in keyof QrStyle]: QrStyle[Name] } = { ...QR_DEFAULTS };
  for (const name of new Set(query.keys())) {
    const [value = '', ...others] = query.getAll(name);
    if (!Object.hasOwn(REASONS, name)) {
      problems.push({
        field: name.slice(0, 64),
        rule: 'unknown_field',
        reason: `is none of ${Object.keys(REASONS).join(', ')}`,
      });
    } else if (others.length > 0) {
      problems.push({ field: name, rule: 'repeated', reason: 'is there more than once' });
    } else if (!take(style, name as keyof QrStyle, value)) {
      problems.push({ field: name, rule: 'invalid', reason: REASONS[name as keyof QrStyle] });
    }
    if (problems.length === 16) break;
  }
  if (problems.length === 0 && contrast(style.background, style.color) < LEAST_CONTRAST) {
    problems.push({
      field: 'color',
      rule: 'too_pale',
      reason: 'must be clearly darker than the background, or no phone reads it',
    });
  }
  return { style, problems };
}

function take(
  style: { -readonly [Name in keyof QrStyle]: QrStyle[Name] },
  name: keyof QrStyle,
  value: string,
): boolean {
  switch (name) {
    case 'format':
      return within(QR_FORMATS, value.toLowerCase(), (format) => (style.format = format));
    case 'correction':
      return within(QR_CORRECTIONS, value.toUpperCase(), (correction) => (style.correction = correction));
    case 'size':
    case 'margin': {
      const [min, max] = name === 'size' ? [QR_SIZE.min, QR_SIZE.max] : [0, QR_MARGIN_MAX];
      const number = /^\d{1,4}$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= min && number <= max)) return false;
      style[name] = number;
      return true;
    }
    default: {
      const digits = COLOUR.exec(value)?.[1]?.toLowerCase();
      if (digits === undefined) return false;
      style[name] = digits.length === 3 ? digits.replace(/./g, '$&$&') : digits;
      return true;
    }
  }
}

function within<T extends string>(known: readonly T[], value: string, use: (known: T) => void): boolean {
  const found = known.find((each) => each === value);
  if (found !== undefined) use(found);
  return found !== undefined;
}

/** How many times lighter `light` is than `dark`, by WCAG 2.2; below 1 where it is the darker of the two. */
function contrast(light: string, dark: string): number {
  return (luminance(light) + 0.05) / (luminance(dark) + 0.05);
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = rgbOf(colour).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Of six hexadecimal digits. */
export function rgbOf(colour: string): readonly [number, number, number] {
  const value = Number.parseInt(colour, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
