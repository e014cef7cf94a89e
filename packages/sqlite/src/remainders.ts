import type { RemainderStore } from '@lakh/id-range';
import type { Connection } from './connection.js';
import { isHeight, WITNESS_ERRORS } from './marks.js';

/** The first witness's remainders: one row each, made once by its owner and deleted once by whoever claims it. */
export function openRemainderStore(connection: Connection, namespace: string): RemainderStore {
  const select = connection.prepare(
    'SELECT range_start, range_end FROM remainders WHERE namespace = ? ORDER BY range_start, range_end LIMIT ?',
  );
  const insert = connection.prepare(
    'INSERT INTO remainders (namespace, range_start, range_end) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const remove = connection.prepare('DELETE FROM remainders WHERE namespace = ? AND range_start = ? AND range_end = ?');

  return {
    async list(limit) {
      const rows = connection.read(WITNESS_ERRORS, () => select.all([namespace, limit]));
      const remainders = rows
        .map(([start, end]) => ({ start, end }))
        .filter(isRange)
        // Bound to the connection, as a mark's version is: after the file was closed and opened again it means nothing (I2).
        .map((range) => ({ range, version: connection }));
      return { remainders, malformed: rows.length - remainders.length };
    },

    async publish(range) {
      if (!isRange(range)) throw new RangeError(`not a range: [${range.start}, ${range.end})`);
      const { changes } = connection.write(WITNESS_ERRORS, () => insert.run([namespace, range.start, range.end]));
      return changes === 1 ? 'published' : 'exists';
    },

    async claim({ range, version }) {
      if (version !== connection) return 'gone';
      const { changes } = connection.write(WITNESS_ERRORS, () => remove.run([namespace, range.start, range.end]));
      return changes === 1 ? 'claimed' : 'gone';
    },
  };
}

function isRange(range: { start: unknown; end: unknown }): range is { start: number; end: number } {
  return isHeight(range.start) && isHeight(range.end) && range.start < range.end;
}
