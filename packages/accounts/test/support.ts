import { createHash, randomInt } from 'node:crypto';
import type { KeyCrypto } from '../src/index.js';

const CHARACTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export const crypto: KeyCrypto = {
  sumOf: (text) => createHash('sha256').update(text).digest('hex'),
  isSame: (sum, other) => sum === other,
  random: (length) => Array.from({ length }, () => CHARACTERS[randomInt(62)]).join(''),
};

export const T0_MS = 1_790_000_000_000;
export const DAY_MS = 86_400_000;
