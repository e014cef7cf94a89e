/** One life of a link after another: create, read, follow, delete, gone. Every check must hold. RATE (lives a second), DURATION, VUS (at most). */
import { check } from 'k6';
import http from 'k6/http';
import {
  arrivals,
  baseUrl,
  createLink,
  createRequest,
  deleteLink,
  followLink,
  getLink,
  load,
  newTarget,
} from './lakh.js';

export { handleSummary } from './lakh.js';

export const options = {
  scenarios: { smoke: arrivals(load(10, '5s', 20), 'live') },
  thresholds: {
    checks: ['rate==1'],
    'http_req_duration{name:create}': ['p(95)<500'],
    'http_req_duration{name:redirect}': ['p(95)<250'],
    iterations: ['count>0'],
  },
};

export function live() {
  const link = createLink(newTarget('smoke'));
  if (!link) return;
  followLink(link);
  const read = getLink(link.code);
  check(read, { 'read answers 200 with the link': (r) => r.status === 200 && r.json('long_url') === link.long_url });
  check(deleteLink(link.code), { 'delete answers 204': (r) => r.status === 204 });
  check(getLink(link.code), { 'a deleted link is gone': (r) => r.status === 410 });

  const unknown = http.get(`${baseUrl}/no/such-page`, { redirects: 0, tags: { name: 'unknown' } });
  check(unknown, { 'an unknown path answers 404': (r) => r.status === 404 });
  const { url, body, params } = createRequest('javascript:alert(1)', { name: 'refused' });
  check(http.post(url, body, params), { 'a URL that is not http(s) answers 422': (r) => r.status === 422 });
}
