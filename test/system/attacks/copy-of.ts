import { bucketOf, parseCopyState } from '@lakh/links';
import { linkKey, stateKey } from '../../../packages/redis/src/copy-keys.js';
import type { Attacked } from './attacked.js';

/** Where Redis has the state of a code's bucket. */
export const stateKeyOf = (code: string): string => stateKey(bucketOf(0, code));

/** Where Redis has a code now, or would have it. */
export async function keyOf({ redis }: Pick<Attacked, 'redis'>, code: string): Promise<string> {
  const state = parseCopyState((await redis.get(stateKeyOf(code)).catch(() => null)) ?? '');
  return linkKey({ domainId: 0, code }, state?.epoch ?? '0'.repeat(16));
}
