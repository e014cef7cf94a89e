/**
 * The busiest codes, for servers that start:
 *
 *     lakh:busy:<domain id>     1|<seal>|<until ms>|<code> <code> …
 *
 * One text that ends by itself. The seal is over its key and all that comes behind it, as with links (ADR 0020): who reaches Redis could otherwise have every
 * server that starts look up what he likes.
 */
import { timingSafeEqual } from 'node:crypto';
import { BUSY_CODES_MOST, type BusyCodes, isPossibleCode, mergeBusyCodes } from '@lakh/links';
import type { Masters } from './masters.js';
import { createSeal, SEAL_LENGTH } from './seal.js';

export interface RedisBusyCodesOptions {
  readonly masters: Masters;
  /** As the copy's: undefined while it is not known. Then nothing is kept or recalled. */
  readonly sealKey: () => Uint8Array | undefined;
}

const FORMAT = '1';
/** What nobody has asked for since is no busy code. */
const LIFE_MS = 3_600_000;
/** Ten thousand codes of seven characters are 80,000; of aliases there are fewer. What is longer is none of ours. */
const TEXT_MAX_LENGTH = 262_144;
const HEAD_MAX_LENGTH = 64;
const DIGITS = /^\d{1,16}$/;

export function createRedisBusyCodes({ masters, sealKey }: RedisBusyCodesOptions): BusyCodes {
  function access(domainId: number) {
    const key = `lakh:busy:${domainId}`;
    const master = masters.of(key);
    if (master === undefined) throw new Error(`${key} has no master`);
    const bits = sealKey();
    if (bits === undefined) throw new Error('what is sealed is not known yet');
    const seal = createSeal(bits);
    return { key, master, sealOf: (body: string) => seal(`${key}|${body}`) };
  }

  async function recall(domainId: number): Promise<readonly string[]> {
    const { key, master, sealOf } = access(domainId);
    const text = await master.get(key, TEXT_MAX_LENGTH + 1);
    return decode(text, sealOf, Date.now());
  }

  return {
    recall,

    async keep(domainId, codes) {
      const { key, master, sealOf } = access(domainId);
      const kept = await recall(domainId);
      const body = `${Date.now() + LIFE_MS}|${fitting(mergeBusyCodes(codes, kept))}`;
      await master.send(['SET', key, `${FORMAT}|${sealOf(body)}|${body}`, 'PX', String(LIFE_MS)]);
    },
  };
}

/** As many of them as there is room for. */
function fitting(codes: readonly string[]): string {
  const text = codes.join(' ');
  const most = TEXT_MAX_LENGTH - HEAD_MAX_LENGTH;
  return text.length <= most ? text : text.slice(0, text.lastIndexOf(' ', most));
}

function decode(text: string, sealOf: (body: string) => string, nowMs: number): readonly string[] {
  if (text.length > TEXT_MAX_LENGTH || !text.startsWith(`${FORMAT}|`)) return [];
  const given = text.slice(2, 2 + SEAL_LENGTH);
  const body = text.slice(3 + SEAL_LENGTH);
  const [givenBytes, ownBytes] = [Buffer.from(given), Buffer.from(sealOf(body))];
  if (givenBytes.length !== ownBytes.length || !timingSafeEqual(givenBytes, ownBytes)) return [];
  const end = body.indexOf('|');
  const untilMs = body.slice(0, end);
  if (!DIGITS.test(untilMs) || Number(untilMs) < nowMs) return [];
  return body
    .slice(end + 1)
    .split(' ', BUSY_CODES_MOST)
    .filter(isPossibleCode);
}
