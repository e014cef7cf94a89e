import type { NewLink } from '@lakh/links';
import type { Pool } from '../src/index.js';

/** The statements by which release 0.1.0 keeps links, as it sends them: its servers run beside those of this release while these replace them. */
export function createReleasedStore(pool: Pool) {
  const whereCode = (code: string) => `domain_id=0 AND code='${code}'`;

  async function write({ code }: NewLink, set: string): Promise<void> {
    await pool.transaction(async (session) => {
      const { rows } = await session.query(
        `SELECT domain_id,code,kind,counter,long_url,created_at_ms,expires_at_ms,redirect_status,version,HEX(insert_id) FROM links WHERE domain_id=0 AND code IN ('${code}') FOR UPDATE`,
      );
      const version = Number(rows[0]?.[8]) + 1;
      await session.query(`UPDATE links SET ${set}, version=${version}, changed_at_ms=1 WHERE ${whereCode(code)}`);
      const superseded = await session.query(
        `UPDATE invalidations SET version=${version}, created_at_ms=1 WHERE ${whereCode(code)}`,
      );
      if (superseded.affectedRows > 0) return;
      await session.query(
        `INSERT INTO invalidations (domain_id, code, version, created_at_ms) VALUES (0,'${code}',${version},1)`,
      );
    });
  }

  return {
    async insert(links: readonly NewLink[]): Promise<void> {
      const rows = links.map(
        ({ code, counter, insertId, longUrl }) => `(0,'${code}',1,${counter},x'${insertId}','${longUrl}',1,0,0)`,
      );
      await pool.run((session) =>
        session.query(
          `INSERT INTO links (domain_id,code,kind,counter,insert_id,long_url,created_at_ms,expires_at_ms,redirect_status) VALUES ${rows}`,
          true,
        ),
      );
    },

    /** Code and kind of each, in the order that was asked for. */
    async find(codes: readonly string[]): Promise<readonly unknown[]> {
      const { rows } = await pool.read((session) =>
        session.query(
          `SELECT domain_id,code,kind,counter,long_url,created_at_ms,expires_at_ms,redirect_status,version,HEX(insert_id) FROM links WHERE domain_id=0 AND code IN (${codes.map((code) => `'${code}'`)})`,
        ),
      );
      return codes.map((code) => [code, rows.find((row) => row[1] === code)?.[2]]);
    },

    edit: (link: NewLink, longUrl: string) => write(link, `long_url='${longUrl}', expires_at_ms=0, redirect_status=0`),

    remove: (link: NewLink) => write(link, "kind=3, long_url=''"),

    pending: () =>
      pool.read((session) =>
        session.query('SELECT domain_id, code, version FROM invalidations ORDER BY created_at_ms LIMIT 200'),
      ),
  };
}
