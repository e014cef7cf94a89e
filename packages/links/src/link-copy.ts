/** The copy of links that servers share, as those who keep it exact and those who read it see it. What it is for: docs/adr/0022. */
import type { LogPosition } from './change-log.js';
import type { StoredLink } from './link.js';

/**
 * Whoever holds some buckets of the copy, over one connection. It ends for good with its connection, or when it is not certainly the same
 * server in the same role any more; then another holds them, and nothing that was known by this one is known of that. What is asked of one that
 * has ended rejects.
 *
 * Every call settles within the holder's own bounded wait. Rejects where there was no answer, or a refusal: what was asked for may or may not
 * have happened then, all of it or nothing.
 */
export interface CopyHolder {
  /** The same for as long as it lives. */
  readonly buckets: readonly number[];
  /** Aborted when it has ended. */
  readonly ended: AbortSignal;
  /**
   * The states of buckets, in the order asked, as text (copy-state.ts); empty where there is none. Each is
   * read after the call, and the role of the server with them.
   */
  read(buckets: readonly number[]): Promise<readonly string[]>;
  /** Moves states on with which nothing else changes. Each by itself. @returns which were moved, in the order asked */
  advance(moves: readonly CopyMove[]): Promise<readonly boolean[]>;
  /** Moves a state on, with what the log has on the way; in one step. @returns whether it was moved */
  apply(move: CopyMove, changes: CopyChanges): Promise<boolean>;
  /** Keeps a link, if its bucket's state is of exactly this epoch and position. @returns whether it was kept */
  fill(link: StoredLink, at: CopyPlace): Promise<boolean>;
  /** What is held of a code in an epoch of its bucket. */
  get(domainId: number, code: string, epoch: string): Promise<StoredLink | undefined>;
}

/** A step of a bucket's state, taken only if the state is `from`, byte for byte. */
export interface CopyMove {
  readonly bucket: number;
  /** Empty: there is none. */
  readonly from: string;
  readonly to: string;
}

/** Where a bucket of the copy stands in the log, and in which epoch. */
export interface CopyPlace {
  /** A change of it is a beginning with nothing: what was held in another is never read again. */
  readonly epoch: string;
  readonly position: LogPosition;
}

/** What changed on the way to a state. */
export interface CopyChanges {
  /** In which what changed is kept. */
  readonly epoch: string;
  /** Each code once. All servers hear of each. */
  readonly changes: readonly CopyChange[];
}

/** `link` undefined: what is held of the code goes, and nothing is put in its place. */
export interface CopyChange {
  readonly domainId: number;
  readonly code: string;
  /** That the change made. */
  readonly version: number;
  readonly link: StoredLink | undefined;
}

/** All holders of one copy, as they come and go. */
export interface LinkCopy {
  /** Undefined while nobody is known who holds it. */
  holderOf(bucket: number): CopyHolder | undefined;
  /** Told of every holder, those that there are first, until the returned function is called. */
  follow(began: (holder: CopyHolder) => void): () => void;
}

/** Time as those who keep and read a copy see it. Ages are told by nothing else. */
export interface CopyClock {
  /** Milliseconds that only ever grow; never compared with another process's. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`; the returned function takes it back. Never keeps a process alive by itself. */
  schedule(delayMs: number, run: () => void): () => void;
}
