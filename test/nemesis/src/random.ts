import { seededRandom } from '@lakh/testkit';

/** Choices that can be made again from a printed seed. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** An integer in [from, to]. */
  between(from: number, to: number): number;
  pick<T>(from: readonly T[]): T;
}

export function createRandom(seed: number): Random {
  const next = seededRandom(seed);
  const between = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return { next, between, pick: <T>(from: readonly T[]): T => from[between(0, from.length - 1)] as T };
}
