import type { Group, Subject } from './figures.js';
import type { Databases, Ours } from './lakh-servers.js';
import type { Bench } from './setting.js';
import { emptyTable, MULTI_ROW, STORE_PROGRAM } from './store.js';
import { startVariants } from './worker.js';
import { wrk } from './wrk.js';

/** As many as a batch may have. */
const LINKS = 1_000;
/** Batches at a time: one is read and written while another one's rows are stored. */
const CONNECTIONS = 4;
const AT_LEAST_OF_BARE = 0.6;

/** Durable batches over HTTP, beside bare INSERTs of as many rows; `ours` are the servers. */
export async function batchGroup(bench: Bench, databases: Databases, ours: readonly Ours[]): Promise<Group> {
  const bare = await startVariants(bench, STORE_PROGRAM, [MULTI_ROW], databases.mysqlUrl);
  const subjects = ours.map(
    ({ name, what, running }): Subject => ({
      name,
      role: 'ours',
      what,
      async measure(seconds) {
        await emptyTable(databases);
        const url = `${running.url}/api/v1/urls:batch`;
        await demandWhole(url);
        const args = ['bench-', String(LINKS)];
        const { value, ...latencies } = await wrk(bench, {
          url,
          script: 'batches.lua',
          args,
          connections: CONNECTIONS,
          seconds,
        });
        return { value: value * LINKS, ...latencies };
      },
    }),
  );
  return {
    id: 'batch',
    title: `Durable creates in batches of ${LINKS}, ${CONNECTIONS} callers, one core`,
    unit: 'links/s',
    subjects: [
      ...subjects,
      ...bare(async (worker, seconds) => {
        await emptyTable(databases);
        return worker.ask({ seconds, callers: LINKS });
      }),
    ],
    targets: ours.map(({ name }) => ({ ours: name, against: MULTI_ROW.name, atLeast: AT_LEAST_OF_BARE })),
  };
}

/** A batch is 200 whatever became of its links: that they are made is seen on one, before the others. */
async function demandWhole(url: string): Promise<void> {
  const links = [{ long_url: 'https://example.org/' }, { long_url: 'https://example.org/other' }];
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ links }) });
  const { succeeded } = (await response.json()) as { readonly succeeded?: number };
  if (succeeded !== links.length) throw new Error(`a batch of ${links.length} made ${succeeded} links`);
}
