import { bucketOf, type NewLink } from '@lakh/links';
import { SampleLinks } from '@lakh/testkit';
import { createMysqlChangeLog, createMysqlLinkStore, type MysqlLinkStore, type Pool } from '../src/index.js';
import { bury, edit } from '../src/links/changes.js';
import { Session } from '../src/wire/connection.js';
import type { TestDatabase } from './database.js';

const NOW_MS = 1_790_000_000_000;
const BATCHES = 30;
const LINKS_A_BATCH = 40;

/** What MySQL's own way of writing and reading the log has to keep, beside the contract of its port. */
export function describeChanges(open: () => { readonly database: TestDatabase; readonly pool: Pool }): void {
  const sample = new SampleLinks();
  let opened: MysqlLinkStore | undefined;
  const store = () => {
    opened ??= createMysqlLinkStore({ pool: open().pool, clock: { nowMs: () => NOW_MS } });
    return opened;
  };

  async function inserted(count: number, prefix: string): Promise<readonly NewLink[]> {
    const links = Array.from({ length: count }, (_, i) => sample.generated({ code: `${prefix}${i}` }));
    await Promise.all(links.map((link) => store().insert(link)));
    return links;
  }

  async function headsOf(links: readonly { readonly code: string }[]) {
    const buckets = [...new Set(links.map(({ code }) => bucketOf(0, code)))];
    const readings = await createMysqlChangeLog({ pool: open().pool }).read(
      buckets.map((bucket) => ({ bucket, after: undefined })),
      1,
    );
    return readings.map(({ bucket, head }) => ({ bucket, after: head }));
  }

  describe('changes of several links in one transaction', () => {
    test('have an outcome each, in the order that was asked for, and a row each in the log', async () => {
      const { pool } = open();
      const links = await inserted(100, 'several');
      await store().remove(0, links[7]!.code);
      await store().edit(0, links[8]!.code, { redirectStatus: 307 });
      const before = await headsOf(links);
      const subjects = [
        ...links.map(({ code }, i) => ({ domainId: 0, code, ...(i === 8 && { ifVersions: [1] }) })),
        { domainId: 0, code: 'severalNot' },
        { domainId: 3, code: links[0]!.code },
      ].reverse();
      const outcomes = await pool.transaction((session) => bury(session, subjects, NOW_MS));
      const told = outcomes.map(({ outcome }) => outcome).reverse();
      expect(told.slice(7, 9)).toEqual(['already-removed', 'conflict']);
      expect(told.slice(-2)).toEqual(['missing', 'missing']);
      expect(told.filter((outcome) => outcome === 'removed')).toHaveLength(98);
      const readings = await createMysqlChangeLog({ pool }).read(before, 100);
      expect(readings.map(({ continues }) => continues)).toEqual(readings.map(() => true));
      const rows = readings.flatMap((reading) => reading.rows);
      expect(new Set(rows.map(({ code }) => code)).size).toBe(98);
      for (const { code, link } of rows) {
        const now = await store().find(0, code);
        expect([link, now?.state]).toEqual([now, 'deleted']);
      }
    });

    test('are all made, or none', async () => {
      const { pool, database } = open();
      const links = await inserted(5, 'allOrNone');
      await database.sql("UPDATE links SET kind=9 WHERE code='allOrNone3'");
      const before = await headsOf(links);
      const subjects = links.map(({ code }) => ({ domainId: 0, code }));
      await expect(pool.transaction((session) => bury(session, subjects, NOW_MS))).rejects.toThrow('kind 9');
      expect(await headsOf(links)).toEqual(before);
      expect(await store().find(0, links[0]!.code)).toMatchObject({ state: 'live' });
      await database.sql("DELETE FROM links WHERE code='allOrNone3'");
    });

    test('never wait for each other in a circle, nor for who edits, inserts, reads and forgets beside them', async () => {
      const { pool } = open();
      const links = await inserted(300, 'crossing');
      const before = await headsOf(links);
      const drawn = () => {
        const rest = [...links];
        return Array.from({ length: LINKS_A_BATCH }, () => rest.splice(Math.floor(Math.random() * rest.length), 1)[0]!);
      };
      const log = createMysqlChangeLog({ pool });
      let isOver = false;
      const beside = (work: () => Promise<unknown>) => async () => {
        while (!isOver) await work();
      };
      const editing = beside(() => {
        const code = links[Math.floor(Math.random() * links.length)]!.code;
        const subject = { domainId: 0, code };
        const longUrl = `https://example.com/${Math.random()}`;
        return pool.transaction((session) => edit(session, subject, { longUrl }, NOW_MS));
      });
      const others = [
        editing(),
        editing(),
        beside(() => store().insert(sample.generated()))(),
        beside(() => log.read(before, 10))(),
        beside(() => log.forget(1, 100))(),
      ];
      // Nothing is tried again here: whoever the database ends for another's sake rejects.
      const batches = Promise.all(
        Array.from({ length: BATCHES }, () => {
          const subjects = drawn().map(({ code }) => ({ domainId: 0, code }));
          return pool.transaction((session) => bury(session, subjects, NOW_MS), 30_000);
        }),
      );
      await Promise.race([batches, Promise.all(others)]).finally(() => {
        isOver = true;
      });
      await Promise.all(others);
      const removed = (await batches).flat().filter(({ outcome }) => outcome === 'removed');
      const readings = await log.read(before, 1_000);
      for (const { continues } of readings) expect(continues).toBe(true);
      const rows = readings.flatMap((reading) => reading.rows);
      const deletions = rows.filter(({ link, version }) => link?.state === 'deleted' && link.version === version);
      expect(deletions).toHaveLength(removed.length);
    });
  });

  test('a change that the database ends for the sake of another is made all the same', async () => {
    const { pool } = open();
    const [link] = (await inserted(1, 'oncemore')) as [NewLink];
    // As a node of a Galera cluster ends what another one has changed first.
    const query = Session.prototype.query;
    let ended = 0;
    const spy = jest.spyOn(Session.prototype, 'query').mockImplementation(function (this: Session, sql, commits) {
      if (!sql.startsWith('UPDATE heads') || ended === 3) return query.call(this, sql, commits);
      ended += 1;
      return query.call(this, "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO=1213, MESSAGE_TEXT='ended'", commits);
    });
    try {
      expect(await store().remove(0, link.code)).toMatchObject({ outcome: 'removed' });
      expect(ended).toBe(3);
    } finally {
      spy.mockRestore();
    }
    expect(pool.available).toBe(true);
  });

  test('statements find links, heads and changes by their own keys, at any size', async () => {
    const { pool, database } = open();
    await database.sql(`
      INSERT INTO links (domain_id, code, kind, counter, insert_id, long_url, created_at_ms) SELECT 0, CONCAT('key', seq), 1, 9000000 + seq, 'x', 'https://example.com/', 1 FROM seq_0_to_19999;
      INSERT INTO changes SELECT CHAR(seq & 255), 1000000 + seq, 'x', 'x', 0, CONCAT('key', seq), 2, 1 FROM seq_0_to_19999;
      UPDATE heads SET seq=2000000;
      ANALYZE TABLE links, heads, changes`);
    const keys = Array.from({ length: 250 }, (_, i) => ({ domainId: 0, code: `key${i * 61}` }));
    const sent = await statementsOf(async () => {
      const finder = store();
      const found = await Promise.all(keys.map(({ domainId, code }) => finder.find(domainId, code)));
      expect(found.every((link) => link !== undefined)).toBe(true);
      await finder.find(0, 'key3');
      await finder.remove(0, 'key5');
      await finder.remove(0, 'key7', undefined, NOW_MS);
      expect(await finder.deleted.read(0, 'key7')).toMatchObject({ keptSinceMs: NOW_MS });
      const tombstone = { domainId: 0, code: 'key7', version: 2 };
      expect(await finder.deleted.restore(tombstone, NOW_MS)).toMatchObject({ outcome: 'restored' });
      await pool.transaction((session) => bury(session, keys, NOW_MS));
      const asked = Array.from({ length: 40 }, (_, bucket) => ({ bucket, after: { seq: 1_000_000, nonce: 'x' } }));
      await createMysqlChangeLog({ pool }).read(asked, 50);
    });
    const explained = sent.filter((sql) => /^\(?(SELECT|UPDATE)/.test(sql));
    expect(explained.length).toBeGreaterThan(9);
    for (const sql of explained) {
      const { rows } = await pool.run((session) => session.query(`EXPLAIN ${sql}`));
      for (const [, , table, type, , key] of rows) {
        // No table: all was found by whole keys before there was anything to plan. Of 256 heads all may be read.
        if (table === null || String(table).startsWith('<union') || ['h', 'heads'].includes(String(table))) continue;
        expect({ sql, table, key, type }).toEqual({
          sql,
          table,
          key: 'PRIMARY',
          type: expect.stringMatching(/^(const|eq_ref|ref|range)$/),
        });
      }
    }
  });

  async function statementsOf(work: () => Promise<void>): Promise<readonly string[]> {
    const sent: string[] = [];
    const query = Session.prototype.query;
    const spy = jest.spyOn(Session.prototype, 'query').mockImplementation(function (this: Session, sql, commits) {
      sent.push(sql);
      return query.call(this, sql, commits);
    });
    try {
      await work();
    } finally {
      spy.mockRestore();
    }
    return sent;
  }
}
