import { createHash } from 'node:crypto';

/** What the gateway's configuration depends on. Every path in it is relative to nginx's prefix, so no folder's name is ever parsed. */
export interface GatewayConfig {
  readonly port: number;
  /** Health and status, apart from the public listener. */
  readonly adminPort: number;
  /** Ports on 127.0.0.1; at least one each. */
  readonly shortenPorts: readonly number[];
  readonly redirectPorts: readonly number[];
  /** Requests a second of one client address, with a second's worth of burst. */
  readonly ratePerS: number;
  /** The account of the workers; needed when the master runs as root, refused by nginx otherwise. */
  readonly workerUser?: string;
}

/**
 * While a file of this name is in nginx's working directory, every answer ends its connection. A reload closes idle connections
 * under requests that are just being sent on them, so that clients have to be rid of theirs before it.
 */
export const CLOSING_FILE = 'closing';

/** How long a server may take to answer; a create may have to wait for a range and for its row. */
const READ_TIMEOUT_S: Readonly<Record<Service, number>> = { shorten: 10, redirect: 5 };

type Service = 'shorten' | 'redirect';

/** A little over the services' own limit of 16 KiB, so that it is they who judge the bodies near it. */
const MAX_BODY = '17k';

/** What nginx itself answers, in the shape that the services use (RFC 9457). `on`: nginx's own statuses, 494 for too large a header. */
const PROBLEMS = [
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
    headers: { Allow: 'GET, HEAD, POST, DELETE' },
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
    detail: 'A body may have 16 KiB at most.',
  },
  { on: [414], status: 414, code: 'uri_too_long', title: 'URI Too Long', detail: 'The address is too long.' },
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
    detail: 'Too many requests from this address; try again in a second.',
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
    on: [502, 503, 504],
    status: 503,
    code: 'unavailable',
    title: 'Service Unavailable',
    detail: 'No server could answer in time; a change that was asked for may have been made.',
    headers: { 'Retry-After': '1' },
  },
] as const satisfies readonly {
  on: readonly number[];
  status: number;
  code: string;
  title: string;
  detail: string;
  headers?: Readonly<Record<string, string>>;
}[];

/** Names this configuration; the admin listener answers it, so that a reload can be awaited. */
export function generationOf(config: GatewayConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 16);
}

