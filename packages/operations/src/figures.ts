/** What was leased by whom, and how much of it is known to have been used. */
import { COUNTER_SPACE_END, COVER_STATES, FIRST_MARK, type LedgerRow, MAX_RANGES_ASKED } from '@lakh/id-range';
import { InvalidArgumentError } from './errors.js';
import { readableMark } from './findings.js';
import type { OperationsPorts, RunningServer } from './ports.js';
import { knownHead, ledgerRows, spaceEndOf } from './witnesses.js';

/** One row of the ledger, with what the links say of it. */
export interface RowFigures {
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly state: string;
  readonly server: string;
  readonly host: string;
  readonly processStart: string;
  readonly leasedAt: string;
  readonly codec: string;
  readonly witnessVersion: number;
  /** Counters up to the highest that became a link; those were issued (or burnt). */
  readonly issued: number;
  /** The rest: still held by that server, or lost with it. */
  readonly remaining: number;
}

const MAX_LISTED = 1_000;

/** The last `limit` rows below `before`, the newest first. */
export async function listRows(
  ports: OperationsPorts,
  { before = COUNTER_SPACE_END, limit = 50 }: { readonly before?: number; readonly limit?: number },
): Promise<readonly RowFigures[]> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED) {
    throw new InvalidArgumentError(`a list has 1 to ${MAX_LISTED} rows, not ${limit}`);
  }
  return withFigures(ports, await ports.ledger.rowsBelow(before, limit));
}

export async function withFigures(ports: OperationsPorts, rows: readonly LedgerRow[]): Promise<RowFigures[]> {
  const figures: RowFigures[] = [];
  for (let i = 0; i < rows.length; i += MAX_RANGES_ASKED) {
    const asked = rows.slice(i, i + MAX_RANGES_ASKED);
    const highest = await ports.counters.highestWithin(asked.map(({ range }) => range));
    figures.push(...asked.map((row, j) => figuresOf(row, highest[j] ?? 0)));
  }
  return figures;
}

function figuresOf({ range, holder, leasedAtMs, witnessVersion, state }: LedgerRow, highest: number): RowFigures {
  const size = range.end - range.start;
  const issued = highest === 0 ? 0 : highest + 1 - range.start;
  return {
    start: range.start,
    end: range.end,
    size,
    state,
    server: holder.serverId,
    host: holder.host,
    processStart: new Date(holder.processStartMs).toISOString(),
    leasedAt: new Date(leasedAtMs).toISOString(),
    codec: holder.codec,
    witnessVersion,
    issued,
    remaining: size - issued,
  };
}

export interface ServerFigures {
  readonly server: string;
  readonly host: string;
  /** Whether a process of this name runs now. */
  readonly running: boolean;
  readonly ranges: number;
  readonly leased: number;
  readonly issued: number;
  readonly remaining: number;
  /** Of its counters, those that it will not issue, by reason as in {@link Summary.notIssued}. */
  readonly notIssued: Readonly<Record<string, number>>;
  readonly firstLease: string;
  readonly lastLease: string;
}

export interface Summary {
  /** The next counter to be leased; null while there is no mark that can be read. */
  readonly mark: number | null;
  readonly head: number | null;
  readonly ranges: number;
  /** Counters on rows that a server leased. */
  readonly leased: number;
  /** Of those, up to the highest that became a link in each range. */
  readonly issued: number;
  /** Of those, the rest: held by a process that runs, or lost with one that does not. */
  readonly remaining: number;
  /** Of those, what processes hold that run: a crash of all of them would lose it. */
  readonly held: number;
  /**
   * Counters that nobody will issue, by reason: a row's state, {@link NOT_RUNNING}, or `unrecorded` where there is no row. Released ones
   * wait for a claim. Together with what was issued and what is held they are all below the mark.
   */
  readonly notIssued: Readonly<Record<string, number>>;
  readonly highestCounter: number;
  /** Counters that are left for leases: with the sealed codec, before the last key on record ends. */
  readonly left: number;
  readonly servers: readonly ServerFigures[];
  /** Servers beyond {@link MAX_SERVERS}, which `servers` leaves out: those that leased longest ago. */
  readonly serversLeftOut: number;
}

export const MAX_SERVERS = 200;

/** Left of a range whose process is not known to run: it ended without giving it back, or it is cut off from ZooKeeper and still issues. */
const NOT_RUNNING = 'not_running';

