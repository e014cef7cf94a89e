import { gridTalks, randomTalks, type Talk } from './cases.js';
import { compare, emptied, newTally, type Tally, type Twins } from './compare.js';
import { serve } from './servers.js';
import { describe, shrink } from './shrink.js';
import { totalsOf } from './totals.js';

/** Of each pass of the tests. */
export const SEED = 1;

/** By what servers are told of themselves. */
const KINDS = {
  plain: {},
  'https, small limits': {
    own: { publicUrl: 'https://lakh.example', hosts: ['x'] },
    limits: { maxHeaderBytes: 1024, maxUrlLength: 512 },
  },
} as const;

export type Kind = keyof typeof KINDS;

/** How much of the grid each pass holds, and how many talks beside it. */
const PASSES = { plain: { step: 5, talks: 600 }, 'https, small limits': { step: 41, talks: 200 } } as const;

/** What each pass tells the servers of a kind. */
export function* talksOf(kind: Kind): Generator<Talk> {
  const { step, talks } = PASSES[kind];
  yield* gridTalks(SEED, step, SEED);
  yield* randomTalks(SEED, talks);
}

/** A server without the wire lane, and one with it. */
export async function twinsOf(kind: Kind): Promise<Twins> {
  const http = KINDS[kind];
  return [await serve({ name: 'node:http', lane: false, http }), await serve({ name: 'lane', lane: true, http })];
}

/**
 * What two servers differ in, as text: in what they say, cut down to what matters of it, or in what they have counted; and that they are left with
 * nothing of the talks.
 */
export async function differenceBetween(
  twins: Twins,
  talks: Iterable<Talk>,
  tally: Tally = newTally(),
): Promise<string | undefined> {
  const found = await compare(talks, twins, { tally });
  await emptied(twins);
  if (found) return `${describe(found, twins)}\n\nor, shorter:\n${describe(await shrink(found, twins), twins)}`;
  return differentTotals(twins);
}

async function differentTotals(twins: Twins): Promise<string | undefined> {
  const [one, other] = [await totalsOf(twins[0]), await totalsOf(twins[1])];
  const lines = [...new Set([...one.keys(), ...other.keys()])]
    .filter((name) => one.get(name) !== other.get(name))
    .map((name) => `${name}: ${twins[0].name} ${one.get(name)}, ${twins[1].name} ${other.get(name)}`);
  return lines.length === 0 ? undefined : lines.join('\n');
}
