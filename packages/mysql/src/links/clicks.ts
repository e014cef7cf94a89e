/** How often links were followed that may be followed so often only. It is no change of the link: neither its version nor the log tells of it. */
import type { Link } from '@lakh/links';
import type { Session } from '../wire/connection.js';
import { integerLiteral } from '../wire/sql.js';
import { KIND_DELETED, whereCode } from './rows.js';

type Followed = Pick<Link, 'domainId' | 'code' | 'version'>;

/** One more, if there were fewer than `most`. The row's lock makes of any number at once one after the other. */
export async function countClick(session: Session, link: Followed, most: number): Promise<boolean> {
  const { affectedRows } = await session.query(
    `UPDATE links SET clicks=clicks+1 WHERE ${whereVersion(link)} AND clicks<${integerLiteral(most)}`,
    true,
  );
  return affectedRows === 1;
}

/** Undefined: it is no link of this version. */
export async function clicksOf(session: Session, link: Followed): Promise<number | undefined> {
  const { rows } = await session.query(`SELECT clicks FROM links WHERE ${whereVersion(link)}`);
  return rows[0] && Number(rows[0][0]);
}

function whereVersion({ domainId, code, version }: Followed): string {
  return `${whereCode(domainId, code)} AND version=${integerLiteral(version)} AND kind<>${KIND_DELETED}`;
}
