import { UsageError } from '../errors.js';

/** Keyspace ids are one byte: a bucket's. */
const END = 0x100;

/** `-80`, `40-80`, `80-`: two digits on a side, none where it begins or ends with all. */
export function boundsOf(range: string): { readonly start: number; readonly end: number } {
  const [, start, end] = /^([0-9a-f]{2})?-([0-9a-f]{2})?$/.exec(range) ?? [];
  return {
    start: start === undefined ? 0 : Number.parseInt(start, 16),
    end: end === undefined ? END : Number.parseInt(end, 16),
  };
}

/** @throws UsageError where one bucket is all that it has */
export function halvesOf(range: string): readonly [string, string] {
  const { start, end } = boundsOf(range);
  if (end - start < 2) throw new UsageError(`${range} is one bucket, which is not split`);
  const middle = (start + end) >> 1;
  return [`${digits(start)}-${digits(middle)}`, `${digits(middle)}-${digits(end)}`];
}

function digits(bound: number): string {
  return bound === 0 || bound === END ? '' : bound.toString(16).padStart(2, '0');
}
