import type { Sample } from './figures.js';
import type { LakhServer } from './lakh-servers.js';
import { cpuSeconds } from './processes.js';

/** Of the time of all, by one process: more of it, and the others had next to nothing to do. */
const MOST_OF_ONE = 0.9;

/** Processor time a request of a server and of its workers, in µs: `measure` says how many there were a second. */
export async function costOf(
  { server }: LakhServer,
  workers: number,
  seconds: number,
  measure: () => Promise<Sample>,
): Promise<Sample> {
  const before = cpuSeconds(server.pid);
  const sample = await measure();
  const used = [...cpuSeconds(server.pid)].map(([pid, after]) => after - (before.get(pid) ?? 0));
  const total = used.reduce((sum, each) => sum + each, 0);
  if (workers > 1 && Math.max(...used) > total * MOST_OF_ONE) {
    throw new Error(
      `of ${workers} workers one did nearly all: ${used.map((each) => `${each.toFixed(2)} s`).join(', ')}`,
    );
  }
  return { ...sample, value: (total / (sample.value * seconds)) * 1e6 };
}
