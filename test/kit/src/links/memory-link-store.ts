import {
  bucketOf,
  type ClickOutcome,
  type Clock,
  type DeletedLinks,
  type EditOutcome,
  type EditReceipt,
  type InsertOutcome,
  insertedNew,
  insertMet,
  isMade,
  isOfVersion,
  judgeEdit,
  judgeReceipt,
  judgeRestore,
  judgeRevival,
  type KeptLink,
  kindOfDeleted,
  type Link,
  type LinkChanges,
  type LinkRecord,
  type LinkStore,
  type NewLink,
  type RemoveOutcome,
  type Sighting,
  type StoredLink,
  type StoredRecord,
  StoreUnavailableError,
  type Tombstone,
} from '@lakh/links';
import { MemoryChangeLog, type MemoryChangeLogOptions } from './memory-change-log.js';

/** Which call a {@link StoreGate} holds up, and for which code. */
export interface StoreCall {
  readonly call: 'insert' | 'find' | 'edit' | 'remove' | 'click';
  readonly code: string;
}

export interface MemoryLinkStoreOptions extends Pick<MemoryChangeLogOptions, 'newNonce'> {
  readonly clock?: Clock;
}

/** Runs before a call touches the rows: a test delays the call by a promise, or fails it by throwing. */
export type StoreGate = (call: StoreCall) => Promise<void> | void;

/** The LinkStore contract on a map: what the domain's own tests run on, held to the same suite as the real stores. */
export class MemoryLinkStore implements LinkStore {
  /** Every call so far in order of arrival, for tests that count look-ups. */
  readonly calls: StoreCall[] = [];
  gate: StoreGate | undefined;
  /** Of what is done to links that are there. */
  readonly log: MemoryChangeLog;
  readonly #clock: Clock;
  readonly #rows: Map<string, StoredRecord>;
  /** The id of the insert that made a row. */
  readonly #insertIds: Map<string, string>;
  /** By code and the hash of a key. */
  readonly #receipts: Map<string, EditReceipt>;
  readonly #clicks: Map<string, number>;
  /** What tombstones were before, for good: a row keeps more of it than a tombstone tells. */
  readonly #before: Map<string, LinkRecord>;
  readonly #kept: Map<string, KeptLink>;

