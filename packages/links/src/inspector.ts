/** A row of links as it is stored, for an operator who asks where a code comes from. */
export interface InspectedLink {
  readonly domainId: number;
  readonly code: string;
  readonly kind: 'generated' | 'alias' | 'deleted';
  /** 0: it was never made from a counter. */
  readonly counter: number;
  /** Empty once it is deleted. */
  readonly longUrl: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly redirectStatus: number | null;
  readonly version: number;
  /** Who created it, as `Actor.owner` has it. */
  readonly owner: string;
  /** Which database or file holds it; carries no password. */
  readonly place: string;
}

/** Reads for operators: from primaries, past every cache, changing nothing. Errors as for `LinkStore`. */
export interface LinkInspector {
  record(domainId: number, code: string): Promise<InspectedLink | undefined>;
}
