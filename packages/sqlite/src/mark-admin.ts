import type { MarkAdmin, MarkInspection, Unreadable } from '@lakh/id-range';
import type { Connection, Row } from './connection.js';
import { isHeight, WITNESS_ERRORS } from './marks.js';

/** What was read, exactly; bound to the connection that read it, so that it means nothing after the file was opened again (I2). */
export interface ReadRow {
  readonly connection: Connection;
  readonly row: Row | undefined;
}

/** The first witness as an operator's tools see it: damaged or not, and to be raised. */
export function openMarkAdmin(connection: Connection, namespace: string): MarkAdmin {
  const select = connection.prepare('SELECT next, ledgered, cluster_id, version FROM marks WHERE namespace = ?');
  const update = connection.prepare(
    'UPDATE marks SET next = ?, ledgered = ?, cluster_id = ?, version = version + 1 WHERE namespace = ? AND version = ?',
  );
  const insert = connection.prepare(
    'INSERT INTO marks (namespace, next, ledgered, cluster_id, version) VALUES (?, ?, ?, ?, 1)',
  );

  return {
    async inspect(): Promise<MarkInspection> {
      const row = connection.read(WITNESS_ERRORS, () => select.get([namespace]));
      const version: ReadRow = { connection, row };
      if (row === undefined) return { mark: 'missing', clusterId: 'missing', version };
      const [next, ledgered, clusterId] = row;
      const isMark = isHeight(next) && isHeight(ledgered, 0);
      return {
        mark: isMark ? { next, ledgered } : { unreadable: `${String(next)} ${String(ledgered)}` },
        clusterId: readableId(clusterId),
        version,
      };
    },

    async put(version, mark, clusterId) {
      const { connection: readOn, row } = version as ReadRow;
      if (readOn !== connection) return 'stale';
      return connection.write(WITNESS_ERRORS, () => {
        const present = select.get([namespace]);
        if (row === undefined) {
          if (present !== undefined) return 'stale';
          insert.run([namespace, mark.next, mark.ledgered, clusterId]);
          return 'written';
        }
        const changes = update.run([mark.next, mark.ledgered, clusterId, namespace, row[3] as number]).changes;
        return changes === 1 ? 'written' : 'stale';
      });
    },
  };
}

/** A cluster id, or what stands in its place. */
export function readableId(value: unknown): string | Unreadable {
  return typeof value === 'string' && value !== '' ? value : { unreadable: String(value) };
}
