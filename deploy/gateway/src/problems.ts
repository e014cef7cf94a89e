import { errorPage, methodsOf, type Route, STILL_PAGE_POLICY } from '@lakh/http';
import { isBatch, publicRoutes } from './routes.js';

interface Problem {
  /** nginx's own statuses; 494 is too large a header. */
  readonly on: readonly number[];
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The largest body that a route takes, and that one of many links does. */
export const BODY_MAX_KIB = largestKib(publicRoutes.filter((route) => !isBatch(route)));
export const BATCH_MAX_KIB = largestKib(publicRoutes.filter(isBatch));

function largestKib(routes: readonly Route[]): number {
  return Math.ceil(Math.max(...routes.map(({ body }) => body?.maxBytes ?? 0)) / 1024);
}

const AWAY = '$away';

/** Where a request goes that may be sent again and was answered by nobody; once. */
export const AGAIN = '@again';

/** What nginx itself answers, in the shape that the services use (RFC 9457). */
const PROBLEMS: readonly Problem[] = [
  {
    // 501 and 505 are nginx's for an unknown transfer encoding and HTTP version: the client's mistakes.
    on: [400, 501, 505],
    status: 400,
    code: 'bad_request',
    title: 'Bad Request',
    detail: 'The request is not one that HTTP/1.1 allows here.',
  },
  { on: [404], status: 404, code: 'not_found', title: 'Not Found', detail: 'There is nothing at this address.' },
  {
    on: [405],
    status: 405,
    code: 'method_not_allowed',
    title: 'Method Not Allowed',
    detail: 'The method is not one that this address takes.',
    headers: { Allow: methodsOf(publicRoutes).join(', ') },
  },
  {
    on: [408],
    status: 408,
    code: 'request_timeout',
    title: 'Request Timeout',
    detail: 'The request took too long to arrive.',
  },
  {
    on: [413],
    status: 413,
    code: 'payload_too_large',
    title: 'Content Too Large',
    detail: `A body may have ${BODY_MAX_KIB} KiB at most, one of many links ${BATCH_MAX_KIB}.`,
  },
  { on: [414], status: 414, code: 'uri_too_long', title: 'URI Too Long', detail: 'The address is too long.' },
  {
    on: [421],
    status: 421,
    code: 'misdirected_request',
    title: 'Misdirected Request',
    detail: 'The request names two hosts.',
  },
  {
    on: [494],
    status: 431,
    code: 'headers_too_large',
    title: 'Request Header Fields Too Large',
    detail: 'The header fields are too large.',
  },
  {
    on: [429],
    status: 429,
    code: 'rate_limited',
    title: 'Too Many Requests',
    detail: 'Too many requests; try again in a second.',
    headers: { 'Retry-After': '1' },
  },
  {
    on: [500],
    status: 500,
    code: 'internal',
    title: 'Internal Server Error',
    detail: 'The gateway could not handle the request.',
  },
  {
    on: [503],
    status: 503,
    code: 'unavailable',
    title: 'Service Unavailable',
    // A variable: who only looked is told nothing of changes.
    detail: AWAY,
    headers: { 'Retry-After': '1' },
  },
];

/** What the pages below depend on: the form that who asks wants, and what was asked for. */
export const PROBLEM_MAPS = () => `  map "$route $http_accept" $problem_form {
    default               '';
    '~^(?!api ).*\\btext/html\\b' .html;
  }
  map $verb ${AWAY} {
    default      'No server could answer in time; a change that was asked for may have been made.';
    ~^(GET|HEAD)$ 'No server could answer in time.';
  }
  map "$again $request_method" $unanswered {
    # It is asked for twice.
    volatile;
    default                ${pathOf(503)}$problem_form;
    '~^ (GET|HEAD|DELETE)$' ${AGAIN};
  }`;

/** For each of nginx's own answers its locations, as problem details and as a page for browsers. */
export function problemPages(): string {
  const pages = PROBLEMS.map((problem) => {
    const { on, status, code, title, detail } = problem;
    const json = JSON.stringify({ type: 'about:blank', title, status, code, detail });
    return `    error_page ${on.join(' ')} =${status} ${pathOf(status)}$problem_form;
${location(problem, '', 'application/problem+json', json)}
${location(problem, '.html', 'text/html; charset utf-8', errorPage(problem))}`;
  });
  return ['    error_page 502 504 = $unanswered;', ...pages].join('\n');
}

const pathOf = (status: number): string => `/-/gateway/${status}`;

/** A named location would be refused for a request that has no parsable path (500), so these are addresses, internal ones. */
function location({ status, headers = {} }: Problem, suffix: string, type: string, body: string): string {
  if (body.includes("'") || body.replace(AWAY, '').includes('$'))
    throw new RangeError(`cannot be quoted for nginx: ${body}`);
  const all = {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(suffix === '' ? {} : { 'Content-Security-Policy': STILL_PAGE_POLICY }),
    ...headers,
  };
  return `    location = ${pathOf(status)}${suffix} {
      internal;
      default_type ${type};
      add_header X-Request-Id $request_id always;
${Object.entries(all)
  .map(([name, value]) => `      add_header ${name} "${value}" always;\n`)
  .join('')}      return ${status} '${body}';
    }`;
}
