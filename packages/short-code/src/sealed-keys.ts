import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { InvalidCodecError } from './errors.js';

/** One key of the sealed codec. */
export interface SealedKey {
  /** One character of 0-9A-Za-z. */
  readonly id: string;
  /** 16, 24 or 32 bytes (AES-128, -192, -256). */
  readonly key: Uint8Array;
  /** The first counter that is encoded under this key. */
  readonly startCounter: number;
}

const ENTRY = /^([0-9A-Za-z]):([0-9A-Fa-f]+):(0|[1-9][0-9]{0,12})$/;
const HEX_DIGITS = [32, 48, 64];
const FINGERPRINT_LABEL = utf8ToBytes('lakh sealed codec key v1');
const FINGERPRINT_HEX_DIGITS = 16;

/**
 * Parses `LAKH_SEALED_KEYS`: keys apart by white space, each `<id>:<key>:<start counter>`, in the order of their starts, for
 * example `A:<64 hexadecimal digits>:100000 B:<64 hexadecimal digits>:56900000000`. Keys are hexadecimal only (`openssl rand
 * -hex 32`): 32 hexadecimal digits are valid base64 too, of another key. Errors count the entries and never quote them, for
 * whatever stands in a malformed one may be key material. What the keys must be to each other is checked by `sealed`.
 */
export function parseSealedKeys(text: string): SealedKey[] {
  const entries = text.match(/\S+/g) ?? [];
  if (entries.length === 0) throw new InvalidCodecError('no sealed key is given');
  return entries.map((entry, index) => {
    const match = ENTRY.exec(entry);
    if (match === null) {
      throw new InvalidCodecError(
        `sealed key ${index + 1} of ${entries.length} is not <id>:<hexadecimal key>:<start counter>`,
      );
    }
    const [, id, hex, start] = match as unknown as [string, string, string, string];
    if (!HEX_DIGITS.includes(hex.length)) {
      throw new InvalidCodecError(
        `sealed key ${index + 1} of ${entries.length} has ${hex.length} hexadecimal digits instead of 32, 48 or 64`,
      );
    }
    return { id, key: hexToBytes(hex), startCounter: Number(start) };
  });
}

/** Recognises a key without giving it away: the first 16 hexadecimal digits of HMAC-SHA-256 of a fixed label under it. */
export function fingerprintOf(key: Uint8Array): string {
  return bytesToHex(hmac(sha256, key, FINGERPRINT_LABEL)).slice(0, FINGERPRINT_HEX_DIGITS);
}
