/** The ledger's way to a stream and from a file; the lines themselves are the operations' business. */
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import {
  type ImportReport,
  LedgerFileError,
  type LedgerFileHead,
  LedgerFileReader,
  type LedgerFileRow,
  type Operations,
} from '@lakh/operations';

/** Rows asked for at a time; their JSON stays well below what an admin listener takes. */
const PAGE_ROWS = 500;

/** Writes the head and every row, a line each, no faster than they are taken. */
export async function exportLedger(operations: Operations, write: (line: string) => Promise<void>): Promise<void> {
  await write(`${JSON.stringify(await operations.exportHead())}\n`);
  for (let from: number | null = 0; from !== null; ) {
    const page: { rows: readonly LedgerFileRow[]; next: number | null } = await operations.exportPage({ from });
    for (const row of page.rows) await write(`${JSON.stringify(row)}\n`);
    from = page.next;
  }
}

/** Checks the whole file, then imports it. @throws LedgerFileError before anything is written when a line is no good */
export async function importLedger(operations: Operations, file: string): Promise<ImportReport> {
  let head: LedgerFileHead | undefined;
  for await (const line of readLedger(file)) head ??= line as LedgerFileHead;
  if (head === undefined) throw new LedgerFileError(`${file} is empty`);
  let added = 0;
  let present = 0;
  let height = head.head;
  const send = async (rows: readonly LedgerFileRow[]): Promise<void> => {
    const report = await operations.importRows({ head, rows });
    added += report.added;
    present += report.present;
    height = report.head;
  };
  let rows: LedgerFileRow[] = [];
  let isHead = true;
  for await (const line of readLedger(file)) {
    if (!isHead) rows.push(line as LedgerFileRow);
    isHead = false;
    if (rows.length < PAGE_ROWS) continue;
    await send(rows);
    rows = [];
  }
  await send(rows);
  return { added, present, head: height };
}

async function* readLedger(file: string): AsyncGenerator<LedgerFileHead | LedgerFileRow> {
  const reader = new LedgerFileReader();
  const input = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new LedgerFileError(`${file} cannot be read (${error.code})`, { cause: error });
  });
  const lines = createInterface({
    input: input.createReadStream({ encoding: 'utf8' }),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const text of lines) {
    const line = reader.read(text);
    if (line !== undefined) yield line;
  }
}
