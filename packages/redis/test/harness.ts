import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@lakh/id-range';
import { type ChangeLog, type CopyKeeper, createCopyKeeper, type StoredLink } from '@lakh/links';
import { freePorts, type LocalServer, launch, redisPlan } from '@lakh/local';
import type { MemoryLinkStore } from '@lakh/testkit';
import { until } from '@lakh/testkit';
import {
  COPY_SLOTS,
  Masters,
  type MastersOptions,
  parseRedisUrl,
  RedisLinkCopy,
  type RedisLinkCopyOptions,
} from '../src/index.js';

export const SEAL_KEY = new Uint8Array(32).fill(7);

export interface RunningRedis {
  readonly server: LocalServer;
  readonly url: string;
  dispose(): Promise<void>;
}

/** A Redis of its own in a folder of its own. */
export async function startRedis(args: readonly string[] = []): Promise<RunningRedis> {
  const dir = mkdtempSync(join(tmpdir(), 'lakh-redis-'));
  const [port] = await freePorts(1);
  const server = await launch(redisPlan({ name: 'redis', dir, port: port!, args }));
  return {
    server,
    url: `redis://127.0.0.1:${port}`,
    async dispose() {
      await server.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

export interface TestCopy {
  readonly copy: RedisLinkCopy;
  readonly masters: Masters;
  /** Outcomes of reads. */
  readonly reads: Map<string, number>;
  close(): Promise<void>;
}

/** A copy over connections of its own. Patient: what deadlines do is for those tests to see that set one. */
export function openCopy(
  url: string,
  { deadlineMs = 5_000, ...options }: Partial<RedisLinkCopyOptions> & Pick<MastersOptions, 'deadlineMs' | 'log'> = {},
): TestCopy {
  const reads = new Map<string, number>();
  const target = parseRedisUrl(url);
  const masters = new Masters({ target, bound: COPY_SLOTS, deadlineMs, log: options.log });
  const copy = new RedisLinkCopy({
    masters,
    isCluster: target.kind === 'cluster',
    ttlS: 3_600,
    sealKey: () => SEAL_KEY,
    onRead: (outcome) => reads.set(outcome, (reads.get(outcome) ?? 0) + 1),
    ...options,
  });
  return { copy, masters, reads, close: () => masters.close() };
}

export async function openWhole(...[url, options]: Parameters<typeof openCopy>): Promise<TestCopy> {
  const opened = openCopy(url, options);
  await until(() => opened.masters.isWhole, 'every bucket has a master');
  return opened;
}

export interface TestServer extends TestCopy {
  readonly keeper: CopyKeeper;
  readonly rounds: Map<string, number>;
  /** What may be served of a code now. */
  served(code: string): Promise<StoredLink | undefined>;
}

/** A server's side of a copy: keeps it, and reads it. */
export async function startServer(
  url: string,
  store: MemoryLinkStore,
  { validForMs, log = store.log, ...options }: { validForMs: number; log?: ChangeLog } & Parameters<typeof openCopy>[1],
): Promise<TestServer> {
  const opened = await openWhole(url, options);
  const rounds = new Map<string, number>();
  const keeper = createCopyKeeper({
    copy: opened.copy,
    log,
    clock: systemClock,
    random: Math.random,
    newNonce: () => randomBytes(8).toString('hex'),
    validForMs,
    observer: { round: (outcome) => rounds.set(outcome, (rounds.get(outcome) ?? 0) + 1) },
  });
  const stop = keeper.start();
  return {
    ...opened,
    keeper,
    rounds,
    async served(code) {
      const found = await keeper.cache.get(0, code);
      return found && performance.now() < found.validUntilMs ? found.link : undefined;
    },
    async close() {
      await stop();
      await opened.close();
    },
  };
}
