/** The log of what happened to links that exist, by buckets, as the database keeps it. What it is for: docs/adr/0022. */
import type { StoredLink } from './link.js';

/** Where the log of one bucket stands: how many changes were committed, and the nonce of the last one. */
export interface LogPosition {
  readonly seq: number;
  /** 16 lower-case hexadecimal digits. Another one at the same `seq`: another history. */
  readonly nonce: string;
}

/** A link that was read, and what that proves. */
export interface Sighting {
  readonly link: StoredLink;
  /** Where the log of the link's bucket stood in the same snapshot. Undefined: not known, and no copy is filled with it. */
  readonly position: LogPosition | undefined;
  /** How far behind the primary the server that answered may have been as the read began, in milliseconds: 0 of the primary, infinite where nothing proves it. */
  readonly lagMs: number;
}

/** One change of a link: the row that was committed with it. */
export interface LogRow extends LogPosition {
  readonly domainId: number;
  readonly code: string;
  /** That the change made. */
  readonly version: number;
  /** The link as it is in the snapshot, which may be newer than the row. Undefined: it cannot be read by this release. */
  readonly link: StoredLink | undefined;
}

/** What one snapshot of the primary has of a bucket. */
export interface LogReading {
  readonly bucket: number;
  readonly head: LogPosition;
  /** Whether the position that was asked from is one of this log, and the rows after it are there. False too where that is not known any more: they were forgotten. */
  readonly continues: boolean;
  /** What was committed after the position that was asked from, oldest first, without gaps; none unless it `continues`. */
  readonly rows: readonly LogRow[];
}

/** Errors as for `LinkStore`. */
export interface ChangeLog {
  /**
   * Reads buckets from positions on, each in one snapshot of the primary, at most `maxRows` rows a bucket, and fewer where many are behind: while the last
   * row is not the head's, there are more. A bucket is asked for once. `after` undefined: only the head is asked for. Cheap where nothing happened.
   * Buckets that lie where nobody answers are left out; rejects where that is all of them.
   */
  read(
    asked: readonly { readonly bucket: number; readonly after: LogPosition | undefined }[],
    maxRows: number,
  ): Promise<readonly LogReading[]>;
  /** What a bucket is read from: buckets of one part are best asked for together, and apart from those of others, so that a slow part holds up itself alone. Absent: all are of one. */
  partOf?(bucket: number): unknown;
  /** Forgets the oldest rows that were written before `beforeMs`, at most `limit`: a copy that stands before them begins anew. @returns how many */
  forget(beforeMs: number, limit: number): Promise<number>;
}
