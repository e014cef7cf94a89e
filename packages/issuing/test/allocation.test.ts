import { PassThrough } from 'node:stream';
import { AllocatorSealedError, type Ledger, type MarkStore } from '@lakh/id-range';
import { createLogger, createMetrics } from '@lakh/process';
import { base62 } from '@lakh/short-code';
import { MemoryLedger, MemoryMarkNode } from '@lakh/testkit';
import { createAllocation } from '../src/allocation.js';

const SIZE = 1000;

let node: MemoryMarkNode;
let ledger: MemoryLedger;
const stops: (() => void)[] = [];

beforeEach(() => {
  node = new MemoryMarkNode();
  ledger = new MemoryLedger();
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A server's allocation over the witnesses of this test. */
function open(
  serverId: string,
  options: {
    readonly marks?: Partial<MarkStore>;
    readonly ledger?: Partial<Ledger>;
    readonly drainTimeoutMs?: number;
  } = {},
) {
  const metrics = createMetrics({ program: 'test', version: '0' });
  stops.push(metrics.stop);
  const stream = new PassThrough();
  const allocation = createAllocation({
    marks: { ...node.client(), ...options.marks },
    ledger: { ...ledger.client(), ...options.ledger },
    remainders: node.remainders(),
    codec: base62(),
    settings: { rangeSize: SIZE, runwayS: 1, rangesMaxHeld: 4, drainTimeoutMs: options.drainTimeoutMs ?? 10_000 },
    serverId,
    newClusterId: () => 'cluster-1',
    log: createLogger({ program: 'test', serverId, level: 'info', stream }),
    registry: metrics.registry,
  });
  const metric = async (name: string): Promise<number> => {
    const found = new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(await metrics.registry.metrics());
    return found ? Number(found[1]) : 0;
  };
  return { allocation, metric, log: () => String(stream.read() ?? '') };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('a stop gives back what is left; the next server takes it and leases nothing', async () => {
  const first = open('server-1');
  first.allocation.start();
  await until(() => first.allocation.snapshot().heldIds === 2 * SIZE);
  first.allocation.codes.next();
  await first.allocation.stop();
  expect(node.released).toEqual(['100001-101000', '101000-102000']);
  expect(await first.metric('lakh_remainders_published_total')).toBe(2);
  expect(() => first.allocation.codes.next()).toThrow(AllocatorSealedError);

  const second = open('server-2');
  second.allocation.start();
  await until(() => second.allocation.snapshot().heldIds === 2 * SIZE - 1);
  expect(second.allocation.codes.next().counter).toBe(100_001);
  expect(await second.metric('lakh_remainders_claimed_total{outcome="claimed"}')).toBe(2);
  expect(await second.metric('lakh_ranges_leased_total')).toBe(0);
  await second.allocation.stop();
});

test('a stop waits for the lease in flight, and gives that back too', async () => {
  const marks = node.client();
  let written = false;
  const slowly: MarkStore['write'] = async (...args) => {
    const write = await marks.write(...args);
    written = true;
    await new Promise((resolve) => setTimeout(resolve, 30));
    return write;
  };
  const { allocation } = open('server-1', { marks: { ...marks, write: slowly } });
  allocation.start();
  await until(() => written);
  await allocation.stop();
  expect(node.released).toEqual(['100000-101000']);
});

test('a lease that never ends does not hold up a stop', async () => {
  let asked = false;
  const read = (): Promise<never> => {
    asked = true;
    return new Promise(() => {});
  };
  const { allocation } = open('server-1', { marks: { read }, drainTimeoutMs: 0 });
  allocation.start();
  await until(() => asked);
  await allocation.stop();
  expect(node.released).toEqual([]);
});

test('a server that found a duplicate gives nothing back', async () => {
  const { allocation, metric } = open('server-1');
  allocation.start();
  await until(() => allocation.snapshot().heldIds === 2 * SIZE);
  const { counter } = allocation.codes.next();
  allocation.codes.reportDuplicate(counter);
  await allocation.stop();
  expect(node.released).toEqual([]);
  expect(await metric('lakh_ids_lost_total{reason="broken"}')).toBe(2 * SIZE - 1);
});

test('short tails are told of as lost', async () => {
  const { allocation, metric, log } = open('server-1');
  allocation.start();
  await until(() => allocation.snapshot().heldIds === 2 * SIZE);
  for (let i = 0; i < SIZE - 5; i += 1) allocation.codes.next();
  await allocation.stop();
  expect(await metric('lakh_ids_lost_total{reason="tail_too_short"}')).toBe(5);
  expect(log()).toContain('leased counters given up at shutdown');
});
