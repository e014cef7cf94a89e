/**
 * The admin listener: liveness, readiness and metrics, on an address of its own that is not for the public. Ready means able
 * to serve; a lost dependency that can be done without for now, or that all servers wait for alike, is `degraded`, and still 200.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  allowedAt,
  createHttpServer,
  type HttpServer,
  MethodNotAllowedError,
  NotFoundError,
  type OwnNames,
  type Routes,
  securityHeaders,
} from '@lakh/http';
import type { Registry } from 'prom-client';
import type { LifecycleState } from './lifecycle.js';
import { createReadiness, exposeReadiness, type HealthCheck, isServing, type Readiness } from './readiness.js';

export interface AdminOptions {
  readonly own: OwnNames;
  readonly registry: Registry;
  readonly lifecycle: { readonly state: LifecycleState };
  /** By name. Better a look at what is known already than a question over the network. */
  readonly checks: Readonly<Record<string, HealthCheck>>;
  readonly checkDeadlineMs?: number;
  /** In place of what the checks say. */
  readonly readiness?: () => Promise<Readiness>;
  /** In place of what the registry has, in its format. */
  readonly metricsText?: () => Promise<string>;
  readonly onError?: (error: unknown) => void;
}

export interface AdminServer extends Omit<HttpServer, 'take'> {
  readiness(): Promise<Readiness>;
}

const common = {
  method: 'GET',
  service: 'any',
  role: 'admin',
  rate: 'none',
  errors: 'problem',
  label: 'admin',
} as const;

/** What every server's admin listener answers. */
export const adminRoutes = {
  getLiveness: { ...common, path: '/healthz/live' },
  getReadiness: { ...common, path: '/healthz/ready' },
  getMetrics: { ...common, path: '/metrics' },
} as const satisfies Routes;

export function createAdminServer(options: AdminOptions): AdminServer {
  const { own, registry, lifecycle, checks, onError } = options;
  const { readiness = createReadiness(lifecycle, checks, options.checkDeadlineMs) } = options;
  const { metricsText = () => registry.metrics() } = options;
  exposeReadiness(registry, readiness);

  async function handler(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const allowed = allowedAt(Object.values(adminRoutes), path);
    if (allowed.length === 0) {
      throw new NotFoundError('The admin listener has /healthz/live, /healthz/ready and /metrics.');
    }
    if (!allowed.includes(request.method ?? '')) throw new MethodNotAllowedError(allowed);
    if (path === adminRoutes.getMetrics.path) {
      send(request, response, 200, registry.contentType, await metricsText());
    } else if (path === adminRoutes.getLiveness.path) {
      send(request, response, 200, 'application/json', JSON.stringify({ status: 'live', state: lifecycle.state }));
    } else {
      const answer = await readiness();
      send(request, response, isServing(answer) ? 200 : 503, 'application/json', JSON.stringify(answer));
    }
  }

  const http = createHttpServer({
    handler,
    own,
    limits: { maxInFlight: 64, maxConnections: 256 },
    ...(onError ? { onError } : {}),
  });
  return {
    server: http.server,
    drain: http.drain,
    readiness,
    get inFlight() {
      return http.inFlight;
    },
  };
}

function send(request: IncomingMessage, response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    ...securityHeaders,
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
