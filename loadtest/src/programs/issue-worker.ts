/**
 * Issues counters and makes their codes as fast as one process can, from ranges of one lakh. Arguments: where ranges come from
 * (`witnesses` or `memory`), ZooKeeper, mysql URL, how many a second at most (0: no limit), and how many ranges it holds at most. As a
 * server, it waits when none is left.
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { RangeAllocator, type RangeSource, systemClock } from '@lakh/id-range';
import { openShards, parseShards } from '@lakh/links-mysql';
import { base62 } from '@lakh/short-code';
import type { Sample } from '../bench/figures.js';
import { serveTasks, type WorkerTask } from '../bench/worker.js';
import { openSession, rangesFromMemory, witnessLeases } from './witness-client.js';

const RANGE_SIZE = 100_000;
/** LAKH_RUNWAY_S by default. */
const RUNWAY_MS = 600_000;
const CHUNK = 50_000;
const KEPT = 1024;
/** Between two chunks of a limited rate. */
const PACE_MS = 5;

const [origin, address, mysqlUrl, mostPerS, maxHeld] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const mostPerMs = Number(mostPerS) / 1000;
const codec = base62();
const kept: string[] = new Array(KEPT).fill('');

async function openSource(): Promise<RangeSource> {
  if (origin === 'memory') return rangesFromMemory(RANGE_SIZE);
  if (origin !== 'witnesses') throw new Error(`no such origin of ranges: ${origin}`);
  const shards = openShards(parseShards(mysqlUrl));
  return witnessLeases(await openSession(address), shards.first, `issue-worker-${process.pid}`).source;
}

async function openAllocator(): Promise<RangeAllocator> {
  const allocator = new RangeAllocator({
    source: await openSource(),
    clock: systemClock,
    random: Math.random,
    rangeSize: RANGE_SIZE,
    maxHeld: Number(maxHeld),
    runwayMs: RUNWAY_MS,
  });
  allocator.start();
  return allocator;
}

const opened = openAllocator();

async function measure({ seconds }: WorkerTask): Promise<Sample> {
  const allocator = await opened;
  // Of a process that has just started, the first lease is not what is measured.
  while (allocator.snapshot().heldIds === 0) await turn();
  const started = performance.now();
  const end = started + seconds * 1000;
  let ids = 0;
  let waitedMs = 0;
  for (let now = started; now < end; now = performance.now()) {
    const due = mostPerMs === 0 ? CHUNK : Math.min(CHUNK, Math.floor((now - started) * mostPerMs) - ids);
    const held = allocator.snapshot().heldIds;
    const chunk = Math.min(due, held);
    for (let i = 0; i < chunk; i += 1) kept[i & (KEPT - 1)] = codec.encode(allocator.next());
    ids += chunk;
    if (chunk < due || due === CHUNK) await turn();
    else await sleep(PACE_MS);
    if (held === 0) waitedMs += performance.now() - now;
  }
  const tookMs = performance.now() - started;
  return { value: (ids / tookMs) * 1000, facts: { ids, waited: waitedMs / tookMs } };
}

serveTasks(measure, async () => {
  (await opened).stop();
});
