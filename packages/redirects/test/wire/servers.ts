/** Redirect servers of one process that know the same links and one clock, so that they have the same to say. */
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import {
  createApp,
  createClientKeys,
  createHttpMetrics,
  createHttpServer,
  createRateLimits,
  createRyowReader,
  type HttpServer,
  type HttpServerOptions,
} from '@lakh/http';
import { type LinkStore, OwnHosts, StoreUnavailableError } from '@lakh/links';
import { MemoryLinkStore } from '@lakh/testkit';
import { Registry } from 'prom-client';
import { createRedirects, type Redirects } from '../../src/index.js';
import { TALKS_AT_ONCE } from './cases.js';
import { codeOf, LIMITED_CLIENT, NOW_MS, type Outcome } from './outcomes.js';
import { RYOW_KEY } from './requests.js';

export interface Served {
  readonly name: string;
  readonly port: number;
  readonly http: HttpServer;
  readonly redirects: Redirects;
  readonly registry: Registry;
  /** The server's end of each connection, by the client's port. */
  readonly sockets: ReadonlyMap<number, Socket>;
  /** Requests that node:http has read. */
  readonly readByNode: number;
  /** Look-ups that the store has not answered. */
  readonly reading: number;
  close(): Promise<void>;
}

/** A listener in front of a server, which answers some of what comes and hands over the rest. */
export type Front = (served: Served) => Server;

export interface ServeOptions {
  readonly name: string;
  /** The wire lane. */
  readonly lane: boolean;
  /** Beside what is the same for all. */
  readonly http?: Partial<HttpServerOptions>;
}

const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };

const L1_TTL_MS = 5_000;
const HELD: readonly Outcome[] = ['hit', 'perm', 'temp', 'keep', 'ends', 'gone', 'past'];

/**
 * Turns of the loop that a read takes. None is over within the turn in which it was asked for, as no database's is: whether the answer goes before
 * the refusal of bad bytes in the same chunk would be a matter of microtasks.
 */
const READ_TURNS = 2;
const SLOW_TURNS = 4;

const LINKS: Readonly<Partial<Record<Outcome, Readonly<Record<string, unknown>>>>> = {
  hit: {},
  perm: { redirectStatus: 301 },
  temp: { redirectStatus: 307 },
  keep: { redirectStatus: 308 },
  ends: { expiresAtMs: NOW_MS + 7_000 },
  miss: { longUrl: 'https://lakh.example/elsewhere' },
  slow: { longUrl: 'https://lakh.example/elsewhere' },
  gone: {},
  past: { expiresAtMs: NOW_MS - 1 },
  loop: { longUrl: 'http://x/loop' },
};

async function fill(store: MemoryLinkStore): Promise<void> {
  for (let talk = 0; talk < TALKS_AT_ONCE; talk += 1) {
    for (const [outcome, link] of Object.entries(LINKS)) {
      const code = codeOf(outcome as Outcome, talk);
      await store.insert({
        domainId: 0,
        code,
        kind: 'alias',
        counter: 0,
        longUrl: `https://example.com/${code}?a=b&c=%C3%A4#f`,
        createdAtMs: 0,
        expiresAtMs: null,
        redirectStatus: null,
        terms: null,
        owner: '',
        details: null,
        insertId: code.padStart(32, '0'),
        ...link,
      });
      if (outcome === 'gone') await store.remove(0, code);
    }
  }
}

async function createStore(reading: { count: number }): Promise<Pick<LinkStore, 'sight'>> {
  const store = new MemoryLinkStore(undefined, { clock });
  await fill(store);
  store.gate = async ({ code }) => {
    if (code.startsWith('down')) throw new StoreUnavailableError('away');
    if (code.startsWith('oops')) throw new Error('broken');
    for (let turns = code.startsWith('slow') ? SLOW_TURNS : READ_TURNS; turns > 0; turns -= 1) {
      await new Promise((next) => setImmediate(next));
    }
  };
  return {
    async sight(domainId, code, { fresh } = {}) {
      reading.count += 1;
      store.calls.length = 0;
      try {
        const found = await store.sight(domainId, code);
        if (!fresh || found?.link.state !== 'live') return found;
        // Who has just written sees what the others do not see yet; and it is nothing to keep.
        const link = { ...found.link, longUrl: `${found.link.longUrl}&fresh` };
        return { ...found, link, lagMs: L1_TTL_MS };
      } finally {
        reading.count -= 1;
      }
    },
  };
}

