import { describeFault, type FaultName } from './catalogue.js';

/** Faults that are made at the same time: one, or one with a companion that touches nothing of the first. */
export type Step = readonly [FaultName, FaultName?];

/** How likely a step has a companion; none in the first round, where every fault is seen by itself. */
const COMPANION_CHANCE = 0.5;

/**
 * The steps of a run, without end: rounds, in each of which every fault of `faults` comes first in one step, in an order of the
 * round's own. The same `random` sequence gives the same steps.
 */
export function* schedule(faults: readonly FaultName[], random: () => number): Generator<Step, never> {
  for (let round = 1; ; round += 1) {
    for (const fault of shuffled(faults, random)) {
      const companions = round === 1 ? [] : faults.filter((other) => goesWith(other, fault));
      const isAlone = companions.length === 0 || random() >= COMPANION_CHANCE;
      yield isAlone ? [fault] : [fault, companions[Math.floor(random() * companions.length)] as FaultName];
    }
  }
}

function goesWith(other: FaultName, fault: FaultName): boolean {
  const { isCompanion, touches } = describeFault(other);
  return isCompanion === true && !touches.some((part) => describeFault(fault).touches.includes(part));
}

/** Fisher–Yates, on a copy. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
