/**
 * A node:http server that answers whatever arrives with something proper, bounded in time and number, and that can be
 * drained. An optional fast lane answers in the same tick and costs one call; the rest is counted while in flight.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CodedError } from '@lakh/base';
import { Admission, LOOK_MS, type TurnedAway } from './admission.js';
import { answerError } from './answer-error.js';
import { answerClientError, answerSilence, endWaiting, refuseConnect } from './client-errors.js';
import { createClients } from './clients.js';
import { Connections } from './connections.js';
import { createCrossOrigin } from './cross-origin.js';
import { drainServer } from './drain.js';
import { ExpectationFailedError, UriTooLongError } from './errors.js';
import { createRequestRule, type OwnNames, type RequestRule } from './own-requests.js';
import { Places } from './places.js';
import type { RequestHead } from './request-head.js';
import { isHttps, responsesOf } from './responses.js';
import { streamOf } from './streams.js';
import type { WireLane } from './wire/wire-lane.js';
import { WireServer, type WireServerOptions } from './wire/wire-server.js';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface HttpLimits {
  /** Requests of the handler that may be unfinished at once, those not counted that are still arriving; the next one gets 503. */
  readonly maxInFlight: number;
  readonly maxConnections: number;
  /** Of one client address; an eighth of all where it is not said. */
  readonly maxConnectionsPerClient?: number | undefined;
  /** Bytes of request line and headers together; more is 431 (414 when the line alone is too long). */
  readonly maxHeaderBytes: number;
  readonly maxUrlLength: number;
  readonly headersTimeoutMs: number;
  /** For the whole request, body included; not of a stream, which has to bring something every `stallTimeoutMs`. */
  readonly requestTimeoutMs: number;
  /** Longer than the gateway keeps its idle connections (nginx: 60 s), so that it is the gateway who closes them. */
  readonly keepAliveTimeoutMs: number;
  /** A client that takes nothing of its answer for this long (up to twice, as it is looked at in turns) is cut off. */
  readonly stallTimeoutMs: number;
}

const defaultHttpLimits: HttpLimits = Object.freeze({
  maxInFlight: 4096,
  maxConnections: 16_384,
  maxHeaderBytes: 16 * 1024,
  maxUrlLength: 8192,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  keepAliveTimeoutMs: 75_000,
  stallTimeoutMs: 60_000,
});

export interface HttpServerOptions {
  /** A rejection or a throw becomes problem details. */
  readonly handler: RequestHandler;
  /** Requests for other hosts are answered with 421, and changes that another site's page asks for with 403. */
  readonly own: OwnNames;
  /** Origins whose pages may use the API in a browser. */
  readonly crossOrigins?: readonly string[] | undefined;
  /** Asked before the handler. True: it has ended the response; false: it has not touched it. */
  readonly fastLane?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Answers plain requests ahead of node:http, which reads all others; without it node:http reads every request. */
  readonly wireLane?: WireLane | undefined;
  readonly limits?: Partial<HttpLimits>;
  /** CIDR blocks; their connections are limited by the clients that they name. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Told about every error of a handler that became a 5xx. */
  readonly onError?: (error: unknown, request: RequestHead) => void;
  /** Told the status of each answer that no handler has seen: clientError, CONNECT, 414, 503 and the like. */
  readonly onRefused?: (status: number) => void;
  /** Told of each connection that was closed because there are too many. */
  readonly onTurnedAway?: (why: TurnedAway) => void;
}

export interface HttpServer {
  readonly server: Server;
  /** Requests that a handler has not finished. */
  readonly inFlight: number;
  /** Serves a connection that somebody else has accepted, as if it had come by a listener. */
  take(socket: Socket): void;
  /**
   * Stops accepting, announces the end on every answer from then on, closes what has been idle for a while since, lets what is in flight
   * finish for `limitMs` in all, then cuts the rest.
   * @returns how many connections were cut
   */
  drain(limitMs: number): Promise<{ readonly cut: number }>;
}

/** How many clients it takes to fill a server with connections. */
const CLIENTS_AT_LEAST = 8;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const limits: HttpLimits = { ...defaultHttpLimits, ...options.limits };
  const { handler, fastLane, onRefused } = options;
  const connections = new Connections();
  const clients = createClients(options.trustedProxies);
  const places = new Places(limits.maxInFlight, connections, clients.ofRequest);
  const crossOrigin = createCrossOrigin(options.crossOrigins);
  const rule = createRequestRule(options.own, crossOrigin);
  const server = createNodeServer(limits, responsesOf(options.own));
  let isDraining = false;
  let isClosingIdle = false;

  const stallCheck = setInterval(() => connections.cutStalled(), limits.stallTimeoutMs).unref();
  server.once('close', () => clearInterval(stallCheck));
  const wire = createWire({ ...options, limits }, { server, connections, places, rule });
  admitConnections(server, connections, { ...options, limits, clientOf: clients.ofPeer, wire });

  function refuse(request: IncomingMessage, response: ServerResponse, error: CodedError): void {
    response.shouldKeepAlive = false;
    if (answerError('page', request, response, error)) onRefused?.(response.statusCode);
  }

  // An answer whose headers were out before the drain began keeps its connection open.
  function onClosed(): void {
    if (isClosingIdle) setImmediate(() => server.closeIdleConnections());
  }

  server.on('request', (request, response) => {
    if (isDraining) response.shouldKeepAlive = false;
    try {
      let refusal = rule.judge(request);
      crossOrigin?.tell(request, response);
      if (!refusal && fastLane?.(request, response)) return;
      refusal ??= tooLong(request, limits) ?? places.refusalOf(request);
      if (refusal) {
        refuse(request, response, refusal);
        return;
      }
      const result = handler(request, response);
      if (result) result.catch((error: unknown) => fail(options, error, request, response));
    } catch (error) {
      fail(options, error, request, response);
    }
    if (response.writableEnded) return;
    connections.track(response, onClosed);
    places.hold(request, (ending) => connections.onEnd(response, ending));
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    refuse(request, response, new ExpectationFailedError('Only "Expect: 100-continue" is understood.')),
  );
  refuseUnreadable(server, connections, onRefused);

  return {
    server,
    take: takerOf(server),
    drain(limitMs) {
      return drainServer(server, connections, limitMs, {
        onDraining() {
          isDraining = true;
          wire?.startDraining();
        },
        onClosingIdle() {
          isClosingIdle = true;
          wire?.closeIdle();
        },
      });
    },
    get inFlight() {
      return connections.inFlight;
    },
  };
}

