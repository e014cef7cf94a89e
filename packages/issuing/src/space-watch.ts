import { LITTLE_LEFT } from '@lakh/id-range';
import type { Codec } from '@lakh/short-code';

/** Of a codec that covers few counters from the start, this part is little too. */
const LITTLE_PART = 1 / 100;

export interface SpaceWatch {
  /** In words, once little is left. */
  warning(): string | undefined;
  /** Called after a lease: tells the first time that little is left. */
  look(): void;
}

/** Says when the end of the counter space comes near, long before a lease is refused. `left`: undefined before the mark was read. */
export function watchSpace(
  { capacity }: Codec,
  left: () => number | undefined,
  ending: (left: number) => void,
): SpaceWatch {
  const little = Math.min(LITTLE_LEFT, (capacity.endCounter - capacity.firstCounter) * LITTLE_PART);
  let isTold = false;

  function littleLeft(): number | undefined {
    const now = left();
    return now === undefined || now >= little ? undefined : now;
  }

  return {
    warning() {
      const now = littleLeft();
      return now === undefined
        ? undefined
        : `${now} counters are left in the codec's space: see docs/runbooks/counter_space_ended.md`;
    },
    look() {
      const now = littleLeft();
      if (isTold || now === undefined) return;
      isTold = true;
      ending(now);
    },
  };
}
