import { SHORTEN } from '../system.js';
import { last, type MakeFault } from './fault.js';

const HOUR_S = 3_600;
/** The skewed process reads its offset anew every second. */
const AT_LEAST_MS = 1_500;

/** Ahead, far behind, right again: each is also a jump, two of them backwards. */
export const skewClock: MakeFault = async (context) => {
  const { system, rangeSize } = context;
  const { clock } = system;
  if (clock === undefined) throw new Error('this system was started without libfaketime');
  const offsets = [HOUR_S, -HOUR_S];
  try {
    for (const offsetS of offsets) {
      clock.set(offsetS);
      await last(context, AT_LEAST_MS, 2 * AT_LEAST_MS);
      await system.untilLeased(SHORTEN.length, rangeSize);
    }
  } finally {
    clock.set(0);
  }
  return `by ${offsets.join(' s, ')} s`;
};
