/** A worker's side: what it is told at its start, and what it tells its supervisor. */
import cluster from 'node:cluster';
import type { SharedCounters } from '@lakh/http';
import type { HostPort, SettingList } from '@lakh/settings';
import type { Registry } from 'prom-client';
import type { Lifecycle } from '../lifecycle.js';
import type { ServerSettings } from '../program-context.js';
import type { Readiness } from '../readiness.js';
import { Channel, ChannelClosedError } from './channel.js';

/** A worker's only argument: whoever else runs a program under node:cluster means a process that nobody supervises. */
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
  /** To be called once requests are served. */
  serving(): void;
}

/** Undefined: this process is nobody's worker. */
export async function takePost(argv: readonly string[]): Promise<Post | undefined> {
  const worker = argv.length === 1 && argv[0] === WORKER_ARGUMENT ? cluster.worker : undefined;
  if (!worker) return undefined;
  // Otherwise node:cluster ends a process whose supervisor has died, in the middle of its answers.
  worker.exitedAfterDisconnect = true;
  const channel = new Channel({
    send: (message, onFailed) => void worker.send(message as object, (error) => error && onFailed(error)),
    onMessage: (heard) => void worker.on('message', heard),
  });
  let onGone: () => void = () => process.exit(1);
  worker.once('disconnect', () => {
    channel.close();
    onGone();
  });
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
    serving: () => void channel.ask('serving').catch(unlessGone),
  };
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
