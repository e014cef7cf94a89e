/** The closing look: at every link that was ever given, at the store, both witnesses and the servers' logs. All goes to the history. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isUnreadable } from '@lakh/id-range';
import { isAcknowledged } from './check/evidence.js';
import { CHECK_CLIENT } from './check/links.js';
import { type HistoryWriter, readHistory } from './history.js';
import { checkRanges } from './lakh-tool.js';
import { SHORTEN, type System } from './system.js';

const NAMESPACE = 'links';
const LOOKS_AT_A_TIME = 32;
const ATTEMPTS = 10;
const BETWEEN_ATTEMPTS_MS = 250;
/** Some hundred kilobytes of text. */
const ROWS_A_PAGE = 5_000;
const MOST_REMAINDERS = 10_000;

/** Log lines that say which counters nobody will issue; each has `start`, `end` and `reason`. */
const LOSSES = new Set([
  'range abandoned: its lease has no certain outcome',
  'leased counters given up at shutdown',
  'remainder lost: its claim was not acknowledged',
  'leased counters will not be issued',
]);

/** Follows every acknowledged link; the system is whole, and what was deleted is known everywhere. */
export async function followEveryLink(system: System): Promise<void> {
  const { history } = system;
  history.flush();
  const codes: string[] = [];
  for await (const event of readHistory(history.file)) {
    if (event.type === 'request' && isAcknowledged(event)) codes.push(event.code);
  }
  let next = 0;
  const looker = async (): Promise<void> => {
    while (next < codes.length) {
      system.signal.throwIfAborted();
      await follow(system, codes[next++] as string);
    }
  };
  await Promise.all(Array.from({ length: LOOKS_AT_A_TIME }, looker));
}

async function follow(system: System, code: string): Promise<void> {
  const { history, http } = system;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const sentMs = history.nowMs();
    const answer = await http.ask('GET', `${system.url('gateway')}/${code}`).catch((error: Error) => error);
    const said =
      answer instanceof Error
        ? { error: answer.message }
        : { status: answer.status, ...(answer.location === undefined ? {} : { location: answer.location }) };
    const asked = { type: 'request', op: 'read', client: CHECK_CLIENT, target: 'gateway', code } as const;
    history.add({ ...asked, sentMs, doneMs: history.nowMs(), ...said });
    if (!(answer instanceof Error) && answer.status < 500) return;
    await sleep(BETWEEN_ATTEMPTS_MS);
  }
}

/** What store, ledger, ZooKeeper and logs have. Shorten servers have ended, so that nothing moves. */
export async function collectFacts(system: System): Promise<void> {
  const { history } = system;
  await collectLeases(system);
  await collectRows(system);
  const { remainders } = await system.admin.remainders.list(MOST_REMAINDERS);
  for (const { range } of remainders) history.add({ type: 'entry', ...range });
  for (const name of SHORTEN) await collectLog(history, name, system.stack.logFile(name));
  for (const message of await checkRanges(system)) history.add({ type: 'alarm', server: 'witnesses', message });
  const { mark } = await system.admin.marks.inspect();
  if (mark === 'missing' || isUnreadable(mark)) throw new Error(`the mark is ${JSON.stringify(mark)} at the end`);
  history.add({ type: 'heights', ...mark, head: await system.head() });
}

async function collectLeases(system: System): Promise<void> {
  const page = (after: string) =>
    system.sql(
      `SELECT start_counter, end_counter, state, server_id FROM lakh.id_leases
       WHERE namespace='${NAMESPACE}' AND start_counter>${after} ORDER BY start_counter LIMIT ${ROWS_A_PAGE}`,
    );
  for await (const [start, end, state = '', serverId = ''] of rowsOf(page, '-1')) {
    system.history.add({ type: 'lease', start: Number(start), end: Number(end), state, serverId });
  }
}

async function collectRows(system: System): Promise<void> {
  // By the primary key; codes are ASCII and compared by bytes.
  const page = (after: string) =>
    system.sql(
      `SELECT code, counter, kind, long_url FROM lakh.links
       WHERE domain_id=0 AND code>'${after}' ORDER BY code LIMIT ${ROWS_A_PAGE}`,
    );
  for await (const [code = '', counter, kind, url = ''] of rowsOf(page, '')) {
    system.history.add({ type: 'row', counter: Number(counter), code, kind: Number(kind), url });
  }
}

/** Page by page, each of what comes after the first column of the last row before it. */
async function* rowsOf(page: (after: string) => Promise<string[][]>, first: string): AsyncGenerator<string[]> {
  for (let after: string | undefined = first; after !== undefined; ) {
    const rows = await page(after);
    yield* rows;
    after = rows.length < ROWS_A_PAGE ? undefined : rows.at(-1)?.[0];
  }
}

/** What every server that ever wrote to this file lost, and what should never be in a log. */
async function collectLog(history: HistoryWriter, name: string, file: string): Promise<void> {
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    const { level, msg, serverId, reason, start, end } = parsed(text);
    if (level === 'fatal') history.add({ type: 'alarm', server: name, message: text });
    if (typeof msg !== 'string' || !LOSSES.has(msg) || typeof start !== 'number' || typeof end !== 'number') continue;
    history.add({ type: 'loss', server: String(serverId), reason: String(reason), start, end });
  }
}

/** Empty for a line that is not JSON: a killed server's last one, or Node's own words. */
function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