/** One client has had all it may have; no other is ever there twice. */
function createLimits(registry: Registry) {
  const keyOf = createClientKeys(['127.0.0.0/8']);
  let others = 0;
  const limits = createRateLimits({
    changesPerMin: 1,
    missesPerMin: 1,
    wrongTokensPerMin: 1,
    registry,
    nowMs: clock.monotonicMs,
    clientOf(request) {
      if (keyOf(request) === LIMITED_CLIENT) return LIMITED_CLIENT;
      others += 1;
      return String(others);
    },
  });
  const limited = { headers: { 'x-forwarded-for': LIMITED_CLIENT }, socket: { remoteAddress: '127.0.0.1' } };
  limits.lookUp(limited as never)(false);
  return limits;
}

/** L1 holds what it may before the first of them is asked for. */
async function warm(port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const codes = Array.from({ length: TALKS_AT_ONCE }, (_, talk) => HELD.map((outcome) => codeOf(outcome, talk))).flat();
  for (const code of codes) {
    const [response] = await once(get({ agent, port, path: `/${code}`, headers: { host: 'x' } }), 'response');
    await once(response.resume(), 'end');
  }
  agent.destroy();
}

/** Serves on a free port of loopback, which is called x there. */
export async function serve({ name, lane, http: given }: ServeOptions): Promise<Served> {
  const registry = new Registry();
  const metrics = createHttpMetrics(registry, ['redirect', 'refused']);
  const reading = { count: 0 };
  const onError = () => {};
  const redirects = createRedirects({
    domainId: 0,
    store: await createStore(reading),
    ownHosts: new OwnHosts(['https://lakh.example']),
    settings: { redirectStatus: 302, redirectMaxAgeS: 90, l1TtlMs: L1_TTL_MS, l1MaxBytes: 10_000_000 },
    clock,
    hasJustWritten: createRyowReader(() => RYOW_KEY),
    registry,
    metrics,
    limits: createLimits(registry),
    onError,
  });
  const { wireLane, ...app } = createApp({ faces: [redirects], metrics, onError });
  const http = createHttpServer({
    own: { hosts: ['x', 'lakh.example'] },
    ...app,
    wireLane: lane ? wireLane : undefined,
    trustedProxies: ['127.0.0.0/8'],
    onRefused: (status) => metrics.observe('refused', status, 0),
    onError,
    ...given,
    // Nothing ends for its age while the machine is busy.
    limits: { headersTimeoutMs: 600_000, requestTimeoutMs: 600_000, keepAliveTimeoutMs: 600_000, ...given?.limits },
  });
  let readByNode = 0;
  http.server.on('request', () => {
    readByNode += 1;
  });
  const { port, sockets } = await open(http.server);
  await warm(port);
  const before = readByNode;
  return {
    name,
    port,
    http,
    redirects,
    registry,
    sockets,
    get readByNode() {
      return readByNode - before;
    },
    get reading() {
      return reading.count;
    },
    async close() {
      await http.drain(100);
    },
  };
}

/** The same server by another door. */
export async function behind(served: Served, front: Front): Promise<Served> {
  const door = front(served);
  const opened = await open(door);
  return {
    ...served,
    ...opened,
    name: 'behind a door',
    async close() {
      for (const socket of opened.sockets.values()) socket.destroy();
      await new Promise((closed) => door.close(closed));
    },
  };
}

async function open(listener: Server): Promise<Pick<Served, 'port' | 'sockets'>> {
  const sockets = new Map<number, Socket>();
  listener.prependListener('connection', (socket: Socket) => {
    const { remotePort } = socket;
    if (remotePort === undefined) return;
    sockets.set(remotePort, socket);
    socket.once('close', () => {
      if (sockets.get(remotePort) === socket) sockets.delete(remotePort);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return { port: (listener.address() as AddressInfo).port, sockets };
}