function takerOf(server: Server): (socket: Socket) => void {
  let isBegun = false;
  return (socket) => {
    // Of this node:http makes what holds its connections to their time limits.
    if (!isBegun) server.emit('listening');
    isBegun = true;
    // As all have that a listener of node:http accepts.
    socket.allowHalfOpen = true;
    server.emit('connection', socket);
  };
}

function admitConnections(
  server: Server,
  connections: Connections,
  options: Pick<HttpServerOptions, 'onRefused' | 'onTurnedAway'> & {
    readonly limits: HttpLimits;
    readonly clientOf: (address: string | undefined) => string | undefined;
    readonly wire: WireServer | undefined;
  },
): void {
  const { limits, clientOf, wire, onRefused, onTurnedAway } = options;
  const { maxConnections, maxConnectionsPerClient = Math.ceil(maxConnections / CLIENTS_AT_LEAST) } = limits;
  const admission = new Admission({
    limits: { maxConnections, maxConnectionsPerClient },
    connections,
    clientOf,
    end(socket, arriving) {
      const status = endWaiting(socket, arriving);
      if (status !== undefined) onRefused?.(status);
    },
    onTurnedAway,
  });
  server.on('connection', (socket: Socket) => {
    if (!admission.admit(socket)) return;
    connections.add(socket);
    wire?.take(socket);
  });
  const look = setInterval(() => admission.look(), LOOK_MS).unref();
  server.once('close', () => clearInterval(look));
}

function createWire(
  { wireLane, limits, own, onError, onRefused }: HttpServerOptions & { readonly limits: HttpLimits },
  parts: Pick<WireServerOptions, 'server' | 'connections' | 'places'> & { readonly rule: RequestRule },
): WireServer | undefined {
  if (wireLane === undefined) return undefined;
  return new WireServer({
    ...parts,
    ...limits,
    lane: wireLane,
    isHttps: isHttps(own),
    isOwn: parts.rule.isOwnHost,
    onSilent(socket) {
      const status = answerSilence(socket);
      if (status !== undefined) onRefused?.(status);
    },
    onError: (error, request) => onError?.(error, request),
  });
}

/** What node:http makes no request of. */
function refuseUnreadable(
  server: Server,
  connections: Connections,
  onRefused: HttpServerOptions['onRefused'] = () => {},
): void {
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => onRefused(refuseConnect(socket)));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const answer = () => {
      const status = answerClientError(error, socket, connections.lastOn(socket));
      if (status !== undefined) onRefused(status);
    };
    if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') {
      // Once what was asked for before the bad bytes, in the same chunk, is answered that can be at once. Node runs what is due in the middle of a
      // chunk or after it, by whether its parser has taken over the socket's handle; the answers must not depend on that.
      setImmediate(answer);
      return;
    }
    const last = connections.lastOn(socket);
    // A stream has limits of its own. Others are told at once: a request that is whole a turn later would be answered as well.
    if (!last || !streamOf(last)) answer();
  });
}

function fail(
  { onError }: HttpServerOptions,
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  // The client left in the middle of its body: nobody to answer, and nothing wrong here.
  if (error === request.errored) return;
  answerError('page', request, response, error, onError);
}

function createNodeServer(limits: HttpLimits, responses: typeof ServerResponse): Server {
  const server = createServer({
    ServerResponse: responses,
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.max(50, Math.min(1000, limits.headersTimeoutMs / 2)),
    insecureHTTPParser: false,
    // Refused with problem details, not in the parser's own words.
    requireHostHeader: false,
  });
  server.maxRequestsPerSocket = 0;
  // Node leaves out in silence what comes after so many, and with it a second Host, an Origin, or what a proxy has added at the end. What
  // there may be of them `maxHeaderBytes` says.
  server.maxHeadersCount = 0;
  // Node's own timeout sets a timer of the socket for each request: 2 % of a redirect. Slow requests and idle connections have
  // their own limits above; what is left is a client that stops reading, and that can be looked for now and then.
  server.timeout = 0;
  return server;
}

function tooLong({ url = '' }: IncomingMessage, { maxUrlLength }: HttpLimits): UriTooLongError | undefined {
  if (url.length <= maxUrlLength) return undefined;
  return new UriTooLongError(`The request target is longer than ${maxUrlLength} characters.`);
}