/** The text of the gateway's configuration file. Throws a RangeError for a value that may not stand in one. */
export function renderGatewayConfig(config: GatewayConfig): string {
  const { port, adminPort, shortenPorts, redirectPorts, ratePerS, workerUser } = config;
  if (!(Number.isSafeInteger(ratePerS) && ratePerS >= 1)) {
    throw new RangeError(`not a rate: ${ratePerS}`);
  }
  if (workerUser !== undefined && !/^[a-z_][a-z0-9_-]*( [a-z_][a-z0-9_-]*)?$/.test(workerUser)) {
    throw new RangeError(`not a user (and group): ${JSON.stringify(workerUser)}`);
  }
  return `# Written by the stack; changes are lost.
${workerUser === undefined ? '' : `user ${workerUser};\n`}daemon off;
worker_processes 2;
worker_rlimit_nofile 16384;
# In-flight requests finish after a reload or a quit, idle connections do not hold an old worker.
worker_shutdown_timeout 5s;
pid gateway.pid;
# Lines below crit quote requests, query strings included.
error_log gateway.log crit;

events {
  worker_connections 4096;
}

http {
  server_tokens off;
  # No path, no query string: neither codes nor what callers append to them are kept.
  log_format gateway '$time_iso8601 $request_id $remote_addr $verb $route $status $body_bytes_sent '
                     '$request_time $upstream_addr $upstream_status $upstream_response_time';
  access_log gateway.log gateway buffer=32k flush=1s;

  client_body_temp_path tmp/body;
  proxy_temp_path tmp/proxy;
  fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi;
  scgi_temp_path tmp/scgi;

  client_max_body_size ${MAX_BODY};
  # A whole body stays in memory, and arrives whole before a server is bothered with it.
  client_body_buffer_size 32k;
  client_header_timeout 5s;
  client_body_timeout 10s;
  send_timeout 10s;
  keepalive_timeout 30s;
  keepalive_requests 10000;
  reset_timedout_connection on;
  large_client_header_buffers 4 16k;
  merge_slashes off;
  limit_req_zone $binary_remote_addr zone=clients:1m rate=${ratePerS}r/s;
  limit_req_status 429;

  # HTTP/1.0 clients may send none, and Node's HTTP/1.1 requires one.
  map $http_host $forwarded_host {
    ''      127.0.0.1:${portText(port)};
    default $http_host;
  }
  # Of what the client sent: an error page changes the request's own method and address.
  map $request $verb {
    ~^(?<sent>[A-Z]+)[^A-Z] $sent;
    default                 -;
  }
  map $request_uri $route {
    ''        -;
    ~^/([?]|$) page;
    ~^/-/     page;
    ~^/api/   api;
    default   code;
  }

${upstream('shorten', shortenPorts)}
${upstream('redirect', redirectPorts)}
  proxy_http_version 1.1;
  proxy_set_header Connection '';
  proxy_set_header Host $forwarded_host;
  proxy_set_header X-Request-Id $request_id;
  # Replaced, not appended to: this is the edge, and what a client says about itself is not evidence.
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header Forwarded '';
  proxy_hide_header X-Request-Id;
  # By default nginx would rewrite a target that starts with an upstream's name.
  proxy_redirect off;
  proxy_buffer_size 16k;
  proxy_buffers 4 16k;
  proxy_max_temp_file_size 0;
  proxy_connect_timeout 500ms;
  proxy_send_timeout 5s;
  # A POST goes to another server only when it was not sent to the first ("non_idempotent" is not given).
  proxy_next_upstream error timeout;
  proxy_next_upstream_tries 3;
  proxy_next_upstream_timeout 10s;

  server {
    listen 127.0.0.1:${portText(port)} default_server backlog=4096;
    server_name _;
    limit_req zone=clients burst=${ratePerS} nodelay;
    add_header X-Request-Id $request_id always;

${proxied('= /', 'shorten')}
${proxied('/api/', 'shorten')}
${proxied('/-/', 'shorten')}
    # These two are codes; left to the prefixes above, nginx would add the slash by a redirect.
${proxied('= /api', 'redirect')}
${proxied('= /-', 'redirect')}
${proxied('/', 'redirect')}
${closing('shorten')}
${closing('redirect')}

${PROBLEMS.map(problemPage).join('\n')}
  }

  server {
    listen 127.0.0.1:${portText(adminPort)};
    server_name _;
    access_log off;
    default_type text/plain;
    location = /healthz/live { return 200 "ok\\n"; }
    location = /healthz/ready { return 200 "ready\\n"; }
    location = /generation { return 200 "${generationOf(config)}"; }
    location = /status { stub_status; }
    location / { return 404 "not found\\n"; }
  }
}
`;
}

function portText(port: number): string {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`not a port: ${port}`);
  return String(port);
}

function upstream(name: Service, ports: readonly number[]): string {
  if (ports.length === 0) throw new RangeError(`the gateway needs at least one ${name} server`);
  const servers = ports.map((port) => `    server 127.0.0.1:${portText(port)} max_fails=2 fail_timeout=2s;`);
  return `  upstream ${name} {
    zone ${name} 64k;
    least_conn;
${servers.join('\n')}
    keepalive 64;
    # Below Node's 5 s, so that it is never the server that closes a connection just when a POST is sent on it.
    keepalive_timeout 4s;
  }
`;
}

function proxied(location: string, service: Service): string {
  return `    location ${location} {
      if (-f ${CLOSING_FILE}) { rewrite ^ ${closingPath(service)} last; }
      proxy_read_timeout ${READ_TIMEOUT_S[service]}s;
      proxy_pass http://${service};
    }`;
}

/** What {@link proxied} does, on a connection that ends with the answer; `$request_uri` is what the client sent. */
function closing(service: Service): string {
  return `    location = ${closingPath(service)} {
      internal;
      keepalive_timeout 0;
      proxy_read_timeout ${READ_TIMEOUT_S[service]}s;
      proxy_pass http://${service}$request_uri;
    }`;
}

function closingPath(service: Service): string {
  return `/-/gateway/closing/${service}`;
}

/**
 * A named location would be refused for a request that has no parsable path (500), so these are addresses, internal ones.
 */
function problemPage(problem: (typeof PROBLEMS)[number]): string {
  const { on, status, code, title, detail } = problem;
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail });
  if (body.includes("'") || body.includes('$')) throw new RangeError(`cannot be quoted for nginx: ${body}`);
  const headers = Object.entries('headers' in problem ? problem.headers : {});
  const path = `/-/gateway/${status}`;
  return `    error_page ${on.join(' ')} =${status} ${path};
    location = ${path} {
      internal;
      default_type application/problem+json;
      add_header X-Request-Id $request_id always;
      add_header Cache-Control no-store always;
      add_header X-Content-Type-Options nosniff always;
${headers.map(([name, value]) => `      add_header ${name} '${value}' always;\n`).join('')}      return ${status} '${body}';
    }`;
}
