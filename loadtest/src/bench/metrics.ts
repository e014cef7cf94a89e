import type { Sample } from './figures.js';

const REQUEST_DEADLINE_MS = 5_000;
const REQUESTS = 'lakh_http_requests_total';
const DURATIONS = 'lakh_http_request_duration_seconds_count';
const L1_HITS = 'lakh_l1_hits_total';
const LEAST_HIT_SHARE = 0.99;

/** The sum of all series of `name` in Prometheus's text format; 0 when there is none. */
export function sumOf(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !['{', ' '].includes(line.charAt(name.length))) continue;
    sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

/**
 * Measures, and rejects when the server's request counter or histogram did not rise by what was answered (a figure with them
 * off would be another figure), or when L1 did not answer nearly all of it.
 */
export async function checkCounted(adminUrl: string, seconds: number, measure: () => Promise<Sample>): Promise<Sample> {
  const before = await readMetrics(adminUrl);
  const sample = await measure();
  const after = await readMetrics(adminUrl);
  const rise = (name: string) => sumOf(after, name) - sumOf(before, name);
  // A little less than was answered: the run is a little shorter or longer than asked for.
  const answered = Math.round(sample.value * seconds * 0.9);
  for (const name of [REQUESTS, DURATIONS]) {
    if (!(rise(name) >= answered))
      throw new Error(`${name} rose by ${rise(name)} while over ${answered} were answered`);
  }
  if (!(rise(L1_HITS) >= rise(REQUESTS) * LEAST_HIT_SHARE)) {
    throw new Error(`${L1_HITS} rose by ${rise(L1_HITS)} in ${rise(REQUESTS)} requests: L1 was not hot`);
  }
  return sample;
}

export async function readMetrics(adminUrl: string): Promise<string> {
  const response = await fetch(`${adminUrl}/metrics`, { signal: AbortSignal.timeout(REQUEST_DEADLINE_MS) });
  if (!response.ok) throw new Error(`${adminUrl}/metrics answered ${response.status}`);
  return response.text();
}
