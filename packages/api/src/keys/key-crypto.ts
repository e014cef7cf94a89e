import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import type { KeyCrypto } from '@lakh/accounts';

const CHARACTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The hash and the chance that keys are made of. */
export const keyCrypto: KeyCrypto = {
  sumOf: (text) => createHash('sha256').update(text).digest('hex'),
  isSame: (sum, other) => sum.length === other.length && timingSafeEqual(Buffer.from(sum), Buffer.from(other)),
  random: (length) => Array.from({ length }, () => CHARACTERS[randomInt(CHARACTERS.length)]).join(''),
};
