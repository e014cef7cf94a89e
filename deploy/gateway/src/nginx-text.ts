import { createHash } from 'node:crypto';
import { type Area, areasOf, STILL_PAGE_POLICY } from '@lakh/http';
import { redirectRoutes } from '@lakh/redirects';
import { formatAddress, type HostPort } from '@lakh/settings';
import { AGAIN, BATCH_MAX_KIB, BODY_MAX_KIB, PROBLEM_MAPS, problemPages } from './problems.js';
import { isBatch, publicRoutes, type Service } from './routes.js';

/** What the gateway's configuration depends on. Every path in it is relative to nginx's prefix, so no folder's name is ever parsed. */
export interface GatewayConfig {
  readonly listen: HostPort;
  /** Health and status, apart from the public listener. */
  readonly adminListen: HostPort;
  /** At least one of each service. */
  readonly servers: Readonly<Record<Service, readonly HostPort[]>>;
  /** Requests a second of one client address, with a second's worth of burst. */
  readonly ratePerS: number;
  /** Requests of one client that may be in progress; a quarter of them with a body, which may take its time. */
  readonly requestsPerClient: number;
  /** The account of the workers; needed when the master runs as root, refused by nginx otherwise. */
  readonly workerUser?: string;
}

/**
 * While a file of this name is in nginx's working directory, every answer ends its connection. A reload closes idle connections
 * under requests that are just being sent on them, so that clients have to be rid of theirs before it.
 */
export const CLOSING_FILE = 'closing';

/** How long it may take, where all tries were in vain, to find a server that answers at all, one that stands still among them. */
const AGAIN_TIMEOUT_S = 2;

const WORKERS = 2;
const CONNECTIONS_A_WORKER = 4096;

/** Of the gateway's connections, and of a client's requests, those that may be sending a body: what slow ones can take away. */
const WITH_BODY = 1 / 4;

/** How long a server may take to answer; a create may have to wait for a range and for its row. */
const READ_TIMEOUT_S: Readonly<Record<Service, number>> = { shorten: 10, redirect: 5 };

/** A batch has many rows, and may have to wait for each alias among them. */
const BATCH_READ_TIMEOUT_S = 60;
/** Bodies of many links, which lie on disk until they are whole; of one client an eighth. */
const BATCHES = 64;
const BATCH_PATHS = publicRoutes.filter(isBatch).map(({ path }) => path);

/** Of the routes; the rest, with the empty path, is codes. */
const AREAS = areasOf(publicRoutes);
const SERVICES = [...new Set(publicRoutes.map(({ service }) => service))];

/** Names this configuration; the admin listener answers it, so that a reload can be awaited. */
export function generationOf(config: GatewayConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 16);
}

/** The text of the gateway's configuration file. Throws a RangeError for a value that may not stand in one. */
export function renderGatewayConfig(config: GatewayConfig): string {
  const { servers, ratePerS, requestsPerClient, workerUser } = config;
  for (const number of [ratePerS, requestsPerClient]) {
    if (!(Number.isSafeInteger(number) && number >= 1)) throw new RangeError(`not a limit: ${number}`);
  }
  if (workerUser !== undefined && !/^[a-z_][a-z0-9_-]*( [a-z_][a-z0-9_-]*)?$/.test(workerUser)) {
    throw new RangeError(`not a user (and group): ${JSON.stringify(workerUser)}`);
  }
  return `# Made from the table of routes; changes are lost.
${workerUser === undefined ? '' : `user ${workerUser};\n`}daemon off;
worker_processes ${WORKERS};
worker_rlimit_nofile 16384;
# In-flight requests finish after a reload or a quit, idle connections do not hold an old worker.
worker_shutdown_timeout 5s;
pid gateway.pid;
# Lines below crit quote requests, query strings included.
error_log gateway.log crit;

events {
  worker_connections ${CONNECTIONS_A_WORKER};
}

http {
  server_tokens off;
${LOGGING}
${limits(config)}
${maps(config)}
${SERVICES.map((service) => upstream(service, servers[service])).join('\n')}
${PROXYING}
${publicServer(config)}

${adminServer(config)}
}
`;
}

const LOGGING = `  # No path, no query string: neither codes nor what callers append to them are kept.
  log_format gateway '$time_iso8601 $request_id $remote_addr $verb $route $status $body_bytes_sent '
                     '$request_time $upstream_addr $upstream_status $upstream_response_time';
  access_log gateway.log gateway buffer=32k flush=1s;
`;

