/**
 * One web server's part in issuing: allocator, lease over both witnesses, codec. Arguments: server id, first node, ZooKeeper
 * address, mysql URL; or `memory` alone, for leases that cost nothing.
 */
import type { Interval } from '../bench/trials.js';
import { openWitnesses } from '../bench/witnesses.js';
import { type Issued, issue, memorySource } from './issuing.js';
import { serveTasks } from './tasks.js';

export interface ServerRun extends Issued {
  /** Every range that it was given, from its own memory. */
  readonly ranges: readonly Interval[];
}

const [serverId, firstNode, zookeeper, mysqlUrl] = process.argv.slice(2) as [string, string, string, string];
const ranges: Interval[] = [];

async function openSource() {
  if (serverId === 'memory') return { source: memorySource(2 ** 32), close: async () => {} };
  return openWitnesses(
    { zookeeper, mysqlUrl },
    { serverId, firstNode: Number(firstNode), leased: ({ start, end }) => void ranges.push([start, end]) },
  );
}

const opened = openSource();

serveTasks<ServerRun>(
  async ({ seconds }) => {
    const { source } = await opened;
    const issued = await issue(source, { seconds });
    return { ...issued, ranges: ranges.splice(0) };
  },
  async () => (await opened).close(),
);
