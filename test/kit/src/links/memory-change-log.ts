import { randomBytes } from 'node:crypto';
import {
  BUCKETS,
  bucketOf,
  type ChangeLog,
  type LogPosition,
  type LogReading,
  type LogRow,
  type StoredLink,
} from '@lakh/links';

interface Row extends Omit<LogRow, 'link'> {
  readonly previous: string;
  readonly atMs: number;
}

export interface MemoryChangeLogOptions {
  /** What is stored under a code now. */
  readonly find: (domainId: number, code: string) => StoredLink | undefined;
  /** 16 lower-case hexadecimal digits, others each time. */
  readonly newNonce?: () => string;
}

const randomNonce = () => randomBytes(8).toString('hex');

/** The ChangeLog contract in arrays; `MemoryLinkStore` has one, and tells it of its changes. */
export class MemoryChangeLog implements ChangeLog {
  readonly #find: MemoryChangeLogOptions['find'];
  readonly #newNonce: () => string;
  #heads: LogPosition[];
  /** By bucket, in their order. */
  #rows: Row[][] = Array.from({ length: BUCKETS }, () => []);

  constructor({ find, newNonce = randomNonce }: MemoryChangeLogOptions) {
    this.#find = find;
    this.#newNonce = newNonce;
    this.#heads = Array.from({ length: BUCKETS }, () => ({ seq: 0, nonce: newNonce() }));
  }

  /** In the same moment as the change itself. */
  append({ domainId, code, version }: Pick<StoredLink, 'domainId' | 'code' | 'version'>, atMs: number): void {
    const bucket = bucketOf(domainId, code);
    const { seq, nonce: previous } = this.head(bucket);
    const head = { seq: seq + 1, nonce: this.#newNonce() };
    this.#heads[bucket] = head;
    (this.#rows[bucket] as Row[]).push({ ...head, previous, domainId, code, version, atMs });
  }

  head(bucket: number): LogPosition {
    return this.#heads[bucket] as LogPosition;
  }

  async read(
    asked: readonly { readonly bucket: number; readonly after: LogPosition | undefined }[],
    maxRows: number,
  ): Promise<readonly LogReading[]> {
    return asked.map(({ bucket, after }) => this.#read(bucket, after, maxRows));
  }

  async forget(beforeMs: number, limit: number): Promise<number> {
    const old = this.#rows.flat().filter(({ atMs }) => atMs < beforeMs);
    const forgotten = new Set(old.sort((a, b) => a.atMs - b.atMs).slice(0, limit));
    this.#rows = this.#rows.map((rows) => rows.filter((row) => !forgotten.has(row)));
    return forgotten.size;
  }

  /** What is in it now; the function makes it so again. */
  copy(): () => void {
    const [heads, rows] = [[...this.#heads], this.#rows.map((each) => [...each])];
    return () => {
      [this.#heads, this.#rows] = [[...heads], rows.map((each) => [...each])];
    };
  }

  #read(bucket: number, after: LogPosition | undefined, maxRows: number): LogReading {
    const head = this.head(bucket);
    const nothing = { bucket, head, rows: [] };
    if (after === undefined || head.seq < after.seq) return { ...nothing, continues: false };
    const later = (this.#rows[bucket] as Row[]).filter((row) => row.seq > after.seq);
    let last = after.nonce;
    for (const [i, row] of later.entries()) {
      if (row.seq !== after.seq + 1 + i || row.previous !== last) return { ...nothing, continues: false };
      last = row.nonce;
    }
    if (last !== head.nonce) return { ...nothing, continues: false };
    const rows = later.slice(0, maxRows).map(({ previous: _, atMs: __, ...row }) => ({
      ...row,
      link: this.#find(row.domainId, row.code),
    }));
    return { bucket, head, continues: true, rows };
  }
}
