import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.js';
import type { System } from '../system.js';

export interface FaultContext {
  readonly system: System;
  readonly random: Random;
  readonly rangeSize: number;
  /** Tells this time of the same fault from others, for the names of copies. */
  readonly id: string;
}

/** Makes a fault and takes it back, as far as somebody has to; resolves with what was chosen. */
export type MakeFault = (context: FaultContext) => Promise<string>;

/** Lets a fault last. */
export async function last({ random, system }: FaultContext, fromMs: number, toMs: number): Promise<number> {
  const ms = random.between(fromMs, toMs);
  await sleep(ms, undefined, { signal: system.signal });
  return ms;
}
