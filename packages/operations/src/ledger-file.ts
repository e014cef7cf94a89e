/**
 * The ledger as JSON lines: a head, then a row a line in the order of their starts. It is enough to make the ledger again and, with
 * `ranges repair`, the mark: an ensemble can be rebuilt from it alone.
 */
import {
  COUNTER_SPACE_END,
  isUnreadable,
  LedgerMissingError,
  type LedgerRow,
  MAX_ROWS_ADDED,
  WitnessCorruptError,
} from '@lakh/id-range';
import { LedgerFileError } from './errors.js';
import type { OperationsPorts } from './ports.js';

export interface LedgerFileHead {
  readonly type: 'lakh-ledger';
  readonly version: 1;
  readonly namespace: string;
  readonly clusterId: string;
  readonly head: number;
  readonly exportedAt: string;
}

export interface LedgerFileRow {
  readonly start: number;
  readonly end: number;
  readonly state: string;
  readonly serverId: string;
  readonly host: string;
  readonly processStartMs: number;
  readonly leasedAtMs: number;
  readonly witnessVersion: number;
  readonly codec: string;
}

export interface ImportReport {
  /** Rows that were not there. */
  readonly added: number;
  /** Rows that were there already, the same. */
  readonly present: number;
  readonly head: number;
}

const PAGE_ROWS = 1_000;

/** The head of an export. @throws LedgerMissingError, WitnessCorruptError: there is no head that could be exported */
export async function exportHead({ ledger, namespace, nowMs }: OperationsPorts): Promise<LedgerFileHead> {
  const head = await ledger.head();
  if (head === 'missing') throw new LedgerMissingError();
  if (isUnreadable(head.head) || isUnreadable(head.clusterId)) {
    throw new WitnessCorruptError("the ledger's head cannot be read");
  }
  const exportedAt = new Date(nowMs()).toISOString();
  return { type: 'lakh-ledger', version: 1, namespace, clusterId: head.clusterId, head: head.head, exportedAt };
}

/** The rows from `from` on, at most {@link PAGE_ROWS}; `next` is where to go on, null at the end. */
export async function exportPage(
  { ledger }: OperationsPorts,
  { from }: { readonly from: number },
): Promise<{ readonly rows: readonly LedgerFileRow[]; readonly next: number | null }> {
  const rows = await ledger.rowsFrom(from, PAGE_ROWS);
  const last = rows.at(-1);
  const next = last === undefined || rows.length < PAGE_ROWS ? null : last.range.start + 1;
  return { rows: rows.map(asLine), next };
}

/** Reads the lines of an export one after the other and checks each against those before. @throws LedgerFileError naming the line */
export class LedgerFileReader {
  #line = 0;
  #end = 0;
  #head: LedgerFileHead | undefined;

  /** A head first, rows then; undefined for an empty line. */
  read(text: string): LedgerFileHead | LedgerFileRow | undefined {
    this.#line += 1;
    if (text.trim() === '') return undefined;
    const value = this.#parse(text);
    if (this.#head === undefined) {
      if (!isHead(value)) throw this.#error('is not the head of a ledger exported by lakh');
      this.#head = value;
      return value;
    }
    if (!isRow(value)) throw this.#error('is not a row of a ledger');
    if (value.start < this.#end)
      throw this.#error(`starts at ${value.start}, below the end of the row before, ${this.#end}`);
    if (value.end > this.#head.head) throw this.#error(`ends at ${value.end}, above the head, ${this.#head.head}`);
    this.#end = value.end;
    return value;
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw this.#error('is not JSON');
    }
  }

  #error(what: string): LedgerFileError {
    return new LedgerFileError(`line ${this.#line} ${what}; nothing of it was imported`);
  }
}

/**
 * Adds the rows of an export that are missing, at most {@link MAX_ROWS_ADDED} of them at a time, under a head that is made where there is
 * none and never lowered.
 *
 * @throws LedgerFileError: the ledger here belongs to another cluster or namespace, or has another row in the place of one of these
 */