function limits({ ratePerS }: GatewayConfig): string {
  return `  client_body_temp_path tmp/body;
  proxy_temp_path tmp/proxy;
  fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi;
  scgi_temp_path tmp/scgi;

  # A little over the services' own limit, so that it is they who judge the bodies near it.
  client_max_body_size ${BODY_MAX_KIB + 1}k;
  # A whole body stays in memory, but for one of many links, and arrives whole before a server is bothered with it.
  client_body_buffer_size 32k;
  client_header_timeout 5s;
  # Between two reads, not in all: what bounds bodies that trickle is how many of them there may be.
  client_body_timeout 5s;
  # What is left of a refused body is read for so long, so that its sender reads why.
  lingering_time 2s;
  lingering_timeout 1s;
  send_timeout 10s;
  keepalive_timeout 30s;
  keepalive_requests 10000;
  reset_timedout_connection on;
  large_client_header_buffers 4 16k;
  # What is no header's name would be left out in silence, though a hop before this one may have read it; the servers refuse it.
  ignore_invalid_headers off;
  merge_slashes off;
  # Of all requests; what changes and misses may cost is the servers' to say, who know which are.
  limit_req_zone $client zone=clients:1m rate=${ratePerS}r/s;
  limit_req_status 429;
${clients()}
`;
}

/** Whose requests are counted, and which of them have a body. */
const clients = () => `  # Of IPv6 the network: who has one address of it has all.
  map $binary_remote_addr $client {
    default                       $binary_remote_addr;
    "~(?s)^(?<network>.{8}).{8}$" $network;
  }
  map "$http_content_length$http_transfer_encoding" $body {
    ''      '';
    0       '';
    default body;
  }
  map $body $body_client {
    ''      '';
    default $client;
  }
  # As it was read, and so as the location is found, in whatever spelling it came.
  map $uri $batch {
${[...BATCH_PATHS, closingPath('shorten', true)].map((path) => `    ${path} batch;`).join('\n')}
    default '';
  }
  map $batch $batch_client {
    ''      '';
    default $client;
  }
  # nginx sends no more of a body once its answer has begun.
  map $batch $prefer {
    ''      $http_prefer;
    default answer-after-body;
  }
  limit_conn_zone $client zone=requests:1m;
  limit_conn_zone $body_client zone=bodies_of_client:1m;
  limit_conn_zone $body zone=bodies:32k;
  limit_conn_zone $batch zone=batches:32k;
  limit_conn_zone $batch_client zone=batches_of_client:1m;
  limit_conn_status 429;`;

function maps({ listen, adminListen }: GatewayConfig): string {
  const adminHost = addressText(adminListen).replace(/:\d+$/, '').replace(/[.[]/g, '\\$&');
  const logged = AREAS.filter(({ path }) => path !== '').map(loggedAs);
  return `  # HTTP/1.0 clients may send none, and Node's HTTP/1.1 requires one.
  map $http_host $forwarded_host {
    ''      ${addressText(listen)};
    default $http_host;
  }
  # An absolute target has a host of its own, which overrules the header; the servers are told of the header's alone.
  map "$http_host $request" $misdirected {
    '~*^(\\S*) \\S+ [a-z][a-z0-9+.-]*://\\1[/?# ]' '';
    '~*^\\S* \\S+ [a-z][a-z0-9+.-]*://'           misdirected;
    default                                      '';
  }
  map $http_host $is_admin_host {
    ''                                                             yes;
    ~*^(localhost|127[.]0[.]0[.]1|\\[::1]|${adminHost})(:[0-9]+)?$ yes;
    default                                                        '';
  }
  # Of what the client sent: an error page changes the request's own method and address.
  map $request $verb {
    ~^(?<sent>[A-Z]+)[^A-Z] $sent;
    default                 -;
  }
  map $request_uri $route {
    '' -;
${logged.join('\n')}
    default code;
  }
${PROBLEM_MAPS()}
`;
}

const PROXYING = `  proxy_http_version 1.1;
  proxy_set_header Connection '';
  proxy_set_header Host $forwarded_host;
  proxy_set_header X-Request-Id $request_id;
  # Replaced, not appended to: this is the edge, and what a client says about itself is not evidence.
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header Forwarded '';
  proxy_set_header Prefer $prefer;
  proxy_hide_header X-Request-Id;
  # By default nginx would rewrite a target that starts with an upstream's name.
  proxy_redirect off;
  proxy_buffer_size 16k;
  proxy_buffers 4 16k;
  proxy_max_temp_file_size 0;
  proxy_connect_timeout 500ms;
  proxy_send_timeout 5s;
  # A POST goes to another server only when it was not sent to the first ("non_idempotent" is not given), so its 503 is passed on:
  # something may have been made.
  proxy_next_upstream error timeout http_503;
  proxy_next_upstream_tries 3;
  proxy_next_upstream_timeout 10s;
`;

function publicServer({ listen, ratePerS, requestsPerClient }: GatewayConfig): string {
  return `  server {
    listen ${addressText(listen)} default_server backlog=4096;
    server_name _;
    limit_req zone=clients burst=${ratePerS} nodelay;
    limit_conn requests ${requestsPerClient};
    limit_conn bodies_of_client ${Math.ceil(requestsPerClient * WITH_BODY)};
    limit_conn bodies ${WORKERS * CONNECTIONS_A_WORKER * WITH_BODY};
    limit_conn batches ${BATCHES};
    limit_conn batches_of_client ${BATCHES / 8};
    add_header X-Request-Id $request_id always;
    recursive_error_pages on;
    set $again '';

${AREAS.map(locations).join('\n')}
${BATCH_PATHS.map((path) => proxied(`= ${path}`, 'shorten', true)).join('\n')}
${SERVICES.map((service) => closing(service, false)).join('\n')}
${closing('shorten', true)}
${again()}

${problemPages()}
  }`;
}

/** For loopback's names and its own address: the page of a name that was pointed here reads nothing. */
function adminServer(config: GatewayConfig): string {
  return `  server {
    listen ${addressText(config.adminListen)};
    server_name _;
    access_log off;
    default_type text/plain;
    add_header Cache-Control no-store always;
    add_header X-Content-Type-Options nosniff always;
    add_header Content-Security-Policy "${STILL_PAGE_POLICY}" always;
    if ($is_admin_host = '') { return 421 "This server does not answer for that host.\\n"; }
    location = /healthz/live { return 200 "ok\\n"; }
    location = /healthz/ready { return 200 "ready\\n"; }
    location = /generation { return 200 "${generationOf(config)}"; }
    location = /status { stub_status; }
    location / { return 404 "not found\\n"; }
  }`;
}

function addressText({ host, port }: HostPort): string {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`not a port: ${port}`);
  if (!/^[0-9A-Za-z.:-]+$/.test(host)) throw new RangeError(`not a host: ${JSON.stringify(host)}`);
  return formatAddress({ host, port });
}

