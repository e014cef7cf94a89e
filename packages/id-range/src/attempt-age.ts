import type { Clock } from './ports.js';

/**
 * How long an attempt may take, from before its first question to after its last acknowledgement, unless an option says otherwise.
 * Far more than it ever takes while both witnesses answer: milliseconds.
 */
export const ATTEMPT_LIMIT_MS = 10_000;

/**
 * Starts to time an attempt; the returned function tells its age in milliseconds.
 *
 * An attempt that has one witness's acknowledgement and sleeps (a stopped process, a suspended machine) may wake in a system whose
 * witnesses have both been restored meanwhile, one after the other, and be given what somebody else has. A repair therefore
 * waits for longer than an attempt may take (packages/operations), and an attempt that took longer is given up, whatever it was told.
 *
 * The age is by whichever clock says more: the monotonic one stands still while a machine is suspended, and the one on
 * the wall can be set back. A wrong clock can only make an attempt too old, which costs its counters.
 */
export function startAge(clock: Clock): () => number {
  const [startedMs, startedWallMs] = [clock.monotonicMs(), clock.wallMs()];
  return () => Math.max(clock.monotonicMs() - startedMs, clock.wallMs() - startedWallMs);
}
