/** The database of links and its log: a primary, a replica that lags, losses of the end. Every commit is kept, so that any of them can come back. */
import {
  bucketOf,
  type ChangeLog,
  DEFAULT_DOMAIN_ID,
  type LogPosition,
  type LogReading,
  type LogRow,
  type StoredLink,
} from '@lakh/links';
import type { SimulatedClock } from '@lakh/testkit';
import type { Truth } from './truth.js';

interface Row extends Omit<LogRow, 'link'> {
  readonly previous: string;
}

/** As of one commit. */
interface Image {
  readonly committedMs: number;
  readonly links: ReadonlyMap<string, StoredLink>;
  readonly heads: ReadonlyMap<number, LogPosition>;
  readonly rows: readonly Row[];
}

export interface CopyDatabaseOptions {
  readonly time: SimulatedClock;
  readonly truth: Truth;
  readonly newNonce: () => string;
  readonly codes: readonly string[];
  readonly buckets: readonly number[];
  /** Whether a code is made again that was lost with the end of the log. */
  readonly remakesLost: boolean;
}

type Asked = Parameters<ChangeLog['read']>[0];

const REPLICATION_MS = 4;
const BORN_MS = 1_700_000_000_000;

export class CopyDatabase {
  frozenUntilMs = 0;
  /** The replica applies nothing before. */
  replicaStopsUntilMs = 0;
  readonly #options: CopyDatabaseOptions;
  /** One a commit; the last is the primary's present. */
  #history: Image[];
  /** Which of them the replica has. */
  #replicaAt = 0;
  readonly #forgotten = new Set<string>();
  #serial = 0;

