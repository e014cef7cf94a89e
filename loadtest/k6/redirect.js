/** Clicks at a constant rate, spread over LINKS links made beforehand. RATE (a second), DURATION, VUS (at most), LINKS. */
import { answered, arrivals, kept, load } from './lakh.js';

export { click, handleSummary, setup } from './lakh.js';

const clicks = load(500);

export const options = {
  scenarios: { clicks: arrivals(clicks, 'click') },
  thresholds: {
    checks: answered(),
    'http_req_duration{name:redirect}': ['p(95)<25', 'p(99)<100'],
    dropped_iterations: kept(clicks),
  },
};
