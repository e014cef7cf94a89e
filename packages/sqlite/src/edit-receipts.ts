import { type EditOutcome, type EditReceipt, judgeReceipt, type LinkRecord } from '@lakh/links';
import type { Connection } from './connection.js';

/** Receipts of edits, each call in its caller's transaction. */
export interface EditReceipts {
  judge(present: LinkRecord, receipt: EditReceipt): EditOutcome | undefined;
  keep(domainId: number, code: string, receipt: EditReceipt): void;
  forget(beforeMs: number, limit: number): number;
}

export function openEditReceipts(connection: Connection): EditReceipts {
  const select = connection.prepare(
    'SELECT request_hash, at_ms FROM edit_receipts WHERE domain_id = ? AND code = ? AND key_hash = ?',
  );
  const replace = connection.prepare(
    'REPLACE INTO edit_receipts (domain_id, code, key_hash, request_hash, at_ms) VALUES (?, ?, ?, ?, ?)',
  );
  const drop = connection.prepare(
    `DELETE FROM edit_receipts WHERE (domain_id, code, key_hash) IN
       (SELECT domain_id, code, key_hash FROM edit_receipts WHERE at_ms < ? ORDER BY at_ms LIMIT ?)`,
  );

  return {
    judge(present, receipt) {
      const row = select.get([present.domainId, present.code, receipt.keyHash]);
      const kept = row && { requestHash: row[0] as string, atMs: row[1] as number };
      return judgeReceipt(present, receipt, kept);
    },
    keep: (domainId, code, { keyHash, requestHash, atMs }) =>
      void replace.run([domainId, code, keyHash, requestHash, atMs]),
    forget: (beforeMs, limit) => drop.run([beforeMs, limit]).changes,
  };
}
