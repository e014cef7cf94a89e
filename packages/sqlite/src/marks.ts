import {
  COUNTER_SPACE_END,
  type Mark,
  type MarkStore,
  UnknownOutcomeError,
  WitnessCorruptError,
  WitnessUnavailableError,
} from '@lakh/id-range';
import type { Connection } from './connection.js';

export const WITNESS_ERRORS = { unavailable: WitnessUnavailableError, unknown: UnknownOutcomeError };

/** A counter, or the end of the space: what marks, heads and the ends of ranges may be. */
export function isHeight(value: unknown, lowest = 1): value is number {
  return Number.isSafeInteger(value) && (value as number) >= lowest && (value as number) <= COUNTER_SPACE_END;
}

/** Bound to the connection it was read on, so that it means nothing after the file was closed and opened again (I2). */
interface Version {
  readonly connection: Connection;
  readonly number: number;
}

/** The first witness: one row a namespace, whose version every write compares and raises. */
export function openMarkStore(connection: Connection, namespace: string): MarkStore {
  const select = connection.prepare('SELECT next, ledgered, cluster_id, version FROM marks WHERE namespace = ?');
  const update = connection.prepare(
    'UPDATE marks SET next = ?, ledgered = ?, version = version + 1 WHERE namespace = ? AND version = ?',
  );
  const insert = connection.prepare(
    'INSERT INTO marks (namespace, next, ledgered, cluster_id, version) VALUES (?, ?, ?, ?, 1)',
  );

  return {
    async read() {
      const row = connection.read(WITNESS_ERRORS, () => select.get([namespace]));
      if (row === undefined) return 'missing';
      const [next, ledgered, clusterId, number] = row;
      if (!isHeight(next) || !isHeight(ledgered, 0)) {
        throw new WitnessCorruptError(
          `the mark of ${namespace} is ${String(next)} ${String(ledgered)}, not two counters`,
        );
      }
      const version: Version = { connection, number: number as number };
      return { mark: { next, ledgered }, clusterId: clusterId as string, version };
    },

    async write(version, mark) {
      const { connection: readOn, number } = version as Version;
      if (readOn !== connection) return { outcome: 'stale' };
      assertMark(mark);
      const { changes } = connection.write(WITNESS_ERRORS, () =>
        update.run([mark.next, mark.ledgered, namespace, number]),
      );
      return changes === 1 ? { outcome: 'written', witnessVersion: number + 1 } : { outcome: 'stale' };
    },

    async create(mark, clusterId) {
      assertMark(mark);
      return connection.write(WITNESS_ERRORS, () => {
        if (select.get([namespace]) !== undefined) return 'exists';
        insert.run([namespace, mark.next, mark.ledgered, clusterId]);
        return 'created';
      });
    },
  };
}

function assertMark(mark: Mark): void {
  if (!isHeight(mark.next) || !isHeight(mark.ledgered, 0)) {
    throw new RangeError(`not a mark: ${mark.next} ${mark.ledgered}`);
  }
}
