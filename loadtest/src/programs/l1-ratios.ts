/** How many requests each policy answers from what it keeps. Arguments: links, requests a trace; `callers` is the number of the trace. */

import { POLICIES, type PolicyName } from './l1-policies.js';
import { pathOf, TRACES, traceOf } from './l1-traces.js';
import { serveTasks } from './tasks.js';

export interface RatioOf {
  readonly policy: PolicyName;
  /** Of all links. */
  readonly share: number;
  /** Hits ÷ requests, in the second half of the trace. */
  readonly ratio: number;
}

const SHARES = [0.001, 0.01, 0.1];
const SEED = 7;
const [links, requests] = process.argv.slice(2).map(Number) as [number, number];
const paths = Array.from({ length: links }, (_, i) => pathOf(i));

function ratioOf(policy: PolicyName, share: number, trace: Uint32Array): RatioOf {
  const cache = POLICIES[policy](Math.round(share * links));
  let hits = 0;
  for (let i = 0; i < trace.length; i += 1) {
    const link = trace[i] as number;
    const path = link < links ? (paths[link] as string) : pathOf(link);
    if (!cache.ask(path)) cache.keep(path);
    else if (2 * i >= trace.length) hits += 1;
  }
  return { policy, share, ratio: hits / (trace.length - Math.ceil(trace.length / 2)) };
}

serveTasks<RatioOf[]>(async ({ callers }) => {
  const { name: _, ...options } = TRACES[callers] as (typeof TRACES)[number];
  const trace = traceOf({ ...options, keys: links, requests, seed: SEED });
  const policies = Object.keys(POLICIES) as PolicyName[];
  return SHARES.flatMap((share) => policies.map((policy) => ratioOf(policy, share, trace)));
});
