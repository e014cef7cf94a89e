export interface RenewalsOptions {
  /** Looks a code up as a miss does, which fills L1; what it finds is nobody's to wait for. */
  readonly resolve: (code: string) => Promise<unknown>;
  /** Runs work once the answer that it was met in is on its way. */
  readonly later: (run: () => void) => void;
  /** @returns what takes it back */
  readonly schedule: (afterMs: number, run: () => void) => () => void;
  readonly onBegan?: () => void;
}

/** So many at once; beyond that a hot code is looked up when it has ended, by whoever asks for it then. */
const AT_ONCE_MOST = 256;

/**
 * One that has not ended by then is nobody's ahead of time any more, for its entry has: it is a look-up like others, bounded as they are, and holds no place
 * here.
 */
const PLACE_HELD_MS = 1_000;

/**
 * Looks up again what L1 is about to hold no longer and is asked for often, so that nobody waits for it. What is read then takes its own time to
 * live from its own read, so nothing is served for longer than it would be.
 *
 * @returns takes a path; false where too many are on their way
 */
export function createRenewals({
  resolve,
  later,
  schedule,
  onBegan = () => {},
}: RenewalsOptions): (path: string) => boolean {
  let underWay = 0;

  /** @returns what gives the place back, once */
  function takePlace(): () => void {
    underWay += 1;
    let isHeld = true;
    const leave = () => {
      if (isHeld) underWay -= 1;
      isHeld = false;
    };
    const takeBack = schedule(PLACE_HELD_MS, leave);
    return () => {
      takeBack();
      leave();
    };
  }

  return (path) => {
    if (underWay >= AT_ONCE_MOST) return false;
    const leave = takePlace();
    onBegan();
    // Who fails here has harmed nobody: when the entry has ended, the next request asks itself, and is told why it fails.
    later(() => void resolve(path.slice(1)).then(leave, leave));
    return true;
  };
}
