/**
 * What a shortener sees: 1,000 clicks for every create. Each new link is clicked at once, too. RATE (clicks a second), DURATION,
 * VUS (at most, of each kind), LINKS.
 */
import { answered, arrivals, createLink, followLink, kept, load, newTarget } from './lakh.js';

export { click, handleSummary, setup } from './lakh.js';

const CLICKS_PER_CREATE = 1000;
const clicks = load(1000);

export const options = {
  scenarios: {
    clicks: arrivals(clicks, 'click'),
    creates: arrivals(clicks, 'create', `${CLICKS_PER_CREATE}s`),
  },
  thresholds: {
    checks: answered(),
    'http_req_duration{name:redirect}': ['p(95)<25', 'p(99)<100'],
    'http_req_duration{name:create}': ['p(95)<100', 'p(99)<500'],
    dropped_iterations: kept(clicks),
  },
};

export function create() {
  const link = createLink(newTarget('mixed'));
  if (link) followLink(link);
}