/** An area's line in the map from what was asked to what is logged of it. */
function loggedAs({ path, route }: Area): string {
  const pattern = path.replaceAll('.', '[.]');
  return `    ~^${isPrefix(path) ? pattern : `${pattern}([?]|$)`} ${route.label};`;
}

const isPrefix = (path: string) => path.length > 1 && path.endsWith('/');

function upstream(name: Service, addresses: readonly HostPort[]): string {
  if (addresses.length === 0) throw new RangeError(`the gateway needs at least one ${name} server`);
  const servers = addresses.map((address) => `    server ${addressText(address)} max_fails=2 fail_timeout=2s;`);
  // Once each: nobody chooses among them who is asked next, and three tries must reach the one that is there.
  const again = addresses.map((address) => `    server ${addressText(address)} backup max_fails=0;`);
  return `  upstream ${name} {
    zone ${name} 256k;
    least_conn;
${servers.join('\n')}
${addresses.length === 1 ? '' : `    # Those that were taken out are asked before nobody is: one may be back, or have what another has not.\n${again.join('\n')}\n`}    keepalive 64;
    # Far below the 1.5 s for which a server that stops answers what comes on idle connections: it must never close one just when a
    # POST is sent on it.
    keepalive_timeout 500ms;
  }
`;
}

function locations({ path, route }: Area): string {
  const service = route.service as Service;
  if (path === '') return proxied('/', service);
  if (!isPrefix(path)) return proxied(`= ${path}`, service);
  return `${proxied(path, service)}
    # A first segment alone is a code; left to the prefix above, nginx would add the slash by a redirect.
${proxied(`= ${path.slice(0, -1)}`, redirectRoutes.followLink.service)}`;
}

function proxied(location: string, service: Service, isOfBatches = false): string {
  return `    location ${location} {
      set $service ${service};
      # HTTP/0.9, whose answers are bodies alone.
      if ($server_protocol !~ ^HTTP/1) { return 444; }
      if ($misdirected) { return 421; }
      # Where chunks end readers disagree; what comes after them is no request.
      if ($http_transfer_encoding) { rewrite ^ ${closingPath(service, isOfBatches)} last; }
      if (-f ${CLOSING_FILE}) { rewrite ^ ${closingPath(service, isOfBatches)} last; }
${bounds(service, isOfBatches)}
      proxy_pass http://${service};
    }`;
}

/** What {@link proxied} does, on a connection that ends with the answer; `$request_uri` is what the client sent. */
function closing(service: Service, isOfBatches: boolean): string {
  return `    location = ${closingPath(service, isOfBatches)} {
      internal;
      keepalive_timeout 0;
${bounds(service, isOfBatches)}
      proxy_pass http://${service}$request_uri;
    }`;
}

/** The last server that was asked may have been away where others refuse, with reasons. Whatever one of them says is the answer then. */
function again(): string {
  return `    location ${AGAIN} {
      set $again yes;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 0;
      proxy_next_upstream_timeout ${AGAIN_TIMEOUT_S}s;
      proxy_read_timeout ${AGAIN_TIMEOUT_S}s;
      proxy_pass http://$service$request_uri;
    }`;
}

function bounds(service: Service, isOfBatches: boolean): string {
  if (!isOfBatches) return `      proxy_read_timeout ${READ_TIMEOUT_S[service]}s;`;
  return `      client_max_body_size ${BATCH_MAX_KIB + 1}k;
      proxy_read_timeout ${BATCH_READ_TIMEOUT_S}s;`;
}

function closingPath(service: Service, isOfBatches: boolean): string {
  return `/-/gateway/closing/${service}${isOfBatches ? '/batch' : ''}`;
}
