import { isIP } from 'node:net';
import { FLAG, parseOptions, TEXT, UsageError, wholeNumber } from '@lakh/local';

const SCENARIOS = ['smoke', 'redirect', 'shorten', 'mixed'] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface LoadtestOptions {
  readonly scenario: Scenario;
  /** Without it, a standalone server is started for the run. */
  readonly url: string | undefined;
  readonly tokenFile: string | undefined;
  /** What k6 sees as its environment: RATE, DURATION, VUS, LINKS, where given. */
  readonly parameters: Readonly<Record<string, string>>;
  /** An upper bound of the load itself, without what goes before and after. */
  readonly loadSeconds: number;
  readonly require: boolean;
  readonly json: boolean;
}

const DEFAULT_SECONDS: Readonly<Record<Scenario, number>> = { smoke: 5, redirect: 30, shorten: 30, mixed: 30 };
const MAX_SECONDS = 3600;
const MAX = { rate: 100_000, vus: 10_000, links: 100_000 } as const;

export const LOADTEST_HELP = `usage: npm run loadtest -- SCENARIO [OPTION …]

Runs a k6 scenario against a running Lakh, or against a standalone server that it starts and ends itself.

scenarios (their objectives are thresholds in loadtest/k6/SCENARIO.js):
  smoke      lives of links: create, read, follow, delete, gone          10 a second for 5 s
  redirect   clicks at a constant rate                                   500 a second for 30 s
  shorten    creates at a constant rate                                  100 a second for 30 s
  mixed      1,000 clicks for every create                               1,000 clicks a second for 30 s

options:
  --url URL          where Lakh answers, such as http://127.0.0.1:8080; API and codes behind one address
  --allow-remote     lets URL be something else than this machine's loopback
  --token-file FILE  API token in a file (the only content)
  --rate N           arrivals a second, at most ${MAX.rate}
  --duration T       such as 30s, 2m; at most 1h
  --vus N            virtual users at most, at most ${MAX.vus}
  --links N          links made beforehand for redirect and mixed (1000), at most ${MAX.links}
  --require          a missing k6 is a failure
  --json             the summary as JSON
  --help             this text

Links made by a run expire within the hour. Uses LAKH_K6, else k6 of the PATH, else builds k6 once where Go is installed.

exit: 0 every threshold met, 99 a threshold crossed, 77 skipped because k6 is missing, 2 wrong arguments, 1 anything else
`;

/** The options of a command line, or `help`. Throws {@link UsageError}. */
export function parseLoadtest(args: readonly string[]): LoadtestOptions | 'help' {
  const { values, positionals } = parseOptions(args, {
    url: TEXT,
    'allow-remote': FLAG,
    'token-file': TEXT,
    rate: TEXT,
    duration: TEXT,
    vus: TEXT,
    links: TEXT,
    require: FLAG,
    json: FLAG,
    help: FLAG,
  });
  if (values.help) return 'help';
  const [name, ...rest] = positionals;
  const scenario = SCENARIOS.find((known) => known === name);
  if (scenario === undefined || rest.length > 0) throw new UsageError(`name one scenario: ${SCENARIOS.join(', ')}`);
  if (values.url !== undefined) checkUrl(values.url, values['allow-remote']);
  const loadSeconds = values.duration === undefined ? DEFAULT_SECONDS[scenario] : durationSeconds(values.duration);
  const parameters: Record<string, string> = {};
  for (const key of ['rate', 'vus', 'links'] as const) {
    const text = values[key];
    if (text !== undefined) parameters[key.toUpperCase()] = String(wholeNumber(`--${key}`, text, 1, MAX[key]));
  }
  if (values.duration !== undefined) parameters.DURATION = values.duration;
  return {
    scenario,
    url: values.url?.replace(/\/+$/, ''),
    tokenFile: values['token-file'],
    parameters,
    loadSeconds,
    require: values.require,
    json: values.json,
  };
}

/** Loopback only, unless told: load is not to hit a machine by a slip of the keyboard. */
export function checkUrl(text: string, allowRemote: boolean): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search !== '') {
    throw new UsageError(`--url ${text}: must be http://host:port, without a path`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // WHATWG parsing has made every spelling of an IPv4 address four decimal numbers by now.
  const loopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (!loopback && !allowRemote) {
    throw new UsageError(`--url ${text} is not on this machine's loopback; --allow-remote if that is meant`);
  }
}

function durationSeconds(text: string): number {
  const [, amount, unit] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  const seconds = Number(amount) * { s: 1, m: 60, h: 3600 }[(unit ?? 's') as 's' | 'm' | 'h'];
  if (!(seconds >= 1 && seconds <= MAX_SECONDS)) {
    throw new UsageError(`--duration ${text}: must be a whole number and s, m or h, from 1s to 1h`);
  }
  return seconds;
}
