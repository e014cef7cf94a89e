import type { Session } from './connection.js';

/** What sends statements, one at a time. */
export type SqlSession = Pick<Session, 'query' | 'destroy'>;

/** The part of a pool that everything beside the links uses; calls settle as those of `Pool` do. */
export interface SqlPool {
  readonly name: string;
  run<T>(work: (session: SqlSession) => Promise<T>): Promise<T>;
  transaction<T>(work: (session: SqlSession) => Promise<T>): Promise<T>;
  /** Resolves when the server has taken rows since the start and since it last refused some; rejects as a write would. */
  proveWritable(): Promise<void>;
}

/**
 * `work` between BEGIN and COMMIT, on a session of its own. `work` sends writes with `commits` unset: only the COMMIT can be of unknown
 * outcome. After any failure the session is destroyed, which rolls back what was begun.
 */
export async function inTransaction<S extends SqlSession, T>(session: S, work: (session: S) => Promise<T>): Promise<T> {
  try {
    await session.query('START TRANSACTION');
    const result = await work(session);
    await session.query('COMMIT', true);
    return result;
  } catch (error) {
    session.destroy('its transaction failed');
    throw error;
  }
}