export async function importRows(
  ports: OperationsPorts,
  { head, rows }: { readonly head: LedgerFileHead; readonly rows: readonly LedgerFileRow[] },
): Promise<ImportReport> {
  checkPage(head, rows);
  const { ledger } = ports;
  if (head.namespace !== ports.namespace) {
    throw new LedgerFileError(`the export is of namespace ${head.namespace}, and this is ${ports.namespace}`);
  }
  const height = await raiseHead(ports, head);
  const missing: LedgerRow[] = [];
  for (const line of rows) {
    const [below] = await ledger.rowsBelow(line.end, 1);
    if (below === undefined || below.range.end <= line.start) missing.push(asRow(line));
    else if (below.range.start !== line.start || below.range.end !== line.end) {
      // A tail that was released since the export cuts its row in two: what is here is newer, and covers the same.
      if (!(await isCovered(ports, line))) {
        throw new LedgerFileError(
          `the export has [${line.start}, ${line.end}), and the ledger here [${below.range.start}, ${below.range.end}) in its place`,
        );
      }
    }
  }
  if (missing.length > 0 && (await ledger.add(missing)) === 'overlap') {
    throw new LedgerFileError('rows were added at the same time by others: run the import again');
  }
  return { added: missing.length, present: rows.length - missing.length, head: height };
}

async function raiseHead({ ledger }: OperationsPorts, { head, clusterId }: LedgerFileHead): Promise<number> {
  const now = await ledger.head();
  if (now !== 'missing') {
    if (now.clusterId !== clusterId) {
      throw new LedgerFileError(
        `the export is of cluster ${clusterId}, and the ledger here of ${isUnreadable(now.clusterId) ? 'none' : now.clusterId}`,
      );
    }
    if (!isUnreadable(now.head) && now.head >= head) return now.head;
  }
  if ((await ledger.putHead(now, head, clusterId)) === 'stale') {
    throw new LedgerFileError('the head was written at the same time by others: run the import again');
  }
  return head;
}

/** Rows on record cover the whole of `start` to `end`. */
async function isCovered({ ledger }: OperationsPorts, { start, end }: LedgerFileRow): Promise<boolean> {
  let covered = start;
  for (const { range } of await ledger.rowsFrom(start, PAGE_ROWS)) {
    if (range.start !== covered) break;
    covered = range.end;
    if (covered >= end) return covered === end;
  }
  return false;
}

/** What came over the wire is checked again: an import never trusts its caller. */
function checkPage(head: LedgerFileHead, rows: readonly LedgerFileRow[]): void {
  if (rows.length > MAX_ROWS_ADDED) throw new LedgerFileError(`${rows.length} rows are too many at a time`);
  const reader = new LedgerFileReader();
  reader.read(JSON.stringify(head));
  for (const row of rows) reader.read(JSON.stringify(row));
}

function isHead(value: unknown): value is LedgerFileHead {
  const { type, version, namespace, clusterId, head } = (value ?? {}) as Record<string, unknown>;
  const isText = typeof namespace === 'string' && typeof clusterId === 'string' && clusterId !== '';
  return type === 'lakh-ledger' && version === 1 && isText && isCount(head, COUNTER_SPACE_END);
}

function isRow(value: unknown): value is LedgerFileRow {
  const row = (value ?? {}) as Record<string, unknown>;
  const texts = [row.serverId, row.host, row.codec];
  return (
    isCount(row.start, COUNTER_SPACE_END) &&
    isCount(row.end, COUNTER_SPACE_END) &&
    row.start < row.end &&
    texts.every((text) => typeof text === 'string' && text.length <= 255) &&
    typeof row.state === 'string' &&
    /^[a-z][a-z_-]{0,15}$/.test(row.state) &&
    [row.processStartMs, row.leasedAtMs, row.witnessVersion].every((number) => isCount(number, Number.MAX_SAFE_INTEGER))
  );
}

function isCount(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function asLine({ range, holder, leasedAtMs, witnessVersion, state }: LedgerRow): LedgerFileRow {
  return { ...range, state, ...holder, leasedAtMs, witnessVersion };
}

function asRow({ start, end, state, serverId, host, processStartMs, codec, ...rest }: LedgerFileRow): LedgerRow {
  const { leasedAtMs, witnessVersion } = rest;
  return {
    range: { start, end },
    holder: { serverId, host, processStartMs, codec },
    leasedAtMs,
    witnessVersion,
    state,
  };
}
