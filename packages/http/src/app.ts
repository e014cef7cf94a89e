/** Faces, composed: what a listener serves beyond its server's own refusals. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express, type Request, type Response, Router } from 'express';
import { answerError } from './answer-error.js';
import { answerPreflight, isPreflight } from './cross-origin.js';
import { MethodNotAllowedError, NotFoundError } from './errors.js';
import { CLIENT_GONE, type HttpMetrics } from './http-metrics.js';
import type { RequestHandler } from './http-server.js';
import { createBodyReader } from './request-body.js';
import { allowedAt, isOfRest, type Route, type Routes, speakerFinder } from './route-table.js';
import type { WireLane } from './wire/wire-lane.js';

export type RouteRequest = Request<Record<string, string>>;
export type RouteResponse = Response;

/** `body` reads the body by the route's rule, and refuses what does not fit it. */
export type RouteHandler = (
  request: RouteRequest,
  response: RouteResponse,
  body: () => Promise<unknown>,
) => void | Promise<void>;

/** Answers in the same tick. True: it has ended the response; false: it has not touched it. */
export type FastLane = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Undefined: it has touched nothing. */
export type PlainLane = (request: IncomingMessage, response: ServerResponse) => Promise<void> | undefined;

/** Routes, and what answers them. */
export interface Face<R extends Routes = Routes> {
  readonly routes: R;
  readonly handlers: Readonly<Record<keyof R, RouteHandler>>;
  /** Set before a handler answers. Errors have the security headers anyway. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Asked about every request at or under the path that the routes have in common; throws to refuse it. */
  readonly guard?: (request: IncomingMessage) => void;
  /** Measured exceptions, which answer and count what they recognise before anything else sees it. */
  readonly lanes?: { readonly wire?: WireLane; readonly fast?: FastLane; readonly plain?: PlainLane };
}

export interface AppOptions {
  /** The order decides nothing but who is asked first, and that paths of no area count as the last one's. At most one has a fast lane, and one a wire lane. */
  readonly faces: readonly Face[];
  readonly metrics: HttpMetrics<string>;
  /** Told of every error that became a 5xx. */
  readonly onError: (error: unknown, request: IncomingMessage) => void;
}

export interface App {
  readonly handler: RequestHandler;
  readonly fastLane: FastLane;
  readonly wireLane: WireLane | undefined;
}

export function createApp({ faces, metrics, onError }: AppOptions): App {
  const speakerOf = speakerFinder(faces.flatMap(({ routes }) => Object.values(routes)));
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.set('case sensitive routing', true);
  app.set('strict routing', true);

  app.use((request: Request, response: Response, next: () => void) => {
    const startedMs = performance.now();
    const { label } = speakerOf(request.path);
    let isSent = false;
    response.once('finish', () => {
      // Node calls an answer finished that it gave up with its connection.
      isSent = !request.socket.destroyed;
    });
    response.once('close', () => {
      const status = isSent ? response.statusCode : CLIENT_GONE;
      metrics.observe(label, status, (performance.now() - startedMs) / 1000);
    });
    if (isPreflight(request, response)) answerPreflight(response);
    else next();
  });
  for (const face of faces) mount(app, face, speakerOf);
  app.use(() => {
    throw new NotFoundError('There is nothing here.');
  });
  app.use((error: unknown, request: Request, response: Response, _next: () => void) => {
    answerError(speakerOf(request.path).errors, request, response, error, onError);
  });

  const plain = faces.flatMap(({ lanes }) => lanes?.plain ?? []);
  return {
    handler(request, response) {
      for (const lane of plain) {
        const answered = lane(request, response);
        if (answered !== undefined) return answered;
      }
      return app(request, response);
    },
    fastLane:
      onlyOne(
        'fast',
        faces.flatMap(({ lanes }) => lanes?.fast ?? []),
      ) ?? (() => false),
    wireLane: onlyOne(
      'wire',
      faces.flatMap(({ lanes }) => lanes?.wire ?? []),
    ),
  };
}

function onlyOne<Lane>(name: string, lanes: readonly Lane[]): Lane | undefined {
  if (lanes.length > 1) throw new Error(`two faces with a ${name} lane`);
  return lanes[0];
}

function mount(
  app: Express,
  { routes, handlers, headers = {}, guard }: Face,
  speakerOf: (path: string) => Route,
): void {
  const rows = Object.values(routes);
  if (guard) {
    // A verb behind a colon is not under the path before it, to the router.
    const verbs = rows.filter(({ path }) => isVerb(path)).map(({ path }) => patternOf(path));
    const base = commonPath(rows);
    const judge = (request: Request, _response: Response, next: () => void) => {
      guard(request);
      next();
    };
    // In a list "/" is that path alone.
    if (base === '') app.use(judge);
    else app.use([base, ...verbs], judge);
  }
  // Not below the common path: there the path itself and the one with a slash at its end are the same.
  const router = Router({ caseSensitive: true, strict: true });
  for (const path of new Set(rows.map((row) => row.path))) {
    const here = router.route(patternOf(path));
    if (rows.some((row) => row.path === path && isOfRest(row))) {
      here.all((request: Request, _response: Response, next: (to?: 'route') => void) =>
        isOfRest(speakerOf(request.path)) ? next() : next('route'),
      );
    }
    for (const [name, row] of Object.entries(routes)) {
      if (row.path !== path) continue;
      const handle = handlers[name] as RouteHandler;
      const read = row.body ? createBodyReader(row.body) : async () => undefined;
      here[methodOf(row)]((request: RouteRequest, response: Response) => {
        response.set(headers);
        return handle(request, response, () => read(request, response));
      });
    }
    const allowed = allowedAt(rows, path);
    here.all(() => {
      throw new MethodNotAllowedError(allowed);
    });
  }
  app.use(router);
}

const VERB = /(?<!\/):/;

const isVerb = (path: string) => VERB.test(path);

/** As the router reads it: a colon that begins no segment is a colon, and a plus is a plus. */
const patternOf = (path: string) => path.replace(VERB, '\\:').replaceAll('+', '\\+');

const methodOf = ({ method }: Route) => method.toLowerCase() as Lowercase<Route['method']>;

/** The longest path at or under which all routes are. */
function commonPath(rows: readonly Route[]): string {
  const [first = '', ...others] = rows.map(({ path }) => path.split(':', 1)[0]?.replace(/\/$/, '') as string);
  const isUnder = (base: string) => others.every((path) => path === base || path.startsWith(`${base}/`));
  const parts = first.split('/');
  for (let length = parts.length; length > 1; length -= 1) {
    const base = parts.slice(0, length).join('/');
    if (isUnder(base)) return base;
  }
  return '';
}
