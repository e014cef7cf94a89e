/**
 * What the scenarios share. Parameters come from the environment: BASE_URL (required), TOKEN, RATE (a second), DURATION (such as
 * 30s), VUS, LINKS, SUMMARY_FILE. Links made here expire within the hour.
 */
import { check, fail } from 'k6';
import http from 'k6/http';

export const baseUrl = required('BASE_URL').replace(/\/+$/, '');

function parameter(name, otherwise) {
  return __ENV[name] || String(otherwise);
}

function integerParameter(name, otherwise) {
  const text = parameter(name, otherwise);
  if (!/^[1-9][0-9]*$/.test(text)) throw new Error(`${name}=${text}: must be a whole number above 0`);
  return Number(text);
}

function required(name) {
  if (!__ENV[name]) throw new Error(`${name} is not set: run this through "npm run loadtest", or set it`);
  return __ENV[name];
}

/** RATE, DURATION and VUS, or else the scenario's own. */
export function load(rate, duration = '30s', vus = 100) {
  return {
    rate: integerParameter('RATE', rate),
    duration: parameter('DURATION', duration),
    maxVus: integerParameter('VUS', vus),
  };
}

/** A constant rate of arrivals, whatever the answers take: a slow server meets a queue, as it would in life. */
export function arrivals({ rate, duration, maxVus }, exec, timeUnit = '1s') {
  return {
    executor: 'constant-arrival-rate',
    rate,
    timeUnit,
    duration,
    preAllocatedVUs: Math.min(maxVus, Math.max(1, Math.ceil(maxVus / 4))),
    maxVUs: maxVus,
    exec,
    gracefulStop: '10s',
  };
}

const LIFETIME_MS = 3_600_000;
const HEADERS = { 'Content-Type': 'application/json' };
if (__ENV.TOKEN) HEADERS.Authorization = `Bearer ${__ENV.TOKEN}`;

/** A target that no other iteration uses. */
export function newTarget(purpose) {
  return `https://example.org/${purpose}/${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
}

export function createRequest(longUrl, tags) {
  const body = JSON.stringify({ long_url: longUrl, expires_at: new Date(Date.now() + LIFETIME_MS).toISOString() });
  return {
    method: 'POST',
    url: `${baseUrl}/api/v1/urls`,
    body,
    params: { headers: HEADERS, tags: { name: 'create', ...tags } },
  };
}

/** Creates a link and checks the answer against the contract; the link, or undefined. */
export function createLink(longUrl, tags) {
  const { url, body, params } = createRequest(longUrl, tags);
  const response = http.post(url, body, params);
  const ok = check(response, {
    'create answers 201 with the link': (r) => r.status === 201 && r.json('long_url') === longUrl,
  });
  return ok ? response.json() : undefined;
}

/** Follows a code and checks that it leads to its URL. Only paths go to BASE_URL: the public address may be another. */
export function followLink(link, tags) {
  const response = http.get(`${baseUrl}/${link.code}`, { redirects: 0, tags: { name: 'redirect', ...tags } });
  return check(response, {
    'redirect leads to its URL': (r) => [301, 302, 307, 308].includes(r.status) && r.headers.Location === link.long_url,
  });
}

export function getLink(code, tags) {
  return http.get(`${baseUrl}/api/v1/urls/${code}`, { headers: HEADERS, tags: { name: 'get', ...tags } });
}

export function deleteLink(code, tags) {
  return http.del(`${baseUrl}/api/v1/urls/${code}`, null, { headers: HEADERS, tags: { name: 'delete', ...tags } });
}

/** Of a scenario that clicks: makes LINKS links before the load begins; what it takes counts towards no threshold. */
export function setup() {
  const count = integerParameter('LINKS', 1000);
  const links = [];
  const batchSize = 20;
  while (links.length < count) {
    const requests = Array.from({ length: Math.min(batchSize, count - links.length) }, () =>
      createRequest(newTarget('loadtest'), { name: 'setup' }),
    );
    for (const response of http.batch(requests)) {
      if (response.status !== 201) fail(`a create answered ${response.status}: ${response.body}`);
      const { code, long_url } = response.json();
      links.push({ code, long_url });
    }
  }
  return links;
}

export function click(links) {
  followLink(links[Math.floor(Math.random() * links.length)]);
}

/**
 * The objectives of the service, as thresholds. `answered`: 99.9 % of the checks hold. `kept`: the generator kept its rate, else
 * the run says nothing about the rate that was asked for.
 */
export function answered() {
  return ['rate>=0.999'];
}

export function kept({ rate, duration }) {
  return [`count<=${Math.max(1, Math.floor(rate * seconds(duration) * 0.01))}`];
}

/** `30s`, `2m`, `500ms` … in seconds. */
function seconds(duration) {
  const match = /^([0-9]+)(ms|s|m|h)$/.exec(duration);
  if (!match) throw new Error(`DURATION=${duration}: must be a whole number and ms, s, m or h`);
  return Number(match[1]) * { ms: 0.001, s: 1, m: 60, h: 3600 }[match[2]];
}

/** For the runner: the whole summary as JSON in SUMMARY_FILE. Without one, on stdout. */
export function handleSummary(data) {
  const json = JSON.stringify(data);
  return __ENV.SUMMARY_FILE ? { [__ENV.SUMMARY_FILE]: json } : { stdout: `${json}\n` };
}
