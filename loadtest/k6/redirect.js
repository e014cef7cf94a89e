/** Clicks at a constant rate, spread over LINKS links made beforehand. RATE (a second), DURATION, VUS (at most), LINKS. */
import {
  answered,
  anyOf,
  arrivals,
  followLink,
  integerParameter,
  kept,
  makeLinks,
  parameter,
  seconds,
} from './lakh.js';

export { handleSummary } from './lakh.js';

const rate = integerParameter('RATE', 500);
const duration = parameter('DURATION', '30s');

export const options = {
  scenarios: { clicks: arrivals(rate, '1s', duration, integerParameter('VUS', 100), 'click') },
  thresholds: {
    checks: answered(),
    'http_req_duration{name:redirect}': ['p(95)<25', 'p(99)<100'],
    dropped_iterations: kept(rate * seconds(duration)),
  },
};

export function setup() {
  return makeLinks(integerParameter('LINKS', 1000));
}

export function click(links) {
  followLink(anyOf(links));
}