/** Over the whole ledger: a few seconds a million rows. */
export async function summarise(ports: OperationsPorts): Promise<Summary> {
  const { mark } = await ports.marks.inspect();
  const running = new Set((await ports.runningServers()).map(processOf));
  const servers = new Map<string, MutableServer>();
  const notIssued = new Map<string, number>();
  let ranges = 0;
  let held = 0;
  let end = FIRST_MARK;
  let page: LedgerRow[] = [];
  const flush = async (): Promise<void> => {
    const rows = page;
    page = [];
    for (const [i, row] of (await withFigures(ports, rows)).entries()) {
      const isRunning = running.has(processOf((rows[i] as LedgerRow).holder));
      if (row.state === 'leased' && isRunning) held += row.remaining;
      const [reason, lost] =
        row.state !== 'leased' ? [row.state, row.size] : [NOT_RUNNING, isRunning ? 0 : row.remaining];
      add(notIssued, reason, lost);
      // Rows that a repair added are no server's.
      if (Object.hasOwn(COVER_STATES, row.state)) continue;
      const server = serverOf(servers, row);
      server.isRunning ||= isRunning;
      add(server.notIssued, reason, lost);
      if (row.state === 'leased') addLease(server, row);
    }
  };
  for await (const row of ledgerRows(ports)) {
    ranges += 1;
    add(notIssued, 'unrecorded', row.range.start - end);
    end = Math.max(end, row.range.end);
    page.push(row);
    if (page.length === MAX_RANGES_ASKED) await flush();
  }
  await flush();
  const head = knownHead(await ports.ledger.head());
  const now = readableMark(mark);
  // The mark was read before the rows: what is above them has been on its way since, or was abandoned.
  add(notIssued, 'unrecorded', (now?.next ?? 0) - end);
  const listed = [...servers.values()].sort((a, b) => b.lastMs - a.lastMs);
  const sum = (of: (server: MutableServer) => number): number => listed.reduce((total, each) => total + of(each), 0);
  return {
    mark: now?.next ?? null,
    head: head || null,
    ranges,
    leased: sum(({ leased }) => leased),
    issued: sum(({ issued }) => issued),
    remaining: sum(({ leased, issued }) => leased - issued),
    held,
    notIssued: Object.fromEntries(notIssued),
    highestCounter: await ports.counters.highest(),
    left: Math.max(0, (await spaceEndOf(ports)) - Math.max(now?.next ?? 0, head)),
    servers: listed.slice(0, MAX_SERVERS).map(asServerFigures),
    serversLeftOut: Math.max(0, listed.length - MAX_SERVERS),
  };
}

interface MutableServer {
  readonly server: string;
  readonly host: string;
  readonly notIssued: Map<string, number>;
  isRunning: boolean;
  ranges: number;
  leased: number;
  issued: number;
  firstMs: number;
  lastMs: number;
}

const processOf = ({ serverId, processStartMs }: RunningServer): string => `${serverId}\n${processStartMs}`;

function add(counts: Map<string, number>, reason: string, counters: number): void {
  if (counters > 0) counts.set(reason, (counts.get(reason) ?? 0) + counters);
}

function serverOf(servers: Map<string, MutableServer>, { server, host, leasedAt }: RowFigures): MutableServer {
  const key = `${server}\n${host}`;
  const atMs = Date.parse(leasedAt);
  const found = servers.get(key) ?? {
    server,
    host,
    notIssued: new Map<string, number>(),
    isRunning: false,
    ranges: 0,
    leased: 0,
    issued: 0,
    firstMs: atMs,
    lastMs: atMs,
  };
  found.firstMs = Math.min(found.firstMs, atMs);
  found.lastMs = Math.max(found.lastMs, atMs);
  servers.set(key, found);
  return found;
}

function addLease(server: MutableServer, row: RowFigures): void {
  server.ranges += 1;
  server.leased += row.size;
  server.issued += row.issued;
}

function asServerFigures(server: MutableServer): ServerFigures {
  const { notIssued, isRunning, firstMs, lastMs, ...figures } = server;
  return {
    ...figures,
    running: isRunning,
    remaining: figures.leased - figures.issued,
    notIssued: Object.fromEntries(notIssued),
    firstLease: new Date(firstMs).toISOString(),
    lastLease: new Date(lastMs).toISOString(),
  };
}