  /** `codes` but the last are links from the start. */
  constructor(options: CopyDatabaseOptions) {
    this.#options = options;
    const { codes, buckets, newNonce } = options;
    const heads = new Map(buckets.map((bucket) => [bucket, { seq: 0, nonce: newNonce() }]));
    const links = new Map(codes.slice(0, -1).map((code) => [code, this.#linkOf(code, 1)]));
    for (const link of links.values()) options.truth.replaced(undefined, link);
    this.#history = [{ committedMs: 0, links, heads, rows: [] }];
    this.#place();
  }

  /** What the primary has. */
  find(code: string): { link: StoredLink; position: LogPosition } | undefined {
    return this.#findIn(this.#now, code);
  }

  findOnReplica(code: string): { link: StoredLink; position: LogPosition } | undefined {
    return this.#findIn(this.#history[this.#replicaAt] as Image, code);
  }

  /** How long ago the oldest commit was that the replica lacks. */
  replicaLagMs(): number {
    const lacks = this.#history[this.#replicaAt + 1];
    return lacks === undefined ? 0 : this.#options.time.monotonicMs() - lacks.committedMs;
  }

  edit(code: string): StoredLink | undefined {
    const link = this.#now.links.get(code);
    return link?.state === 'live' ? this.#commit(this.#linkOf(code, link.version + 1), true) : undefined;
  }

  remove(code: string): StoredLink | undefined {
    const link = this.#now.links.get(code);
    if (link?.state !== 'live') return undefined;
    return this.#commit({ state: 'deleted', domainId: DEFAULT_DOMAIN_ID, code, version: link.version + 1 }, true);
  }

  /** What was deleted is a link again, as it was: of another version than it ever had, and no other way than this one. */
  undelete(code: string): StoredLink | undefined {
    const { links } = this.#now;
    const tombstone = links.get(code);
    const was = this.#history.findLast((image) => image.links.get(code)?.state === 'live')?.links.get(code);
    if (tombstone?.state !== 'deleted' || was === undefined) return undefined;
    return this.#commit({ ...was, version: tombstone.version + 1 }, true);
  }

  create(code: string): StoredLink | undefined {
    const { remakesLost, truth } = this.#options;
    if (this.#now.links.has(code) || (truth.isLost(code) && !remakesLost)) return undefined;
    return this.#commit(this.#linkOf(code, 1), false);
  }

  read(asked: Asked, maxRows: number): readonly LogReading[] {
    const { heads, links, rows } = this.#now;
    return asked.map(({ bucket, after }) => {
      const head = heads.get(bucket) as LogPosition;
      const nothing = { bucket, head, continues: false, rows: [] };
      if (after === undefined || after.seq > head.seq) return nothing;
      const later = rows.filter((row) => bucketOf(row.domainId, row.code) === bucket && row.seq > after.seq);
      let last = after.nonce;
      for (const [i, row] of later.entries()) {
        if (this.#forgotten.has(row.nonce) || row.seq !== after.seq + 1 + i || row.previous !== last) return nothing;
        last = row.nonce;
      }
      if (last !== head.nonce) return nothing;
      const brought = later.slice(0, maxRows).map(({ previous: _, ...row }) => ({ ...row, link: links.get(row.code) }));
      return { bucket, head, continues: true, rows: brought };
    });
  }

  forgetRows(): void {
    for (const { nonce } of this.#now.rows) this.#forgotten.add(nonce);
  }

  /** The replica becomes the primary, with what it has. @returns how many commits were lost */
  failOver(): number {
    return this.#cutTo(this.#replicaAt);
  }

  restore(commitsBack: number): number {
    return this.#cutTo(Math.max(0, this.#history.length - 1 - commitsBack));
  }

  get #now(): Image {
    return this.#history.at(-1) as Image;
  }

  #findIn({ links, heads }: Image, code: string) {
    const link = links.get(code);
    return link && { link, position: heads.get(bucketOf(DEFAULT_DOMAIN_ID, code)) as LogPosition };
  }

  /** Each with a URL of its own, so that it can be told what was served. */
  #linkOf(code: string, version: number): StoredLink {
    this.#serial += 1;
    return {
      state: 'live',
      domainId: DEFAULT_DOMAIN_ID,
      code,
      kind: 'alias',
      counter: 0,
      longUrl: `https://example.com/${code}/${this.#serial}`,
      createdAtMs: BORN_MS,
      expiresAtMs: null,
      redirectStatus: null,
      terms: null,
      version,
    };
  }

  #commit(link: StoredLink, isLogged: boolean): StoredLink {
    const { time, truth, newNonce } = this.#options;
    const { links, heads, rows } = this.#now;
    const bucket = bucketOf(link.domainId, link.code);
    truth.replaced(links.get(link.code), link);
    const { seq, nonce: previous } = heads.get(bucket) as LogPosition;
    const head = isLogged ? { seq: seq + 1, nonce: newNonce() } : { seq, nonce: previous };
    const { domainId, code, version } = link;
    this.#history.push({
      committedMs: time.monotonicMs(),
      links: new Map(links).set(code, link),
      heads: new Map(heads).set(bucket, head),
      rows: isLogged ? [...rows, { ...head, previous, domainId, code, version }] : rows,
    });
    this.#place();
    this.#replicateSoon();
    return link;
  }

  #replicateSoon(): void {
    const { time } = this.#options;
    time.schedule(REPLICATION_MS, () => {
      if (time.monotonicMs() < this.replicaStopsUntilMs) return this.#replicateSoon();
      this.#replicaAt = Math.min(this.#replicaAt + 1, this.#history.length - 1);
    });
  }

  #cutTo(index: number): number {
    const before = this.#now;
    const lost = this.#history.length - 1 - index;
    this.#history = this.#history.slice(0, index + 1);
    this.#replicaAt = Math.min(this.#replicaAt, index);
    for (const code of this.#options.codes) {
      this.#options.truth.undone(before.links.get(code), this.#now.links.get(code));
    }
    this.#place();
    return lost;
  }

  #place(): void {
    for (const [bucket, head] of this.#now.heads) this.#options.truth.place(bucket, head, this.#now.links.values());
  }
}
