/** Creates at a constant rate, each with a new URL. RATE (a second), DURATION, VUS (at most). */
import { answered, arrivals, createLink, integerParameter, kept, newTarget, parameter, seconds } from './lakh.js';

export { handleSummary } from './lakh.js';

const rate = integerParameter('RATE', 100);
const duration = parameter('DURATION', '30s');

export const options = {
  scenarios: { creates: arrivals(rate, '1s', duration, integerParameter('VUS', 100), 'create') },
  thresholds: {
    checks: answered(),
    'http_req_duration{name:create}': ['p(95)<100', 'p(99)<500'],
    dropped_iterations: kept(rate * seconds(duration)),
  },
};

export function create() {
  createLink(newTarget('shorten'));
}
