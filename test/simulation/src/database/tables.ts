/** The tables that ledger and facts live in, as far as their statements look at them. Rows are never changed, only replaced. */

export interface HeadRow {
  readonly head: number;
  readonly clusterId: string;
  readonly revision: number;
}

export interface LeaseRow {
  readonly start: number;
  readonly end: number;
  readonly serverId: string;
  readonly host: string;
  readonly processStartMs: number;
  readonly leasedAtMs: number;
  readonly witnessVersion: number;
  readonly codec: string;
  readonly state: string;
}

export interface LinkRow {
  readonly code: string;
  readonly kind: 'generated' | 'alias';
  readonly counter: number;
  readonly longUrl: string;
}

export class Tables {
  /** By namespace, as everything here. */
  readonly heads: Map<string, HeadRow>;
  /** Sorted by start. */
  readonly leases: Map<string, LeaseRow[]>;
  /** Primary keys only. */
  readonly releases: Set<string>;
  readonly facts: Map<string, string>;
  readonly links: Map<string, LinkRow>;
  #written: LeaseRow[] = [];

  /** `sharesLinks`: for a look at tables whose links do not change meanwhile. */
  constructor(from?: Tables, sharesLinks = false) {
    this.heads = new Map(from?.heads);
    this.leases = new Map();
    for (const [namespace, rows] of from?.leases ?? []) this.leases.set(namespace, [...rows]);
    this.releases = new Set(from?.releases);
    this.facts = new Map(from?.facts);
    this.links = from !== undefined && sharesLinks ? from.links : new Map(from?.links);
  }

  leasesOf(namespace: string): readonly LeaseRow[] {
    return this.leases.get(namespace) ?? [];
  }

  /** The last of those that start below `counter`. */
  lastBelow(namespace: string, counter: number): LeaseRow | undefined {
    const rows = this.leasesOf(namespace);
    return rows[placeOf(rows, counter) - 1];
  }

  leaseAt(namespace: string, start: number): LeaseRow | undefined {
    const rows = this.leasesOf(namespace);
    const row = rows[placeOf(rows, start)];
    return row?.start === start ? row : undefined;
  }

  /** Adds the row, or puts it in the place of the one that starts where it does. */
  putLease(namespace: string, row: LeaseRow): void {
    const rows = this.leases.get(namespace) ?? [];
    this.leases.set(namespace, rows);
    const place = placeOf(rows, row.start);
    this.#written.push(row);
    rows.splice(place, rows[place]?.start === row.start ? 1 : 0, row);
  }

  /** The leases that were put since the last time. */
  takeWritten(): readonly LeaseRow[] {
    const written = this.#written;
    this.#written = [];
    return written;
  }

  hasGeneratedLink(): boolean {
    for (const { counter } of this.links.values()) if (counter > 0) return true;
    return false;
  }
}

/** The index of the first row that starts at `start` or later. */
function placeOf(rows: readonly LeaseRow[], start: number): number {
  let place = rows.length;
  while (place > 0 && (rows[place - 1] as LeaseRow).start >= start) place -= 1;
  return place;
}
