import { UsageError, WrongStateError } from '../errors.js';
import { settleServer } from './database.js';
import { isAlive } from './processes.js';
import type { Session } from './session.js';
import type { ProcessRecord } from './state.js';

/**
 * The verb `restart`, with the stack's lock held: of each kind of server one after the other, the kinds side by side. The next is touched
 * only once the one before is ready; after a failure none is.
 */
export async function restartInTurn(session: Session, names: readonly string[]): Promise<void> {
  const records = named(session, names);
  if (!session.read().processes.some(({ process }) => process && isAlive(process))) {
    throw new WrongStateError(`the stack in ${session.context.dir} is not running: start it with "up"`);
  }
  const failures: unknown[] = [];
  const kinds = new Set(records.map(({ role }) => role));
  await Promise.all(
    [...kinds].map(async (kind) => {
      for (const { name } of records.filter(({ role }) => role === kind)) {
        if (failures.length > 0) return;
        await restartOne(session, name).catch((error: unknown) => failures.push(error));
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
}

async function restartOne(session: Session, name: string): Promise<void> {
  const started = performance.now();
  await session.stop(name);
  const ready = await session.spawn(name);
  await ready();
  await settleServer(session, name);
  session.report(`${name} is ready again (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

/** Processes by name, and all of a role by the role's, each once. */
function named(session: Session, names: readonly string[]): readonly ProcessRecord[] {
  if (names.length === 0) throw new UsageError('restart needs the name of a process, or of a kind of server');
  const { processes } = session.read();
  const found = new Set<ProcessRecord>();
  for (const name of names) {
    const meant = processes.filter((record) => record.name === name || record.role === name);
    if (meant.length === 0) session.record(name);
    for (const record of meant) found.add(record);
  }
  return [...found];
}
