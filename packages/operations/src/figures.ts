/** What was leased by whom, and how much of it is known to have been used. */
import { COUNTER_SPACE_END, FIRST_MARK, type LedgerRow, MAX_RANGES_ASKED } from '@lakh/id-range';
import { InvalidArgumentError } from './errors.js';
import { readableMark } from './findings.js';
import type { OperationsPorts } from './ports.js';
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
  readonly ranges: number;
  readonly leased: number;
  readonly issued: number;
  readonly remaining: number;
  /** Counters on rows that it gave back and nobody has claimed, retired ones included; on none of its leased rows any more. */
  readonly givenBack: number;
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
  /** Of those, the rest: held by a server that runs, or lost with one that does not. The ledger cannot tell which. */
  readonly remaining: number;
  /**
   * Counters that nobody will issue, by reason: a row's state, or `unrecorded` where there is no row (a lease under way is one of
   * those, until it is recorded). Released ones wait for a claim.
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

/** Rows of these states name the server that leased them, or that gave them back; others name who repaired. */
const STATES_OF_SERVERS: ReadonlySet<string> = new Set(['leased', 'released', 'retired']);

/** Over the whole ledger: a few seconds a million rows. */
export async function summarise(ports: OperationsPorts): Promise<Summary> {
  const { mark } = await ports.marks.inspect();
  const servers = new Map<string, MutableServer>();
  const notIssued = new Map<string, number>();
  const add = (reason: string, counters: number): void => {
    if (counters > 0) notIssued.set(reason, (notIssued.get(reason) ?? 0) + counters);
  };
  let ranges = 0;
  let end = FIRST_MARK;
  let page: LedgerRow[] = [];
  const flush = async (): Promise<void> => {
    for (const row of await withFigures(ports, page)) {
      if (row.state !== 'leased') add(row.state, row.size);
      if (STATES_OF_SERVERS.has(row.state)) addToServer(servers, row);
    }
    page = [];
  };
  for await (const row of ledgerRows(ports)) {
    ranges += 1;
    add('unrecorded', row.range.start - end);
    end = Math.max(end, row.range.end);
    page.push(row);
    if (page.length === MAX_RANGES_ASKED) await flush();
  }
  await flush();
  const head = knownHead(await ports.ledger.head());
  const now = readableMark(mark);
  add('unrecorded', (now?.next ?? 0) - end);
  const listed = [...servers.values()].sort((a, b) => b.lastMs - a.lastMs);
  const sum = (of: (server: MutableServer) => number): number => listed.reduce((total, each) => total + of(each), 0);
  return {
    mark: now?.next ?? null,
    head: head || null,
    ranges,
    leased: sum(({ leased }) => leased),
    issued: sum(({ issued }) => issued),
    remaining: sum(({ leased, issued }) => leased - issued),
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
  ranges: number;
  leased: number;
  issued: number;
  givenBack: number;
  firstMs: number;
  lastMs: number;
}

function addToServer(servers: Map<string, MutableServer>, row: RowFigures): void {
  const key = `${row.server}\n${row.host}`;
  const atMs = Date.parse(row.leasedAt);
  const found = servers.get(key) ?? {
    server: row.server,
    host: row.host,
    ranges: 0,
    leased: 0,
    issued: 0,
    givenBack: 0,
    firstMs: atMs,
    lastMs: atMs,
  };
  if (row.state === 'leased') {
    found.ranges += 1;
    found.leased += row.size;
    found.issued += row.issued;
  } else found.givenBack += row.size;
  found.firstMs = Math.min(found.firstMs, atMs);
  found.lastMs = Math.max(found.lastMs, atMs);
  servers.set(key, found);
}

function asServerFigures({ firstMs, lastMs, ...figures }: MutableServer): ServerFigures {
  return {
    ...figures,
    remaining: figures.leased - figures.issued,
    firstLease: new Date(firstMs).toISOString(),
    lastLease: new Date(lastMs).toISOString(),
  };
}
