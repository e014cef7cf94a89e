import { readFileSync } from 'node:fs';
import { childrenOf } from '@lakh/local';
import type { Sample } from './figures.js';

/** The kernel's unit in /proc, whatever its clock: part of its interface on every machine that Node runs on. */
const TICKS_A_SECOND = 100;

/** Seconds of processor time that a process and those that it started have used, each by its id. */
export function cpuSeconds(pid: number): ReadonlyMap<number, number> {
  return new Map(withChildren(pid).map((id) => [id, ticksOf(id) / TICKS_A_SECOND]));
}

/** What `run` measures as a rate, with what one of it costs a process and those that it started. */
export async function withCpu(pid: number, run: () => Promise<Sample>): Promise<Sample> {
  const totalS = () => [...cpuSeconds(pid).values()].reduce((sum, each) => sum + each, 0);
  const [beganMs, beganS] = [performance.now(), totalS()];
  const sample = await run();
  const done = (sample.value * (performance.now() - beganMs)) / 1000;
  return { ...sample, cpuUs: ((totalS() - beganS) / done) * 1e6 };
}

/** Bytes of memory that they occupy, together; pages that they share count for each. */
export function residentBytes(pid: number): number {
  return withChildren(pid).reduce((sum, id) => {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1];
    return sum + Number(kib) * 1024;
  }, 0);
}

function withChildren(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(withChildren)];
}

function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold spaces and parentheses; utime and stime are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
