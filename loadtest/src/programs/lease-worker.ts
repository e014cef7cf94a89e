/**
 * Leases ranges of one lakh, as fast as so many clients can, each one lease after another in a session of its own. Arguments: variant,
 * number of clients, ZooKeeper, mysql URL.
 */
import { once } from 'node:events';
import { openShards, parseShards } from '@lakh/links-mysql';
import zookeeper, { type ZkClient } from 'node-zookeeper-client';
import type { Sample } from '../bench/figures.js';
import { serveTasks, type WorkerTask } from '../bench/worker.js';
import { openSession, witnessLeases } from './witness-client.js';

const RANGE_SIZE = 100_000;
const BARE_NODE = '/bare-mark';
const SESSION_MS = 10_000;

/** One lease, or what stands for it. */
type LeaseOnce = () => Promise<unknown>;

const [variant, clients, address, mysqlUrl] = process.argv.slice(2) as [string, string, string, string];
const shards = openShards(parseShards(mysqlUrl));

/** The library's own client, connected, with nothing around it. */
async function bareClient(): Promise<ZkClient> {
  const servers = address.slice(0, address.indexOf('/'));
  const client = zookeeper.createClient(servers, { sessionTimeout: SESSION_MS, spinDelay: 0, retries: 0 });
  const connected = once(client, 'connected');
  client.connect();
  await connected;
  return client;
}

/** The unavoidable part: read the node, write it at the version that was read, until a write was not too late. */
function bareWrite(client: ZkClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.getData(BARE_NODE, (error, data, stat) => {
      if (error) return reject(error);
      const next = Buffer.from(String(Number(data?.toString()) + RANGE_SIZE));
      client.setData(BARE_NODE, next, stat.version, (late) => {
        if (!late) resolve();
        else if (late.code === zookeeper.Exception.BAD_VERSION) bareWrite(client).then(resolve, reject);
        else reject(late);
      });
    });
  });
}

/** Whoever is first makes it. */
function makeBareNode(client: ZkClient): Promise<void> {
  const { ACL, CreateMode, Exception } = zookeeper;
  return new Promise((resolve, reject) => {
    client.create(BARE_NODE, Buffer.from('100000'), ACL.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, (error) => {
      if (!error || error.code === Exception.NODE_EXISTS) resolve();
      else reject(error);
    });
  });
}

async function open(index: number): Promise<LeaseOnce> {
  if (variant === 'bare') {
    const client = await bareClient();
    await makeBareNode(client);
    return () => bareWrite(client);
  }
  if (variant !== 'witnesses') throw new Error(`no such variant: ${variant}`);
  const { lease } = witnessLeases(await openSession(address), shards.first, `lease-worker-${process.pid}-${index}`);
  return () => lease.lease(RANGE_SIZE);
}

const opened = Promise.all(Array.from({ length: Number(clients) }, (_, index) => open(index)));

async function measure({ seconds }: WorkerTask): Promise<Sample> {
  const all = await opened;
  const started = performance.now();
  const end = started + seconds * 1000;
  const times: number[] = [];
  await Promise.all(
    all.map(async (leaseOnce) => {
      for (let before = performance.now(); before < end; ) {
        await leaseOnce();
        const now = performance.now();
        times.push(now - before);
        before = now;
      }
    }),
  );
  const value = (times.length / (performance.now() - started)) * 1000;
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(part * times.length))] as number;
  return { value, p50Ms: at(0.5), p99Ms: at(0.99) };
}

serveTasks(measure, async () => {
  for (const pool of shards.all) pool.close();
});
