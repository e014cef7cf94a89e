/** What a worker and its supervisor say to each other about slices, as plain values. */
import {
  AllocatorSealedError,
  BrokenInvariantError,
  type CounterRange,
  CounterSpaceEndedError,
  IdsExhaustedError,
} from '@lakh/id-range';

/** A worker asks for its next counters. */
export interface SliceRequest {
  /** What it has not issued. */
  readonly held: readonly CounterRange[];
}

/** A worker that is sealed says what it has left. */
export interface GiveBack {
  readonly tails: readonly CounterRange[];
  /** Whether it has asked for a slice and was not answered yet. */
  readonly isAwaiting: boolean;
}

export type SliceAnswer =
  | { readonly slice: CounterRange }
  | { readonly none: 'exhausted'; readonly why: string; readonly retryAfterS: number }
  | { readonly none: 'space ended'; readonly why: string }
  | { readonly none: 'broken'; readonly why: string }
  | { readonly none: 'sealed' };

/** Throws what no worker could do anything about. */
export async function answerOf(handed: Promise<CounterRange>): Promise<SliceAnswer> {
  try {
    const { start, end } = await handed;
    return { slice: { start, end } };
  } catch (error) {
    if (error instanceof IdsExhaustedError) {
      return { none: 'exhausted', why: error.message, retryAfterS: error.retryAfterS };
    }
    if (error instanceof CounterSpaceEndedError) return { none: 'space ended', why: error.message };
    if (error instanceof BrokenInvariantError) return { none: 'broken', why: error.what };
    if (error instanceof AllocatorSealedError) return { none: 'sealed' };
    throw error;
  }
}

/** Throws as the supervisor's allocator did. */
export function sliceOf(answer: SliceAnswer): CounterRange {
  if ('slice' in answer) return answer.slice;
  switch (answer.none) {
    case 'exhausted':
      throw new IdsExhaustedError(answer.why, answer.retryAfterS);
    case 'space ended':
      throw new CounterSpaceEndedError(answer.why);
    case 'broken':
      throw new BrokenInvariantError(answer.why);
    case 'sealed':
      throw new AllocatorSealedError();
  }
}
