/** Changes as messages: a server that announces one to the cache tells every subscriber, whose own caches then end what they have. */
import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@lakh/base';
import { type ChangeFeed, type ChangeListener, type Invalidation, isPossibleCode } from '@lakh/links';
import type { HostPort } from '@lakh/settings';
import { createNodeClient, type NodeClient } from './client.js';
import type { RedisLog } from './masters.js';
import type { RedisTarget } from './url.js';

/** Under what a user of Redis who may not have every channel is given: `&lakh:*`. */
export const CHANGES_CHANNEL = 'lakh:changes';

const MESSAGE = /^(\d{1,10})\|([\w-]{1,64})\|([1-9]\d{0,15})$/;
const AGAIN_FIRST_MS = 50;
const AGAIN_MOST_MS = 1_000;

export function encodeChange({ domainId, code, version }: Invalidation): string {
  return `${domainId}|${code}|${version}`;
}

/** Whoever reaches Redis can send messages: what is none of ours is undefined. */
export function decodeChange(message: string): Invalidation | undefined {
  const [, domainId, code = '', version] = MESSAGE.exec(message) ?? [];
  return isPossibleCode(code) ? { domainId: Number(domainId), code, version: Number(version) } : undefined;
}

export interface RedisChangeFeedOptions {
  readonly target: RedisTarget;
  readonly log?: RedisLog;
  /** For metrics: whether changes are heard now. */
  readonly hearing?: (isHearing: boolean) => void;
}

/**
 * Listens on a connection of its own, as Redis has it, and comes back to whichever node answers. A master passes messages on to its replicas,
 * and a node of a Cluster to all others, so that any of them will do.
 */
export function createRedisChangeFeed(options: RedisChangeFeedOptions): ChangeFeed {
  return {
    follow(listener) {
      const stopping = new AbortController();
      const ended = listen({ ...options, listener, signal: stopping.signal });
      return () => {
        stopping.abort();
        return ended;
      };
    },
  };
}

interface Listening extends RedisChangeFeedOptions {
  readonly listener: ChangeListener;
  readonly signal: AbortSignal;
}

async function listen(options: Listening): Promise<void> {
  const { signal, log, hearing } = options;
  hearing?.(false);
  const againMs = backoff({ firstMs: AGAIN_FIRST_MS, capMs: AGAIN_MOST_MS, random: Math.random });
  let inVain = 0;
  for (let turn = 0; !signal.aborted; turn += 1) {
    const wasHearing = await hear(options, turn).catch((error: unknown) => {
      if (inVain === 0 && !signal.aborted) {
        log?.warn({ err: error }, 'changes are not heard: what is cached here ends by its age alone');
      }
      return false;
    });
    inVain = wasHearing ? 0 : inVain + 1;
    // Rejects when it is told to stop, which the loop asks anyway.
    await sleep(againMs(Math.max(1, inVain)), undefined, { signal, ref: false }).catch(() => {});
  }
}

/** Resolves with true when what was heard has ended. Rejects when nothing could be. */
async function hear({ target, listener, signal, log, hearing }: Listening, turn: number): Promise<boolean> {
  const node = await nodeOf(target, turn);
  // What was told to stop meanwhile tells it no second time.
  if (signal.aborted) return false;
  const client = createNodeClient(target, node);
  let end: (error?: unknown) => void = () => {};
  const lost = new Promise<unknown>((resolve) => {
    end = resolve;
  });
  const stop = () => end();
  client.onLost(end);
  signal.addEventListener('abort', stop);
  try {
    await Promise.race([
      connect(client, listener),
      lost.then((error) => Promise.reject(error ?? new Error('stopped'))),
    ]);
    // Only now: what is dropped after the subscription is read again, and what changes from here on is heard.
    listener.missed();
    hearing?.(true);
    log?.info({}, 'changes are heard');
    const error = await lost;
    if (!signal.aborted) log?.warn({ err: error }, 'changes are not heard: what is cached here ends by its age alone');
    return true;
  } finally {
    signal.removeEventListener('abort', stop);
    hearing?.(false);
    client.close();
  }
}

async function connect(client: NodeClient, listener: ChangeListener): Promise<void> {
  await client.connect();
  await client.subscribe(CHANGES_CHANNEL, (message) => {
    const change = decodeChange(message);
    if (change !== undefined) listener.changed(change);
  });
}

/** Another one each turn, so that one that is away is passed over. */
async function nodeOf(target: RedisTarget, turn: number): Promise<HostPort> {
  if (target.kind === 'single') return target.node;
  const node = target.nodes[turn % target.nodes.length] as HostPort;
  if (target.kind === 'cluster') return node;
  const sentinel = createNodeClient(undefined, node);
  sentinel.onLost(() => {});
  try {
    await sentinel.connect();
    return await sentinel.masterOf(target.name);
  } finally {
    sentinel.close();
  }
}
