import type { Group, Sample, Subject } from './figures.js';
import type { Databases, Ours } from './lakh-servers.js';
import type { Bench } from './setting.js';
import { emptyTable, MULTI_ROW, STORE_PROGRAM } from './store.js';
import { startVariants } from './worker.js';
import { wrk } from './wrk.js';

/** As many as a batch may have. */
const LINKS = 1_000;
/** So that a busy machine answers some within a second. */
const QUICK_LINKS = 50;
/** Batches at a time: one is read and written while another one's rows are stored. */
const CONNECTIONS = 4;
const AT_LEAST_OF_BARE = 0.6;

/** Durable batches over HTTP, beside bare INSERTs of as many rows into the same table; `others` are servers that keep their rows elsewhere. */
export async function batchGroup(
  bench: Bench,
  databases: Databases,
  onMariadb: Ours,
  others: readonly Ours[],
): Promise<Group> {
  const bare = await startVariants(bench, STORE_PROGRAM, [MULTI_ROW], databases.mysqlUrl);
  const subjects = [...others, onMariadb].map(
    ({ name, what, running }): Subject => ({
      name,
      role: 'ours',
      what,
      async measure(seconds) {
        await emptyTable(databases);
        return sendBatches(bench, running.url, seconds);
      },
    }),
  );
  return {
    id: 'batch',
    title: `Durable creates in batches of ${linksOf(bench)}, ${CONNECTIONS} callers, one core`,
    unit: 'links/s',
    subjects: [
      ...subjects,
      ...bare(async (worker, seconds) => {
        await emptyTable(databases);
        return worker.ask({ seconds, callers: linksOf(bench) });
      }),
    ],
    targets: [{ ours: onMariadb.name, against: MULTI_ROW.name, atLeast: AT_LEAST_OF_BARE }],
  };
}

/** Links a second. */
export async function sendBatches(bench: Bench, serverUrl: string, seconds: number): Promise<Sample> {
  const url = `${serverUrl}/api/v1/urls:batch`;
  await demandWhole(url);
  const links = linksOf(bench);
  const args = ['bench-', String(links)];
  const sample = await wrk(bench, { url, script: 'batches.lua', args, connections: CONNECTIONS, seconds });
  return { ...sample, value: sample.value * links };
}

function linksOf(bench: Bench): number {
  return bench.quick ? QUICK_LINKS : LINKS;
}

/** A batch is 200 whatever became of its links: that they are made is seen on one, before the others. */
async function demandWhole(url: string): Promise<void> {
  const links = [{ long_url: 'https://example.org/' }, { long_url: 'https://example.org/other' }];
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ links }) });
  const { succeeded } = (await response.json()) as { readonly succeeded?: number };
  if (succeeded !== links.length) throw new Error(`a batch of ${links.length} made ${succeeded} links`);
}
