/** Creates at a constant rate, each with a new URL. RATE (a second), DURATION, VUS (at most). */
import { answered, arrivals, createLink, kept, load, newTarget } from './lakh.js';

export { handleSummary } from './lakh.js';

const creates = load(100);

export const options = {
  scenarios: { creates: arrivals(creates, 'create') },
  thresholds: {
    checks: answered(),
    'http_req_duration{name:create}': ['p(95)<100', 'p(99)<500'],
    dropped_iterations: kept(creates),
  },
};

export function create() {
  createLink(newTarget('shorten'));
}
