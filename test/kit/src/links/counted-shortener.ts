import { createInsertIds, createShortener, type Shortener, type ShortenerOptions } from '@lakh/links';
import { CountedCodes } from './counted-codes.js';

/** A shortener whose codes never run out. */
export function countedShortener(options: Omit<ShortenerOptions, 'codes' | 'newInsertId'>): Shortener {
  return createShortener({
    ...options,
    codes: new CountedCodes(),
    newInsertId: createInsertIds(new Uint8Array(8)),
  });
}
