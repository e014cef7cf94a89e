/**
 * What a cache in the process costs by what decides what it keeps. Arguments: the policy; `hits` or `misses`; how many links it holds. Of the links, as
 * often as a Zipf distribution of 0.8 has it; the paths that are asked for are texts of their own, as a request's is.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Sample } from '../bench/figures.js';
import { POLICIES, type Policy } from './l1-policies.js';
import { pathOf, TRACES, type TraceOptions, traceOf } from './l1-traces.js';
import { chosenVariant, serveTasks } from './tasks.js';

const LEAST_CHUNK = 2 ** 16;
const MOST_CHUNK = 2 ** 19;
const [, what = '', count = ''] = process.argv.slice(2);
const entries = Number(count);
const chunk = Math.min(MOST_CHUNK, Math.max(LEAST_CHUNK, 4 * entries));
// Of hits, room for twice as many: all of them are held, whoever keeps some of it for what is new.
const policy = chosenVariant<(entries: number) => Policy>(POLICIES)(what === 'hits' ? 2 * entries : entries);
const ownText = (text: string) => Buffer.from(text, 'latin1').toString('latin1');
const keys = Array.from({ length: entries }, (_, i) => pathOf(i));
for (const key of keys) policy.keep(key);
const asked = what === 'hits' ? askedFor() : [];
let next = entries;

function askedFor(): string[] {
  const trace = traceOf({ ...TRACES[0], onceShare: 0, keys: entries, requests: chunk, seed: 3 } as TraceOptions);
  return Array.from(trace, (rank) => ownText(keys[rank] as string));
}

function hits(): void {
  for (const path of asked) if (!policy.ask(path)) throw new Error(`${path} is not there`);
}

/** Each is asked for once, found missing and kept, and another goes. */
function misses(): void {
  for (let i = 0; i < chunk; i += 1) {
    const path = pathOf(next);
    next = (next + 1) >>> 0;
    if (!policy.ask(path)) policy.keep(path);
  }
}

/** By the seconds that the processor spent on it, whatever else it did meanwhile. */
async function measure(seconds: number): Promise<Sample> {
  const run = what === 'hits' ? hits : misses;
  const end = performance.now() + seconds * 1000;
  const before = process.cpuUsage();
  let done = 0;
  while (performance.now() < end) {
    run();
    await turn();
    done += chunk;
  }
  const { user, system } = process.cpuUsage(before);
  return { value: (done / (user + system)) * 1e6 };
}

serveTasks(({ seconds }) => measure(seconds));
