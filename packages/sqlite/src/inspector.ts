import { type CounterWitness, MAX_RANGES_ASKED } from '@lakh/id-range';
import type { InspectedLink, LinkInspector } from '@lakh/links';
import type { Connection } from './connection.js';
import { LINK_ERRORS } from './group-commit.js';
import { WITNESS_ERRORS } from './marks.js';
import { KIND } from './schema.js';

/** What the links say of counters. `feedsLinks` false: this namespace's counters never become links. */
export function openCounterWitness(connection: Connection, feedsLinks: boolean): CounterWitness {
  const within = connection.prepare(
    'SELECT max(counter) FROM links WHERE counter > 0 AND counter >= ? AND counter < ?',
  );
  const highest = (start: number, end: number): number =>
    feedsLinks ? connection.read(WITNESS_ERRORS, () => Number(within.get([start, end])?.[0] ?? 0)) : 0;
  return {
    highest: async () => highest(1, Number.MAX_SAFE_INTEGER),
    async highestWithin(ranges) {
      if (ranges.length > MAX_RANGES_ASKED) throw new RangeError(`${ranges.length} ranges are too many`);
      return ranges.map(({ start, end }) => highest(start, end));
    },
  };
}

/** Rows of links, as they are in the file. */
export function openInspector(connection: Connection, file: string): LinkInspector {
  const select = connection.prepare(
    'SELECT kind, counter, long_url, created_at_ms, expires_at_ms, redirect_status, version, owner FROM links WHERE domain_id = ? AND code = ?',
  );
  return {
    async record(domainId, code): Promise<InspectedLink | undefined> {
      const row = connection.read(LINK_ERRORS, () => select.get([domainId, code]));
      if (row === undefined) return undefined;
      return {
        domainId,
        code,
        kind: row[0] === KIND.generated ? 'generated' : row[0] === KIND.alias ? 'alias' : 'deleted',
        counter: row[1] as number,
        longUrl: row[2] as string,
        createdAtMs: row[3] as number,
        expiresAtMs: row[4] as number | null,
        redirectStatus: row[5] as number | null,
        version: row[6] as number,
        owner: row[7] as string,
        place: file,
      };
    },
  };
}
