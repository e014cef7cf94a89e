/**
 * What a shortener sees: 1,000 clicks for every create. Each new link is clicked at once, too. RATE (clicks a second), DURATION,
 * VUS (at most, of each kind), LINKS.
 */
import {
  answered,
  anyOf,
  arrivals,
  createLink,
  followLink,
  integerParameter,
  kept,
  makeLinks,
  newTarget,
  parameter,
  seconds,
} from './lakh.js';

export { handleSummary } from './lakh.js';

const CLICKS_PER_CREATE = 1000;
const rate = integerParameter('RATE', 1000);
const duration = parameter('DURATION', '30s');
const vus = integerParameter('VUS', 100);

export const options = {
  scenarios: {
    clicks: arrivals(rate, '1s', duration, vus, 'click'),
    creates: arrivals(rate, `${CLICKS_PER_CREATE}s`, duration, vus, 'create'),
  },
  thresholds: {
    checks: answered(),
    'http_req_duration{name:redirect}': ['p(95)<25', 'p(99)<100'],
    'http_req_duration{name:create}': ['p(95)<100', 'p(99)<500'],
    dropped_iterations: kept(rate * seconds(duration)),
  },
};

export function setup() {
  return makeLinks(integerParameter('LINKS', 1000));
}

export function click(links) {
  followLink(anyOf(links));
}

export function create() {
  const link = createLink(newTarget('mixed'));
  if (link) followLink(link);
}
