/**
 * What the allocator needs from the outside. Everything it touches is one of these ports, so that the same code
 * runs on ZooKeeper and MySQL, on one SQLite file, and in a simulator that decides the order of every event.
 */

/** Half-open interval [start, end) of counters: `start` is the first that may be issued, `end` the first that may not. */
export interface CounterRange {
  readonly start: number;
  readonly end: number;
}

/** Time as the allocator sees it. Tests and the simulator bring their own. */
export interface Clock {
  /** Milliseconds that only ever grow; never compared with another process's. */
  monotonicMs(): number;
  /** Unix milliseconds, for records that people read; decides nothing. */
  wallMs(): number;
  /** Calls `run` once after `delayMs`; the returned function takes it back. Never keeps a process alive by itself. */
  schedule(delayMs: number, run: () => void): () => void;
}

/** Uniform in [0, 1); only for jitter. */
export type Randomness = () => number;

/**
 * Where ranges come from. The two-witness lease over a {@link MarkStore} and a {@link Ledger} is the one that Lakh uses.
 * A resolved promise is a permanent transfer of that range to the caller; whatever else happens, nobody owns it. Settles within
 * the adapters' deadlines: the allocator has one lease in flight and waits for it.
 */
export interface RangeSource {
  lease(size: number): Promise<CounterRange>;
}

/* ---- the first witness: the high-water mark (ZooKeeper's `/ranges/<ns>/next`) ---- */

/** `next`: first counter no range has covered. `ledgered`: the highest ledger head that the mark's writer had seen. */
export interface Mark {
  readonly next: number;
  readonly ledgered: number;
}

/** Opaque to the allocator: whatever the adapter needs to make the next write conditional, its session included (I2). */
export type MarkVersion = unknown;

export interface MarkSnapshot {
  readonly mark: Mark;
  readonly clusterId: string;
  readonly version: MarkVersion;
}

export type MarkWrite =
  /** `witnessVersion`: the version that the write produced, recorded in the ledger's lease row. */
  | { readonly outcome: 'written'; readonly witnessVersion: number }
  /** Somebody wrote since that read, or the session it was read on is gone: nothing changed, read again. */
  | { readonly outcome: 'stale' };

/**
 * All calls reject with {@link WitnessUnavailableError} when nothing was applied, and with {@link UnknownOutcomeError} when
 * a write may or may not have been. They settle within the adapter's own deadline.
 */
export interface MarkStore {
  /** Rejects with {@link WitnessCorruptError} when the mark is there but is not two counters in range. */
  read(): Promise<MarkSnapshot | 'missing'>;
  write(version: MarkVersion, mark: Mark): Promise<MarkWrite>;
  /** Only for the first bootstrap. `exists`: somebody was first; read it. */
  create(mark: Mark, clusterId: string): Promise<'created' | 'exists'>;
}

/* ---- the second witness: the ledger (MySQL) ---- */

/** Who leased a range; for people, and for `audit`. Never decides ownership. */
export interface LeaseHolder {
  readonly serverId: string;
  readonly host: string;
  readonly processStartMs: number;
  readonly codec: string;
}

export interface LeaseRecord {
  readonly range: CounterRange;
  readonly holder: LeaseHolder;
  readonly leasedAtMs: number;
  readonly witnessVersion: number;
}

export interface LedgerHead {
  /** The end of the highest range on record, or the first mark when there is none. */
  readonly head: number;
  readonly clusterId: string;
  /** No lease on record in this namespace and no generated link in the store: a missing mark may be created again. */
  readonly virgin: boolean;
}

/** Reads go to the primary. Errors as for {@link MarkStore}. One instance serves one namespace. */
export interface Ledger {
  head(): Promise<LedgerHead | 'missing'>;
  /**
   * One transaction: lock the namespace's head row, refuse any overlap with a lease on record, insert the lease, raise
   * the head to `range.end` if that is higher. `recorded` only after a durable commit. Rejects with
   * {@link LedgerMissingError} when there is no head row, and with an error when `range` is empty, inverted or negative.
   */
  record(lease: LeaseRecord): Promise<'recorded' | 'overlap'>;
  /** Only for the first bootstrap. `not-empty`: leases or generated links are there without a head row: fail closed. */
  create(head: number, clusterId: string): Promise<'created' | 'exists' | 'not-empty'>;
}
