import type { Logger } from '@lakh/process';
import type { Codec } from '@lakh/short-code';

/**
 * 1 % of what one sealed key covers (62^6). At 2,000 creates a second that is more than three days: time to add a key and restart
 * the servers in working hours. docs/runbooks/counter_space_ended.md has an alert with this number.
 */
const LITTLE_LEFT = 568_000_000;
/** Of a codec that covers less from the start, this part. */
const LITTLE_PART = 1 / 100;

export interface SpaceWatch {
  /** Counters that no lease has covered; undefined before the mark was read. */
  left(): number | undefined;
  /** In words, once little is left. */
  warning(): string | undefined;
  /** Called after a lease: logs the first time that little is left. */
  look(): void;
}

/** Says when the end of the counter space comes near, long before a lease is refused. */
export function watchSpace({ capacity }: Codec, left: () => number | undefined, log: Logger): SpaceWatch {
  const little = Math.min(LITTLE_LEFT, (capacity.endCounter - capacity.firstCounter) * LITTLE_PART);
  let isTold = false;

  function warning(): string | undefined {
    const now = left();
    if (now === undefined || now >= little) return undefined;
    return `${now} counters are left in the codec's space: see docs/runbooks/counter_space_ended.md`;
  }

  return {
    left,
    warning,
    look() {
      if (isTold || warning() === undefined) return;
      isTold = true;
      log.warn({ left: left() }, 'the counter space comes to its end: see docs/runbooks/counter_space_ended.md');
    },
  };
}
