/**
 * What the allocator needs from the outside. Everything it touches is one of these ports, so that the same code
 * runs on ZooKeeper and MySQL, on one SQLite file, and in a simulator that decides the order of every event.
 */

/** Half-open interval [start, end) of counters: `start` is the first that may be issued, `end` the first that may not. */
export interface CounterRange {
  readonly start: number;
  readonly end: number;
}

/** Counters that were taken together, all of one range; `lease` is that range, as it was leased or claimed. */
export interface Slice extends CounterRange {
  readonly lease: CounterRange;
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
  /** A range of `size` counters; of fewer or more where it was somebody's remainder, or at the end of the space. */
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

export interface ReadOptions {
  /**
   * An older state will do, where that is cheaper to tell. Safe for a write at the version that was read, which is then stale; not
   * for concluding that something is missing or too low.
   */
  readonly mayLag?: boolean;
}

/**
 * All calls reject with {@link WitnessUnavailableError} when nothing was applied, and with {@link UnknownOutcomeError} when
 * a write may or may not have been. They settle within the adapter's own deadline.
 */
export interface MarkStore {
  /**
   * What every write that was acknowledged before this call has left, unless it may lag. Rejects with {@link WitnessCorruptError} when
   * the mark is there but is not two counters in range.
   */
  read(options?: ReadOptions): Promise<MarkSnapshot | 'missing'>;
  write(version: MarkVersion, mark: Mark): Promise<MarkWrite>;
  /** Only for the first bootstrap. `exists`: somebody was first; read it. */
  create(mark: Mark, clusterId: string): Promise<'created' | 'exists'>;
}

/* ---- remainders in the first witness (ZooKeeper's `/ranges/<ns>/released/<start>-<end>`) ---- */

/** Opaque like {@link MarkVersion}, and as tightly bound to the session that it was read on. */
export type RemainderVersion = unknown;

export interface Remainder {
  readonly range: CounterRange;
  readonly version: RemainderVersion;
}

export interface RemainderList {
  /** By start, the smallest first. */
  readonly remainders: readonly Remainder[];
  /** Entries that name no range, and are left alone. */
  readonly malformed: number;
}

/** Errors as for {@link MarkStore}. One instance serves one namespace. */
export interface RemainderStore {
  /** At most `limit` of those with the smallest starts. May lag behind: a claim is what decides. */
  list(limit: number): Promise<RemainderList>;
  /**
   * One attempt, which neither caller nor adapter ever repeats (I4): a second one after an unknown outcome could offer again what
   * has been claimed meanwhile. `exists`: the entry is there, though nobody but its owner can have made it.
   */
  publish(range: CounterRange): Promise<'published' | 'exists'>;
  /** Deletes the entry at the version that was listed. `gone`: it is not there in that version, and nothing changed. */
  claim(remainder: Remainder): Promise<'claimed' | 'gone'>;
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
  /**
   * One transaction: finds the lease that ends at `tail.end` and covers `tail`, which must be `holder`'s own (server, host and
   * process start) and in state `leased`; cuts it to what is below `tail` and puts `tail` on record as `released`, or turns
   * the whole of it to `released` where nothing is left below. `refused`, with nothing changed: there is no such lease.
   */
  release(tail: CounterRange, holder: LeaseHolder, releasedAtMs: number): Promise<'released' | 'refused'>;
  /**
   * Gives exactly `range` to `holder` if it is on record with those bounds as `released`, and turns it to `leased`. `refused`, with
   * nothing changed, otherwise. The record of who released it stays.
   */
  claim(range: CounterRange, holder: LeaseHolder, claimedAtMs: number): Promise<'claimed' | 'refused'>;
}

/** Both witnesses of one namespace, and what is given back between servers. */
export interface Witnesses {
  readonly marks: MarkStore;
  readonly ledger: Ledger;
  readonly remainders: RemainderStore;
}
