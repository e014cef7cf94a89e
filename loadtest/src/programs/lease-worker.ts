/**
 * Moves a mark in ZooKeeper for a task's callers, each with a session of its own. Arguments: variant, ZooKeeper address, mysql URL
 * of a migrated database. Every variant is answered by the same ensemble through the same connection code.
 */
import { randomUUID } from 'node:crypto';
import { onlyMember, Pool, parseDatabase } from '@lakh/mysql';
import { createZookeeperSession } from '@lakh/zookeeper';
import type { Sample } from '../bench/figures.js';
import { quantile } from '../bench/trials.js';
import { beginningWith, openWitnesses } from '../bench/witnesses.js';
import { openBareNode } from './bare-node.js';
import { LAKH } from './issuing.js';
import { chosenVariant, serveTasks, type WorkerTask } from './tasks.js';

/** Half of LAKH_LEASE_DEADLINE_MS's default, as a server takes it. */
const ZOOKEEPER_DEADLINE_MS = 1_500;

interface Client {
  /** One lease, or what is compared with one. */
  lease(): Promise<unknown>;
  close(): Promise<unknown>;
}

const [zookeeper, mysqlUrl] = process.argv.slice(3) as [string, string];
const clients: Client[] = [];

async function bothWitnesses(index: number): Promise<Client> {
  const serverId = `lease-${process.pid}-${index}`;
  const { lease, close } = await openWitnesses({ zookeeper, mysqlUrl }, { serverId, firstNode: index });
  return { lease: () => lease.lease(LAKH), close };
}

/** Reads the mark and writes it at the version it read, until a write is taken; no pause, no second witness. */
async function bareLoop(index: number, alsoARow = false): Promise<Client> {
  const { zookeeper: address, random } = beginningWith(zookeeper, index);
  const session = createZookeeperSession({ ...address, deadlineMs: ZOOKEEPER_DEADLINE_MS, random });
  await session.whenConnected(30_000);
  const node = await openBareNode(session, '/bench-mark');
  const pool = new Pool(onlyMember(parseDatabase(mysqlUrl)));
  async function write(): Promise<number> {
    for (;;) {
      const { text, version } = await node.read();
      const next = Number(text.split(' ')[0]) + LAKH;
      if (await node.write(`${next} ${next - LAKH}`, version)) return next;
    }
  }
  if (alsoARow) await makeTable(pool);
  return {
    lease: alsoARow ? async () => insertRow(pool, await write()) : write,
    close: () => Promise.all([session.close(), pool.close()]),
  };
}

/** Without a look for overlap, without a head: the least that puts a lease on record for good. */
function makeTable(pool: Pool): Promise<unknown> {
  const columns =
    'end_counter BIGINT UNSIGNED NOT NULL PRIMARY KEY, server_id VARCHAR(255) NOT NULL, at_ms BIGINT NOT NULL';
  return pool.run((session) => session.query(`CREATE TABLE IF NOT EXISTS bench_leases (${columns}) ENGINE=InnoDB`));
}

function insertRow(pool: Pool, end: number): Promise<unknown> {
  // Nothing here needs escaping: digits and a UUID's characters.
  const values = `(${end},'${randomUUID()}',${Date.now()})`;
  return pool.run((session) => session.query(`INSERT INTO bench_leases VALUES ${values}`, true));
}

const open = chosenVariant<(index: number) => Promise<Client>>({
  'both-witnesses': bothWitnesses,
  'versioned-write': bareLoop,
  'versioned-write-and-row': (index) => bareLoop(index, true),
});

async function measure({ callers, seconds }: WorkerTask): Promise<Sample> {
  while (clients.length < callers) clients.push(await open(clients.length));
  const tookMs: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(
    clients.slice(0, callers).map(async ({ lease }) => {
      for (let began = performance.now(); began < end; began = performance.now()) {
        await lease();
        tookMs.push(performance.now() - began);
      }
    }),
  );
  const elapsedS = (performance.now() - started) / 1000;
  return { value: tookMs.length / elapsedS, p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99) };
}

serveTasks(measure, async () => void (await Promise.all(clients.map((client) => client.close()))));
