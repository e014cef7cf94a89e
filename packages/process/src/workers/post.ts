/** A worker's side: what it is told at its start, and what it tells its supervisor. */
import type { Socket } from 'node:net';
import type { SharedCounters } from '@lakh/http';
import type { HostPort, SettingList } from '@lakh/settings';
import type { Registry } from 'prom-client';
import type { Lifecycle } from '../lifecycle.js';
import type { ServerSettings } from '../program-context.js';
import type { Readiness } from '../readiness.js';
import { Channel, ChannelClosedError } from './channel.js';

/** A worker's only argument: whoever else starts a program with a channel means a process that nobody supervises. */
export const WORKER_ARGUMENT = '--worker-of-a-supervisor';

export interface Orders {
  readonly worker: number;
  /** Workers of this server, which share what limits it. */
  readonly of: number;
  readonly serverId: string;
  /** Port 0 is replaced. */
  readonly listen: HostPort;
}

export interface Post {
  readonly orders: Orders;
  readonly channel: Channel;
  /** What workers of this server have counted of rate limits. */
  readonly counters: SharedCounters;
  /** From now on the supervisor is told what it asks, and its word is obeyed; when it is gone, this process drains. */
  report(of: {
    readonly lifecycle: Lifecycle;
    readonly registry: Registry;
    readonly readiness: () => Promise<Readiness>;
  }): void;
  /** To be called once requests are served: from now on connections come, and go to `take` unless this process drains. */
  serve(take: (socket: Socket) => void, lifecycle: Pick<Lifecycle, 'state'>): void;
  /** To be called once the start is over. */
  serving(): void;
}

/** Undefined: this process is nobody's worker. */
export async function takePost(argv: readonly string[]): Promise<Post | undefined> {
  const isPosted = argv.length === 1 && argv[0] === WORKER_ARGUMENT && process.send !== undefined;
  if (!isPosted) return undefined;
  const channel = new Channel({
    send: (message, onFailed) =>
      void process.send?.(message, undefined, undefined, (error) => error && onFailed(error)),
    onMessage: (heard) => void process.on('message', (message, socket) => heard(message, socket as Socket | undefined)),
  });
  let onGone: () => void = () => process.exit(1);
  process.once('disconnect', () => {
    channel.close();
    onGone();
  });
  // Whoever answers is not frozen.
  channel.handle('alive', () => {});
  return {
    orders: await channel.ask<Orders>('orders'),
    channel,
    counters: {
      count: (limit, key, taken) =>
        channel.ask<Awaited<ReturnType<SharedCounters['count']>>>('count', { limit, key, taken }).catch(unlessGone),
    },
    report({ lifecycle, registry, readiness }) {
      onGone = () => void lifecycle.drain('the supervisor is gone');
      const figures = () => registry.getMetricsAsJSON();
      channel.handle('readiness', readiness);
      channel.handle('figures', figures);
      channel.handle('drain', () => void lifecycle.drain('the supervisor says so'));
      // Registered first, and so told last: what was counted until the end is in the server's sums.
      lifecycle.onStop('last figures', async () => {
        await channel.ask('last figures', await figures()).catch(unlessGone);
      });
    },
    serve: (take, lifecycle) => takeConnections(channel, take, () => lifecycle.state !== 'draining'),
    serving: () => void channel.ask('serving').catch(unlessGone),
  };
}

/** Connections that ended are told of together. */
const ENDED_AFTER_MS = 20;

function takeConnections(channel: Channel, take: (socket: Socket) => void, isTaking: () => boolean): void {
  let ended: number[] = [];
  const tell = () => {
    channel.ask('connections ended', ended).catch(unlessGone);
    ended = [];
  };
  channel.handle('connection', (connection: number, socket): boolean => {
    if (!socket) throw new Error('a connection did not arrive');
    if (!isTaking()) {
      socket.destroy();
      return false;
    }
    socket.once('close', () => {
      if (ended.length === 0) setTimeout(tell, ENDED_AFTER_MS).unref();
      ended.push(connection);
    });
    take(socket);
    return true;
  });
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof ChannelClosedError)) throw error;
  return undefined;
}

/** A worker's settings: its part of what limits the server, and what its supervisor has settled for all. */
export function settingsOfWorker<S extends ServerSettings>(
  list: SettingList,
  settings: S,
  { of, serverId, listen }: Orders,
): S {
  const parts = Object.entries(settings).map(([key, value]) => [
    key,
    list[key]?.isShared && typeof value === 'number' ? Math.ceil(value / of) : value,
  ]);
  return Object.freeze({ ...Object.fromEntries(parts), serverId, listen });
}