  /** `sharing`: this store keeps its rows where that one does, as another process of one database. */
  constructor(sharing?: MemoryLinkStore, { clock = { nowMs: Date.now }, newNonce }: MemoryLinkStoreOptions = {}) {
    this.#clock = sharing ? sharing.#clock : clock;
    this.#rows = sharing ? sharing.#rows : new Map();
    this.#insertIds = sharing ? sharing.#insertIds : new Map();
    this.#receipts = sharing ? sharing.#receipts : new Map();
    this.#clicks = sharing ? sharing.#clicks : new Map();
    this.#before = sharing ? sharing.#before : new Map();
    this.#kept = sharing ? sharing.#kept : new Map();
    const find = (domainId: number, code: string) => withoutRecord(this.#rows.get(keyOf(domainId, code)));
    this.log = sharing ? sharing.log : new MemoryChangeLog({ find, ...(newNonce && { newNonce }) });
  }

  /** Number of rows, tombstones included. */
  get size(): number {
    return this.#rows.size;
  }

  async insert(link: NewLink): Promise<InsertOutcome> {
    await this.#arrive({ call: 'insert', code: link.code });
    if (typeof link.longUrl !== 'string' || link.code.length > 64) {
      throw new StoreUnavailableError('the row does not fit its columns');
    }
    const key = keyOf(link.domainId, link.code);
    const met = this.#rows.get(key);
    if (met === undefined) {
      const made = insertedNew(link);
      this.#rows.set(key, made.link);
      this.#insertIds.set(key, link.insertId);
      return made;
    }
    return insertMet(link, met, this.#insertIds.get(key) as string);
  }

  async find(domainId: number, code: string): Promise<StoredLink | undefined> {
    await this.#arrive({ call: 'find', code });
    return withoutRecord(this.#rows.get(keyOf(domainId, code)));
  }

  async read(domainId: number, code: string): Promise<StoredRecord | undefined> {
    await this.#arrive({ call: 'find', code });
    return this.#rows.get(keyOf(domainId, code));
  }

  async sight(domainId: number, code: string): Promise<Sighting | undefined> {
    await this.#arrive({ call: 'find', code });
    const link = withoutRecord(this.#rows.get(keyOf(domainId, code)));
    return link && { link, position: this.log.head(bucketOf(domainId, code)), lagMs: 0 };
  }

  async edit(
    domainId: number,
    code: string,
    changes: LinkChanges,
    ifVersions?: readonly number[],
    receipt?: EditReceipt,
  ): Promise<EditOutcome> {
    await this.#arrive({ call: 'edit', code });
    const key = keyOf(domainId, code);
    const met = this.#rows.get(key);
    if (met === undefined) return { outcome: 'missing' };
    const keptUnder = `${key}:${receipt?.keyHash}`;
    if (receipt !== undefined && met.state === 'live') {
      const repeated = judgeReceipt(met, receipt, this.#receipts.get(keptUnder));
      if (repeated !== undefined) return repeated;
    }
    const judged = judgeEdit(met, changes, ifVersions);
    if (judged.outcome === 'edited') this.#change(judged.link);
    if (receipt !== undefined && isMade(judged)) this.#receipts.set(keptUnder, receipt);
    return judged;
  }

  async click(
    { domainId, code, version }: Pick<Link, 'domainId' | 'code' | 'version'>,
    most: number,
    isCounted: boolean,
  ): Promise<ClickOutcome> {
    await this.#arrive({ call: 'click', code });
    const key = keyOf(domainId, code);
    const met = this.#rows.get(key);
    if (met?.state !== 'live' || met.version !== version) return 'changed';
    const clicks = this.#clicks.get(key) ?? 0;
    if (clicks >= most) return 'spent';
    if (isCounted) this.#clicks.set(key, clicks + 1);
    return 'counted';
  }

  async forgetReceipts(beforeMs: number, limit: number): Promise<number> {
    const old = [...this.#receipts].filter(([, { atMs }]) => atMs < beforeMs).slice(0, limit);
    for (const [key] of old) this.#receipts.delete(key);
    return old.length;
  }

  async remove(
    domainId: number,
    code: string,
    ifVersions?: readonly number[],
    keptAtMs?: number,
  ): Promise<RemoveOutcome> {
    await this.#arrive({ call: 'remove', code });
    const key = keyOf(domainId, code);
    const met = this.#rows.get(key);
    if (met === undefined) return { outcome: 'missing' };
    if (met.state === 'deleted') return { outcome: 'already-removed', tombstone: met };
    if (!isOfVersion(met, ifVersions)) return { outcome: 'conflict', link: met };
    const tombstone: Tombstone = { state: 'deleted', domainId, code, version: met.version + 1 };
    this.#before.set(key, met);
    const { longUrl, terms, details } = met;
    if (keptAtMs !== undefined) this.#kept.set(key, { longUrl, terms, details, deletedAtMs: keptAtMs });
    this.#change(tombstone);
    return { outcome: 'removed', tombstone };
  }

  readonly deleted: DeletedLinks = {
    read: async (domainId, code) => {
      await this.#arrive({ call: 'find', code });
      const key = keyOf(domainId, code);
      const row = this.#deletedRow(key);
      if (row?.state !== 'deleted') return undefined;
      const { counter, createdAtMs: _, expiresAtMs: __, redirectStatus: ___, owner, ...tombstone } = row;
      return { tombstone, kind: kindOfDeleted({ counter }), owner, keptSinceMs: this.#kept.get(key)?.deletedAtMs };
    },
    restore: async (tombstone, sinceMs) => {
      await this.#arrive({ call: 'edit', code: tombstone.code });
      const key = keyOf(tombstone.domainId, tombstone.code);
      const judged = judgeRestore(this.#deletedRow(key), this.#kept.get(key), tombstone, sinceMs);
      if (judged.outcome === 'restored') this.#bringBack(judged.link);
      return judged;
    },
    erase: async ({ domainId, code, version }) => {
      await this.#arrive({ call: 'remove', code });
      const key = keyOf(domainId, code);
      const row = this.#rows.get(key);
      if (row?.state === 'deleted' && row.version === version) this.#kept.delete(key);
    },
    revive: async (link, sinceMs) => {
      await this.#arrive({ call: 'edit', code: link.code });
      const key = keyOf(link.domainId, link.code);
      const row = this.#deletedRow(key);
      if (row === undefined) throw new Error(`there is no row of ${link.code}`);
      const judged = judgeRevival(row, this.#kept.get(key), link, sinceMs);
      if (judged.outcome === 'revived') {
        this.#insertIds.set(key, link.insertId);
        this.#clicks.delete(key);
        this.#bringBack(judged.link);
      }
      return judged;
    },
    forget: async (beforeMs, limit) => {
      const old = [...this.#kept].filter(([, { deletedAtMs }]) => deletedAtMs < beforeMs).slice(0, limit);
      for (const [key] of old) this.#kept.delete(key);
      return old.length;
    },
  };

  #deletedRow(key: string) {
    const met = this.#rows.get(key);
    const before = this.#before.get(key);
    if (met?.state !== 'deleted' || before === undefined) return met?.state === 'live' ? met : undefined;
    const { counter, createdAtMs, expiresAtMs, redirectStatus, owner } = before;
    return { ...met, counter, createdAtMs, expiresAtMs, redirectStatus, owner };
  }

  #bringBack(link: LinkRecord): void {
    const key = keyOf(link.domainId, link.code);
    this.#kept.delete(key);
    this.#before.delete(key);
    this.#change(link);
  }

  /** Everything that is in it now, its log too; the function makes it so again, as a database that is restored from a backup. */
  copy(): () => void {
    const maps = [this.#rows, this.#insertIds, this.#receipts, this.#clicks, this.#before, this.#kept];
    const kept = maps.map((map) => [map, [...map]] as const);
    const restoreLog = this.log.copy();
    return () => {
      for (const [map, entries] of kept) {
        map.clear();
        for (const [key, value] of entries) (map as Map<string, unknown>).set(key, value);
      }
      restoreLog();
    };
  }

  /** An edit behind everybody's back, the log's too. */
  overwrite(link: LinkRecord): void {
    this.#rows.set(keyOf(link.domainId, link.code), link);
  }

  #change(link: StoredRecord): void {
    this.#rows.set(keyOf(link.domainId, link.code), link);
    this.log.append(link, this.#clock.nowMs());
  }

  async #arrive(call: StoreCall): Promise<void> {
    this.calls.push(call);
    await this.gate?.(call);
  }
}

/** As who follows links sees it. */
function withoutRecord(stored: StoredRecord | undefined): StoredLink | undefined {
  if (stored === undefined || stored.state === 'deleted') return stored;
  const { owner: _, details: __, ...link } = stored;
  return link;
}

function keyOf(domainId: number, code: string): string {
  return `${domainId}:${code}`;
}
