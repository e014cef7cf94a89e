import { request as startRequest } from 'node:http';
import {
  createApp,
  createClientKeys,
  createHttpMetrics,
  createHttpServer,
  createRateLimits,
  type HttpLimits,
  type HttpServer,
  listen,
  PasswordKeeper,
  type ProblemBody,
} from '@lakh/http';
import { anonymous, createEditor, createRemover, createRestorer, OwnHosts } from '@lakh/links';
import { countedShortener, MemoryLinkStore, MemoryReservationStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createApi, digest, type Identify } from '../src/index.js';

/** For how long deleted links of an {@link ApiServer} can be restored. */
export const RESTORE_MS = 30 * 24 * 60 * 60 * 1000;

export interface Item {
  readonly index?: number;
  readonly line?: number;
  readonly status: number;
  readonly code?: string;
  readonly link?: { readonly code: string; readonly long_url: string };
  readonly etag?: string;
  readonly replayed?: boolean;
  readonly problem?: ProblemBody;
}

export interface Batch {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly succeeded: number;
    readonly failed: number;
    readonly results: readonly Item[];
  } & ProblemBody;
}

/** The API over a store in memory, behind a real listener. */
export class ApiServer {
  readonly store = new MemoryLinkStore();
  readonly reservations = new MemoryReservationStore();
  readonly errors: unknown[] = [];
  readonly registry = new Registry();
  nowMs = Date.UTC(2026, 10, 26);
  port = 0;
  http!: HttpServer;

  async start({
    perMin = 1e9,
    missesPerMin = 1e9,
    identify = () => anonymous(['create', 'read', 'edit', 'delete']),
    limits = {},
    restoreMs = RESTORE_MS,
    anonymousOwns = true,
  }: {
    perMin?: number;
    missesPerMin?: number;
    identify?: Identify;
    limits?: Partial<HttpLimits>;
    restoreMs?: number;
    anonymousOwns?: boolean;
  } = {}): Promise<this> {
    const { store, registry } = this;
    const metrics = createHttpMetrics(registry, ['api']);
    const clock = { nowMs: () => this.nowMs };
    const policy = { ownHosts: new OwnHosts(['http://lakh.example']) };
    const passwords = new PasswordKeeper({ atOnce: 1, queuedMax: 100 });
    const onError = (error: unknown) => void this.errors.push(error);
    const api = createApi({
      domainId: 0,
      store,
      shortener: countedShortener({
        store,
        clock,
        policy,
        passwords,
        idempotency: { digest, reservations: this.reservations },
        grace: { restoreMs, anonymousOwns },
      }),
      editor: createEditor({ store, clock, policy, digest, passwords }),
      remover: createRemover({ store, grace: { clock, restoreMs } }),
      restorer: createRestorer({ store, clock, restoreMs }),
      clock,
      ryowCookie: () => 'x=y',
      publicUrl: 'http://lakh.example',
      identify,
      limits: createRateLimits({
        changesPerMin: perMin,
        missesPerMin,
        wrongTokensPerMin: 60,
        clientOf: createClientKeys(['127.0.0.1/32']),
        registry,
      }),
      metrics,
      onError,
    });
    this.http = createHttpServer({ own: {}, limits, ...createApp({ faces: [api], metrics, onError }) });
    ({ port: this.port } = await listen(this.http, { host: '127.0.0.1', port: 0 }));
    return this;
  }

  async send(verb: string, body: unknown, headers: Record<string, string> = {}): Promise<Batch> {
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v1/urls:${verb}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  create(links: readonly unknown[], headers: Record<string, string> = {}): Promise<Batch> {
    return this.send('batch', { links }, headers);
  }

  /** Sends lines, whole, and resolves with those of the answer. */
  async lines(text: string, headers: Record<string, string> = {}, verb = 'batch'): Promise<readonly Line[]> {
    const request = startRequest({
      ...{ port: this.port, host: '127.0.0.1', method: 'POST', path: `/api/v1/urls:${verb}` },
      headers: { 'content-type': 'application/x-ndjson', ...headers },
    });
    const answer = new Promise<string>((resolve, reject) => {
      request.once('error', reject);
      request.once('response', async (response) => {
        let got = '';
        for await (const piece of response.setEncoding('utf8')) got += piece;
        resolve(got);
      });
    });
    request.end(text);
    return linesOf(await answer);
  }
}

export interface Line extends Item {
  readonly done?: boolean;
  readonly lines?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly retry_after_s?: number;
}

export function linesOf(text: string): readonly Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

export const url = (path: unknown) => ({ long_url: `https://example.com/${path}` });
