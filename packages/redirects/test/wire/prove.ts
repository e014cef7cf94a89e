import type { Talk } from './cases.js';
import { compare, emptied, newTally, type Tally, type Twins } from './compare.js';
import { serve } from './servers.js';
import { describe, shrink } from './shrink.js';

/** By what servers are told of themselves. */
const KINDS = {
  plain: {},
  'https, small limits': {
    own: { publicUrl: 'https://lakh.example', hosts: ['x'] },
    limits: { maxHeaderBytes: 1024, maxUrlLength: 512 },
  },
} as const;

/** A server without the wire lane, and one with it. */
export async function twinsOf(kind: keyof typeof KINDS): Promise<Twins> {
  const http = KINDS[kind];
  return [await serve({ name: 'node:http', lane: false, http }), await serve({ name: 'lane', lane: true, http })];
}

/** What two servers differ in, as text, cut down to what matters of it; and that they are left with nothing of the talks. */
export async function differenceBetween(
  twins: Twins,
  talks: Iterable<Talk>,
  tally: Tally = newTally(),
): Promise<string | undefined> {
  const found = await compare(talks, twins, { tally });
  await emptied(twins);
  return found && `${describe(found, twins)}\n\nor, shorter:\n${describe(await shrink(found, twins), twins)}`;
}
