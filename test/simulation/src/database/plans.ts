/** What statements come to: what they need, look at and change. */
import type { LeaseRow, Tables } from './tables.js';

/** What a statement needs before it runs, what it answers, and what it changes at the commit. */
export interface Plan {
  /** Rows that have to be locked first: nobody else's transaction holds them then. */
  readonly locks: readonly string[];
  /** Looks at the tables as this session sees them. */
  run(tables: Tables): Effect;
}

export interface Effect {
  readonly rows?: readonly (readonly unknown[])[];
  readonly affectedRows?: number;
  /** Applied at the commit, and meanwhile to what the session itself sees. */
  readonly write?: (tables: Tables) => void;
  readonly isDuplicate?: boolean;
}

export type Value = string | number;

export const text = (value: Value | undefined): string => String(value);
export const number = (value: Value | undefined): number => Number(value);
export const headKey = (namespace: Value | undefined): string => `head ${namespace}`;
export const leaseKey = (namespace: Value | undefined, start: Value | undefined): string =>
  `lease ${namespace} ${start}`;
export const factKey = (name: Value | undefined): string => `fact ${name}`;
export const NOTHING: Effect = { rows: [], affectedRows: 0 };
export const one = (write: (tables: Tables) => void): Effect => ({ affectedRows: 1, write });

/** `values` of a question about links: its number, the 0 of COALESCE, and one bound or two. */
const QUESTION_VALUES = { all: 3, within: 4 };

export function questions(values: readonly Value[]): Plan {
  if (values.length % QUESTION_VALUES.within !== 0) throw new Error('only questions about ranges are asked together');
  return {
    locks: [],
    run: (tables) => {
      const rows: unknown[][] = [];
      for (let i = 0; i < values.length; i += QUESTION_VALUES.within) {
        rows.push([values[i], highest(tables, number(values[i + 2]), number(values[i + 3]))]);
      }
      return { rows };
    },
  };
}

export function highest(tables: Tables, from: number, end = Number.POSITIVE_INFINITY): number {
  let found = 0;
  for (const { counter } of tables.links.values())
    if (counter >= from && counter < end) found = Math.max(found, counter);
  return found;
}

export function insertHead(
  tables: Tables,
  namespace: Value | undefined,
  head: Value | undefined,
  id: Value | undefined,
): Effect {
  if (tables.heads.has(text(namespace))) return { isDuplicate: true };
  return one((now) => now.heads.set(text(namespace), { head: number(head), clusterId: text(id), revision: 0 }));
}

export function insertLeases(namespace: Value | undefined, rows: readonly LeaseRow[]): Plan {
  return {
    locks: rows.map(({ start }) => leaseKey(namespace, start)),
    run: (tables) => {
      if (rows.some(({ start }) => tables.leaseAt(text(namespace), start) !== undefined)) return { isDuplicate: true };
      return {
        affectedRows: rows.length,
        write: (now) => {
          for (const row of rows) now.putLease(text(namespace), row);
        },
      };
    },
  };
}

export function changeLease(
  namespace: Value | undefined,
  start: Value | undefined,
  isMeant: (row: LeaseRow) => boolean,
  change: Partial<LeaseRow>,
): Plan {
  return {
    locks: [leaseKey(namespace, start)],
    run: (tables) => {
      const row = tables.leaseAt(text(namespace), number(start));
      if (row === undefined || !isMeant(row)) return NOTHING;
      return one((now) => now.putLease(text(namespace), { ...row, ...change }));
    },
  };
}

/** `isThere`: whether the statement changes a row or makes one. */
export function putFact(name: Value | undefined, value: Value | undefined, isThere: boolean): Plan {
  return {
    locks: [factKey(name)],
    run: (tables) => {
      if (tables.facts.has(text(name)) === isThere) return one((now) => now.facts.set(text(name), text(value)));
      return isThere ? NOTHING : { isDuplicate: true };
    },
  };
}

export function asLease(values: readonly (Value | undefined)[]): LeaseRow {
  const [start, end, processStartMs, leasedAtMs, witnessVersion, serverId, host, codec, state] = values;
  return {
    start: number(start),
    end: number(end),
    processStartMs: number(processStartMs),
    leasedAtMs: number(leasedAtMs),
    witnessVersion: number(witnessVersion),
    serverId: text(serverId),
    host: text(host),
    codec: text(codec),
    state: text(state),
  };
}

export function asRow(row: LeaseRow): unknown[] {
  const { start, end, serverId, host, processStartMs, leasedAtMs, witnessVersion, codec, state } = row;
  return [start, end, serverId, host, processStartMs, leasedAtMs, witnessVersion, codec, state];
}
